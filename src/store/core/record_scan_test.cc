// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Records are found by the indexes alone, and whatever is damaged, as far as they can be.

#include "store/core/record_scan.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/try.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

// The archive "x" with two records, and a tag, which is an action and no record.
class RecordScanTest : public testing::Test {
 protected:
  RecordScanTest() {
    git_.write("a", random_text(3000, 1));
    git_.commit("first");
    git_.tag("v1", git_.oid("HEAD"));
    EXPECT_THAT(fixture_.import(git_.path(), "x"), IsOk());
    git_.write("a", "two");
    git_.commit("second");
    EXPECT_THAT(fixture_.import(git_.path(), "x"), IsOk());
    ReadContext context;
    for (const std::uint64_t back : {1u, 0u}) {
      const Result<ArchiveRecord> entry = fixture_.store().snapshot().record("x", back, context);
      EXPECT_THAT(entry, IsOk());
      records_.insert(entry->id);
      location_ = *fixture_.store().snapshot().find(entry->id);
    }
  }

  RecordScanOptions options() {
    return {.memory_bytes = kMinRecordScanBytes,
            .scratch_directory = fixture_.path() + "/staging",
            .operation = &operation_};
  }

  Result<std::set<ObjectId>> scan(const RecordScanOptions& options) {
    const Store store = fixture_.reopened();
    std::set<ObjectId> found;
    TRY(for_each_record(store, store.snapshot().pack_numbers(), options,
                        [&](const ObjectId& id, const Record& record) -> Result<void> {
                          EXPECT_EQ(record.archive, "x");
                          EXPECT_TRUE(found.insert(id).second);
                          return {};
                        }));
    return found;
  }

  GitFixture git_;
  StoreFixture fixture_;
  Operation operation_;
  std::set<ObjectId> records_;
  ObjectLocation location_;  // of the newest
};

TEST_F(RecordScanTest, EachRecordIsFoundOnceAndNothingElse) {
  ASSERT_OK_AND_ASSIGN(found, scan(options()));
  EXPECT_EQ(found, records_);
  EXPECT_EQ(found.size(), 2u);
}

TEST_F(RecordScanTest, GitIndexesAreNotNeeded) {
  for (const auto& [file, size] : fixture_.files()) {
    if (file.ends_with(".gitidx")) fs::remove(fixture_.path() + "/" + file);
  }
  ASSERT_OK_AND_ASSIGN(found, scan(options()));
  EXPECT_EQ(found, records_);
}

TEST_F(RecordScanTest, ADamagedRecordEndsItOrIsToldOf) {
  const std::string pack = fixture_.store().snapshot().pack_name(location_.pack);
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(info, fixture_.store().snapshot().info(location_, context));
  flip_byte(fixture_.path() + "/packs/" + pack + ".pack",
            static_cast<std::int64_t>(info.offset + info.entry_bytes - 5));
  EXPECT_THAT(scan(options()), FailsWith(ErrorCode::kCorrupt));
  std::vector<std::uint64_t> damaged;
  RecordScanOptions told = options();
  told.on_damage = [&](const ObjectLocation& location, const Error&) -> Result<void> {
    damaged.push_back(location.offset);
    return {};
  };
  ASSERT_OK_AND_ASSIGN(found, scan(told));
  EXPECT_EQ(found.size(), 1u);
  EXPECT_EQ(damaged, std::vector<std::uint64_t>{location_.offset});
}

TEST_F(RecordScanTest, WhatIsKnownIsNotRecovered) {
  const Store store = fixture_.reopened();
  for (const bool known : {true, false}) {
    ASSERT_OK_AND_ASSIGN(archives,
                         recover_archives(store, store.snapshot().pack_numbers(), options(),
                                          [&](const std::string&) { return known; }));
    EXPECT_EQ(archives.size(), known ? 0u : 1u);
  }
}

}  // namespace
}  // namespace bale
