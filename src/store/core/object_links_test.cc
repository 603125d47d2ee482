// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Links of objects that are larger than the memory: the same as of any other.

#include "store/core/object_links.h"

#include <set>
#include <string>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/tree.h"
#include "base/error.h"
#include "store/core/closure.h"
#include "store/core/store_impl.h"
#include "store/maintain/collect_proof.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

constexpr std::size_t kEntries = 150'000;

// A commit with a message of 6 MiB, whose tree has 150,000 entries and takes 5 MiB; and the commit
// before it. None of the two fits into kAnyObjectBytes.
class ObjectLinksTest : public testing::Test {
 protected:
  ObjectLinksTest() {
    const GitOid blob = git_.write_blob("x");
    small_ = git_.write_object("tree", entry("100644", "inside", blob));
    git_.run({"update-ref", "refs/tags/small", small_.to_hex()});
    EXPECT_THAT(fixture_.import(git_.path(), "small"), IsOk());
    git_.run({"update-ref", "-d", "refs/tags/small"});
    std::string tree;
    for (std::size_t i = 0; i < kEntries; ++i) tree += entry("100644", name_of(i), blob);
    tree_ = git_.write_object("tree", tree + entry("40000", "z", small_));
    first_ = git_.write_object("commit", commit_of("", "first\n"));
    const std::string parent = "parent " + first_.to_hex() + "\n";
    second_ = git_.write_object("commit", commit_of(parent, random_text(6 << 20, 1)));
    git_.run({"update-ref", "refs/heads/main", second_.to_hex()});
    EXPECT_THAT(fixture_.import(git_.path(), "x"), IsOk());
  }

  static std::string name_of(std::size_t number) {
    const std::string digits = std::to_string(number);
    return "f" + std::string(7 - digits.size(), '0') + digits;
  }

  static std::string entry(const std::string& mode, const std::string& name, const GitOid& oid) {
    return mode + " " + name + '\0' + std::string(as_text(oid.bytes()));
  }

  [[nodiscard]] std::string commit_of(const std::string& parents,
                                      const std::string& message) const {
    return "tree " + tree_.to_hex() + "\n" + parents +
           "author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\n" + message;
  }

  Result<LinksRead> read(const GitOid& oid, const HeldLinkVisitor& visit) {
    ReadContext context(kAnyObjectBytes);
    EXPECT_THAT(store().snapshot().get(*store().snapshot().find(oid), context, oid),
                FailsWithHint(ErrorCode::kLimitExceeded, HintKind::kNeedsMemory));
    return read_links(store(), *store().snapshot().find(oid), context, oid, oid.hash(), visit);
  }

  Store& store() { return fixture_.store(); }

  GitFixture git_;
  StoreFixture fixture_;
  GitOid small_;
  GitOid tree_;
  GitOid first_;
  GitOid second_;
};

TEST_F(ObjectLinksTest, AnObjectThatDoesNotFitGivesAllItsLinks) {
  std::vector<GitOid> links;
  ASSERT_OK_AND_ASSIGN(commit, read(second_, [&](ObjectType holder, const Link& link) {
                         EXPECT_EQ(holder, ObjectType::kState);
                         links.push_back(link.oid);
                         return Result<void>();
                       }));
  ASSERT_THAT(commit.type, IsOk());
  EXPECT_EQ(*commit.type, ObjectType::kState);
  EXPECT_FALSE(commit.malformed.has_value());
  EXPECT_EQ(links, (std::vector<GitOid>{tree_, first_}));

  std::size_t count = 0;
  ASSERT_OK_AND_ASSIGN(tree, read(tree_, [&](ObjectType holder, const Link& link) {
                         EXPECT_EQ(holder, ObjectType::kTree);
                         if (count < kEntries) {
                           EXPECT_EQ(link.name, name_of(count));
                         }
                         ++count;
                         return Result<void>();
                       }));
  ASSERT_THAT(tree.type, IsOk());
  EXPECT_EQ(count, kEntries + 1);
}

