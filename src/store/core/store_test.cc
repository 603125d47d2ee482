// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Making and opening stores, archives and their records, and reading objects.

#include "bale/store.h"

#include <filesystem>
#include <string>

#include "store/core/layout.h"
#include "store/core/staged_pack.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

TEST(StoreTest, InitMakesAnEmptyStoreInANewOrEmptyDirectory) {
  const TempDirectory directory;
  fs::create_directory(directory / "empty");
  for (const std::string name : {"empty", "new"}) {
    ASSERT_THAT(Store::init(directory / name), IsOk());
    ASSERT_OK_AND_ASSIGN(store, Store::open(directory / name));
    EXPECT_EQ(store.path(), directory / name);
    EXPECT_EQ(store.snapshot().pack_count(), 0u);
    ASSERT_OK_AND_ASSIGN(archives, store.snapshot().archives());
    EXPECT_TRUE(archives.empty());
    ReadContext context;
    EXPECT_THAT(store.snapshot().record("x", 0, context), FailsWith(ErrorCode::kNotFound, "x"));
    EXPECT_THAT(store.snapshot().find_prefix("123456"), FailsWith(ErrorCode::kNotFound));
  }
}

TEST(StoreTest, InitRefusesWhereThereIsAnything) {
  const TempDirectory directory;
  ASSERT_THAT(Store::init(directory / "store"), IsOk());
  EXPECT_THAT(Store::init(directory / "store"),
              FailsWith(ErrorCode::kInvalidArgument, "there is a store already"));
  write_test_file(directory / "full/file", "mine");
  EXPECT_THAT(Store::init(directory / "full"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Store::init(directory / "full/file"), FailsWith(ErrorCode::kIo));
  EXPECT_EQ(std::distance(fs::directory_iterator(directory / "full"), fs::directory_iterator()), 1);
  EXPECT_EQ(read_test_file(directory / "full/file"), "mine");
}

TEST(StoreTest, OpenTellsWhatIsNoStoreFromOneOfAnotherVersion) {
  const TempDirectory directory;
  EXPECT_THAT(Store::open(directory / "nothing"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(Store::open(directory.path()), FailsWith(ErrorCode::kNotFound));
  ASSERT_THAT(Store::init(directory / "store"), IsOk());
  const std::string mark = StoreLayout{directory / "store"}.mark();
  for (const std::string content : {"bale store 3\n", "bale store 2", "bale store 2\nmore"}) {
    write_test_file(mark, content);
    EXPECT_THAT(Store::open(directory / "store"), FailsWith(ErrorCode::kUnsupported));
  }
  for (const std::string content : {"", "something else"}) {
    write_test_file(mark, content);
    EXPECT_THAT(Store::open(directory / "store"), FailsWith(ErrorCode::kCorrupt, mark));
  }
}

// A store with one pack: a blob, a tree, a commit, and records.
class StoreObjectsTest : public testing::Test {
 protected:
  StoreObjectsTest() {
    git_.write("a", std::string(3000, 'a'));
    git_.write("large", random_text((2 << 20) + 5, 1));
    git_.commit("first");
    EXPECT_THAT(fixture_.import(git_.path(), "b"), IsOk());
    EXPECT_THAT(fixture_.import(git_.path(), "a"), IsOk());
    git_.run({"tag", "again"});
    EXPECT_THAT(fixture_.import(git_.path(), "a"), IsOk());
  }

  Store& store() { return fixture_.store(); }

  GitFixture git_;
  StoreFixture fixture_;
  ReadContext context_;
};

TEST_F(StoreObjectsTest, ArchivesAreSortedAndTheirRecordsAChain) {
  write_test_file(fixture_.path() + "/archives/.a.new", "unfinished");
  ASSERT_OK_AND_ASSIGN(archives, store().snapshot().archives());
  EXPECT_THAT(archives, testing::ElementsAre("a", "b"));
  ASSERT_OK_AND_ASSIGN(newest, store().snapshot().record("a", 0, context_));
  ASSERT_OK_AND_ASSIGN(oldest, store().snapshot().record("a", 1, context_));
  EXPECT_EQ(newest.record.previous, oldest.id);
  ASSERT_OK_AND_ASSIGN(id, store().snapshot().newest_record("a"));
  EXPECT_EQ(id, newest.id);
  ASSERT_OK_AND_ASSIGN(by_id, store().snapshot().record(oldest.id, context_));
  EXPECT_EQ(by_id.record, oldest.record);
  EXPECT_THAT(store().snapshot().record("a", 2, context_),
              FailsWith(ErrorCode::kNotFound, "2 records"));
  ASSERT_OK_AND_ASSIGN(none, store().snapshot().newest_record("c"));
  EXPECT_FALSE(none.has_value());
  EXPECT_THAT(store().snapshot().newest_record("../a"), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(StoreObjectsTest, WhatIsNoRecordIsNoneAlsoWhereAnArchivePointsToIt) {
  const std::string content = std::string(3000, 'a');
  const ObjectId blob = content_hash(ObjectType::kBlob, as_bytes(content));
  EXPECT_THAT(store().snapshot().record(blob, context_),
              FailsWith(ErrorCode::kCorrupt, blob.to_hex()));
  EXPECT_THAT(store().snapshot().record(ObjectId(), context_), FailsWith(ErrorCode::kCorrupt));
  const std::string pointer = fixture_.path() + "/archives/a";
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string(64, 'a'), std::string(64, 'x') + "\n",
        std::string(65, 'a') + "\n", std::string(32, 'a') + "\n", std::string(5000, 'a')}) {
    write_test_file(pointer, text);
    EXPECT_THAT(store().snapshot().newest_record("a"), FailsWith(ErrorCode::kCorrupt, pointer));
  }
  write_test_file(pointer, blob.to_hex() + "\n");
  EXPECT_THAT(store().snapshot().record("a", 0, context_), FailsWith(ErrorCode::kCorrupt));
}

TEST_F(StoreObjectsTest, ObjectsAreFoundByEveryIdAndReadWholeOrInPieces) {
  const std::string content = std::string(3000, 'a');
  ASSERT_TRUE(store().snapshot().find(git_.oid("HEAD:a")));
  const ObjectLocation small = *store().snapshot().find(git_.oid("HEAD:a"));
  EXPECT_EQ(store().snapshot().find(content_hash(ObjectType::kBlob, as_bytes(content))), small);
  ASSERT_OK_AND_ASSIGN(view, store().snapshot().get(small, context_));
  EXPECT_EQ(view.type, ObjectType::kBlob);
  EXPECT_EQ(as_text(view.payload), content);
  const ObjectLocation large = *store().snapshot().find(git_.oid("HEAD:large"));
  std::string text;
  ASSERT_OK_AND_ASSIGN(type,
                       store().snapshot().read(large, context_, [&](Bytes piece) -> Result<void> {
                         text += as_text(piece);
                         return {};
                       }));
  EXPECT_EQ(type, ObjectType::kBlob);
  EXPECT_EQ(text, random_text((2 << 20) + 5, 1));
  const ObjectLocation commit = *store().snapshot().find(git_.oid("HEAD"));
  ASSERT_OK_AND_ASSIGN(state, store().snapshot().get(commit, context_));
  EXPECT_EQ(state.type, ObjectType::kState);
  EXPECT_EQ(state.id.kind(), IdKind::kChangeId);
  EXPECT_EQ(store().snapshot().find(state.id), commit);
  EXPECT_FALSE(store().snapshot().find(*GitOid::from_hex(std::string(40, '1'))));
  EXPECT_FALSE(store().snapshot().find(*GitOid::from_hex(std::string(64, '1'))));
  EXPECT_FALSE(store().snapshot().find(ObjectId()));
}

TEST_F(StoreObjectsTest, APackNumberOfAnotherStoreIsAnError) {
  const std::uint32_t none = store().snapshot().pack_count();
  const auto is_refused = FailsWith(ErrorCode::kInvalidArgument, "no pack has the number");
  EXPECT_THAT(store().snapshot().pack(none), is_refused);
  EXPECT_EQ(store().snapshot().pack_name(none), "");
  for (const LookupId& by : {LookupId(), LookupId(ObjectId())}) {
    EXPECT_THAT(store().snapshot().info({.pack = none}, context_, by), is_refused);
    EXPECT_THAT(store().snapshot().get({.pack = UINT32_MAX}, context_, by), is_refused);
  }
}

TEST_F(StoreObjectsTest, ReadersSeePacksAsTheyWereUntilTheyRefresh) {
  Store reader = fixture_.reopened();
  git_.write("b", "later");
  git_.commit("second");
  ASSERT_THAT(fixture_.import(git_.path(), "a"), IsOk());
  EXPECT_FALSE(reader.snapshot().find(git_.oid("HEAD")));
  ASSERT_THAT(reader.refresh(), IsOk());
  EXPECT_TRUE(reader.snapshot().find(git_.oid("HEAD")));
  EXPECT_EQ(reader.snapshot().pack_count(), 4u);

  // An open pack outlives its name; refresh forgets it.
  const ObjectLocation where = *reader.snapshot().find(git_.oid("HEAD"));
  const std::string name = reader.snapshot().pack_name(where.pack);
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    fs::remove(fixture_.path() + "/packs/" + name + suffix);
  }
  EXPECT_THAT(reader.snapshot().get(where, context_), IsOk());
  ASSERT_THAT(reader.refresh(), IsOk());
  EXPECT_FALSE(reader.snapshot().find(git_.oid("HEAD")));
}

TEST_F(StoreObjectsTest, APayloadThatIsNotWhatItsIdSaysIsNeverHandedOut) {
  // A pack that is well-formed in every way, with another payload under the blob's id.
  StoreFixture other;
  const std::string content = std::string(100, 'a');
  const ObjectId claimed = content_hash(ObjectType::kBlob, as_bytes("something else"));
  const std::string path = other.path() + "/packs/" + std::string(64, '0') + ".pack";
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(path, {}));
  ASSERT_THAT(builder.add(claimed, ObjectType::kBlob, as_bytes(content)), IsOk());
  ASSERT_THAT(builder.finish(), IsOk());
  ASSERT_THAT(other.store().refresh(), IsOk());
  const auto where = other.store().snapshot().find(claimed);
  ASSERT_TRUE(where);
  EXPECT_THAT(other.store().snapshot().get(*where, context_),
              FailsWith(ErrorCode::kCorrupt, claimed.to_hex()));
  const auto ignore = [](Bytes) -> Result<void> { return {}; };
  EXPECT_THAT(other.store().snapshot().read(*where, context_, ignore),
              FailsWith(ErrorCode::kCorrupt, claimed.to_hex()));
}

}  // namespace
}  // namespace bale
