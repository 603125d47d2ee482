// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/ref_lists.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "hash/git_hash.h"
#include "store/core/ref_lines.h"
#include "testing/archive_fixture.h"
#include "testing/matchers.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

using Refs = std::map<std::string, Ref>;

class RefListsTest : public ::testing::Test {
 protected:
  RefListsTest() {
    EXPECT_THAT(Store::init(path_), IsOk());
    store_.emplace(must(Store::open(path_)));
  }

  template <typename Value>
  static Value must(Result<Value> result) {
    if (!result) ADD_FAILURE() << result.error().message;
    return std::move(result).value();
  }

  static GitOid oid_of(std::uint64_t number) {
    return git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(std::to_string(number)));
  }

  static RefList list_of(const Refs& refs) {
    RefListBuilder builder(posix_file_system(), "/tmp", GitHash::kSha1);
    for (const auto& [name, ref] : refs) EXPECT_THAT(builder.add(ref), IsOk());
    return builder.finish();
  }

  static Refs refs_of(const RefList& list) {
    Refs refs;
    RefList::Reader reader(list);
    while (const std::optional<Ref> ref = must(reader.next())) refs.emplace(ref->name, *ref);
    EXPECT_EQ(refs.size(), list.size());
    return refs;
  }

  // Writes refs as an import does; the record is not stored.
  Record write(const Refs& refs, const Record* older) {
    const auto staged = must(StagedPack::create(*store_, GitHash::kSha1, {.sync = false}));
    Record record{.archive = "x", .hash = GitHash::kSha1};
    std::optional<RefList> before;
    if (older != nullptr) before = must(RefList::read(*store_, *older, context_));
    EXPECT_THAT(write_refs(*store_, list_of(refs), older, before ? &*before : nullptr, context_,
                           *staged, record),
                IsOk());
    record.number = older == nullptr ? 1 : older->number + 1;  // so that packs differ
    static_cast<void>(must(staged->add_record(record)));
    static_cast<void>(must(staged->install()));
    EXPECT_THAT(store_->refresh(), IsOk());
    return record;
  }

  Refs read(const Record& record) {
    return refs_of(must(RefList::read(*store_, record, context_)));
  }

  TempDirectory directory_;
  std::string path_ = directory_.path() + "/s.bale";
  std::optional<Store> store_;
  ReadContext context_{8 << 20};
};

Refs many(int count) {
  Refs refs;
  for (int i = 0; i < count; ++i) {
    const std::string name = "refs/heads/branch-" + std::to_string(1'000'000 + i);
    const GitOid oid =
        git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("first " + std::to_string(i)));
    refs.emplace(name, Ref{name, oid, ""});
  }
  return refs;
}

TEST_F(RefListsTest, AFewRefsAreInTheRecord) {
  Refs refs = many(3);
  refs["refs/alias"] = {"refs/alias", oid_of(1), "refs/heads/branch-1000000"};
  refs["refs/nowhere"] = {"refs/nowhere", std::nullopt, "refs/heads/unborn"};
  const Record record = write(refs, nullptr);
  EXPECT_TRUE(record.ref_lists.empty());
  EXPECT_EQ(record.refs.size(), 4u);
  EXPECT_EQ(record.symrefs.size(), 2u);
  EXPECT_EQ(record.count_refs(), 5u);
  EXPECT_EQ(read(record), refs);
}

TEST_F(RefListsTest, ManyRefsAreAListAndWhatMovesAreEdits) {
  Refs refs = many(500);
  const Record first = write(refs, nullptr);
  EXPECT_TRUE(first.refs.empty());
  EXPECT_EQ(first.ref_lists.size(), 1u);
  EXPECT_EQ(first.count_refs(), 500u);
  EXPECT_EQ(read(first), refs);

  refs.begin()->second.oid = oid_of(1);
  refs.erase("refs/heads/branch-1000007");
  refs["refs/x"] = {"refs/x", std::nullopt, "refs/y"};
  const Record second = write(refs, &first);
  ASSERT_EQ(second.ref_lists.size(), 2u);
  EXPECT_EQ(second.ref_lists[0], first.ref_lists[0]);
  EXPECT_EQ(read(second), refs);

  const Record same = write(refs, &second);
  EXPECT_EQ(same.ref_lists, second.ref_lists);

  for (auto& [name, ref] : refs) {
    if (ref.target.empty()) ref.oid = oid_of(2);
  }
  const Record all_moved = write(refs, &second);
  EXPECT_EQ(all_moved.ref_lists.size(), 1u);
  EXPECT_EQ(read(all_moved), refs);

  const Record few = write(many(2), &all_moved);
  EXPECT_TRUE(few.ref_lists.empty());
  EXPECT_EQ(read(few), many(2));
}

TEST_F(RefListsTest, ListsStayFewWhateverMoves) {
  std::mt19937 random(3);
  Refs refs = many(300);
  Record record = write(refs, nullptr);
  std::size_t most = 0;
  for (std::uint64_t round = 0; round < 120; ++round) {
    for (std::uint64_t moves = random() % 8 == 0 ? 40 : 1; moves > 0; --moves) {
      auto ref = refs.begin();
      std::advance(ref, random() % refs.size());
      if (random() % 5 == 0) {
        refs.erase(ref);
      } else {
        ref->second.oid = oid_of(1000 * round + moves);
      }
      if (random() % 5 == 0) {
        const std::string name = "refs/new/" + std::to_string(random() % 100);
        refs[name] = {name, oid_of(round), ""};
      }
    }
    record = write(refs, &record);
    most = std::max(most, record.ref_lists.size());
    ASSERT_EQ(read(record), refs) << round;
  }
  EXPECT_GT(most, 2u);
  EXPECT_LE(most, 12u);
}

// Sizes that more than double from each list to the one before it never make a row of 33.
TEST_F(RefListsTest, ARowOfListsEnds) {
  Refs refs = many(100);
  Record record = write(refs, nullptr);
  const Record first = record;
  refs.begin()->second.oid = oid_of(1);
  const Record edited = write(refs, &first);
  record = edited;
  record.ref_lists.assign(Record::kMostRefLists, edited.ref_lists[1]);
  record.ref_lists[0] = first.ref_lists[0];
  refs.rbegin()->second.oid = oid_of(2);
  const Record last = write(refs, &record);
  EXPECT_LE(last.ref_lists.size(), Record::kMostRefLists);
  EXPECT_EQ(read(last), refs);
}

TEST_F(RefListsTest, AListThatIsNotThereOrIsNoneIsDamage) {
  Record record = write(many(200), nullptr);
  const auto why = [&] {
    const Result<RefList> read = RefList::read(*store_, record, context_);
    return read ? std::string() : std::string(to_string(read.error().code)) + read.error().message;
  };
  const ObjectId whole = record.ref_lists[0];
  record.ref_lists = {whole, whole};
  EXPECT_THAT(why(), ::testing::HasSubstr("does not begin with \"refs 1 sha1 edits\""));
  record.ref_lists = {whole};
  record.hash = GitHash::kSha256;
  EXPECT_THAT(why(), ::testing::HasSubstr("does not begin with \"refs 1 sha256 whole\""));
  record.hash = GitHash::kSha1;
  record.ref_lists = {ObjectId()};
  EXPECT_THAT(why(), ::testing::HasSubstr("is in none of the packs"));
}

}  // namespace
}  // namespace bale