TEST_F(ObjectLinksTest, AnErrorOfTheVisitorIsNoErrorOfReading) {
  const Error error = fail(ErrorCode::kCorrupt, "enough");
  const auto stop = [&](ObjectType, const Link&) { return Result<void>(error); };
  EXPECT_THAT(read(tree_, stop), FailsWith(ErrorCode::kCorrupt, "enough"));
  EXPECT_THAT(read(second_, stop), FailsWith(ErrorCode::kCorrupt, "enough"));
}

TEST_F(ObjectLinksTest, AnObjectOfAnotherIdHasNoLinks) {
  ReadContext context(kAnyObjectBytes);
  const auto refuse = [](ObjectType, const Link&) -> Result<void> {
    ADD_FAILURE();
    return {};
  };
  ASSERT_OK_AND_ASSIGN(read,
                       read_links(store(), *store().snapshot().find(tree_), context,
                                  GitOid::from_hex(kAbsentOid).value(), GitHash::kSha1, refuse));
  EXPECT_THAT(read.type, FailsWith(ErrorCode::kCorrupt));
}

TEST_F(ObjectLinksTest, PathsLeadThroughThemAndTheirEntriesAreListed) {
  ReadContext context(kAnyObjectBytes);
  for (const std::string& path : {std::string("x:f0149999"), std::string("x:z/inside")}) {
    ASSERT_OK_AND_ASSIGN(place, find_archive_path(store(), path));
    ASSERT_OK_AND_ASSIGN(resolved, resolve_path(store(), place, context));
    EXPECT_EQ(resolved.type, ObjectType::kBlob);
    EXPECT_EQ(resolved.mode, 0100644u);
  }
  std::size_t count = 0;
  ASSERT_THAT(list_tree(store(), *store().snapshot().find(tree_), tree_, context,
                        [&](const TreeItem& item) -> Result<void> {
                          if (count < kEntries) {
                            EXPECT_EQ(item.size, 1u);
                          }
                          ++count;
                          return {};
                        }),
              IsOk());
  EXPECT_EQ(count, kEntries + 1);
}

TEST_F(ObjectLinksTest, AWalkAndTheProofOfACollectionNeedNoMoreMemoryForThem) {
  const Operation operation;
  const auto none = [](const auto& found) -> Result<void> {
    ADD_FAILURE() << sizeof(found);
    return {};
  };
  ASSERT_OK_AND_ASSIGN(closure, Closure::create(store(), {.memory_bytes = Closure::kMinBytes,
                                                          .scratch_directory = store().path(),
                                                          .on_missing = none,
                                                          .on_damage = none,
                                                          .operation = &operation}));
  ASSERT_THAT(closure.add(second_, "main"), IsOk());
  ASSERT_THAT(closure.walk(), IsOk());
  EXPECT_EQ(closure.object_count(), 5u);

  // The tree "z" is behind the large objects only, in a pack of its own.
  ASSERT_THAT(remove_archive(store(), "small", {.work = {.sync = false}}), IsOk());
  const auto behind = store().snapshot().find(small_);
  ASSERT_TRUE(behind);
  std::set<std::string> going;
  std::set<std::string> staying;
  for (const std::uint32_t number : store().snapshot().pack_numbers()) {
    (number == behind->pack ? going : staying).insert(store().snapshot().pack_name(number));
  }
  const CollectProofOptions options{.memory_bytes = kMinCollectProofBytes,
                                    .scratch_directory = store().path(),
                                    .operation = &operation};
  EXPECT_THAT(prove_collection(store(), going, staying, options),
              FailsWith(ErrorCode::kCorrupt, "object " + tree_.to_hex()));
  staying.merge(going);
  EXPECT_THAT(prove_collection(store(), {}, staying, options), IsOk());
}

}  // namespace
}  // namespace bale
