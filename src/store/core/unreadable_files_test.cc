// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Files that the system refuses to read, and stores that it refuses to change.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include "bale/store.h"
#include "bale/store_collect.h"
#include "bale/store_repack.h"
#include "bale/store_repair.h"
#include "bale/store_statistics.h"
#include "bale/store_verifier.h"
#include "base/try.h"
#include "store/core/store_impl.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"
#include "testing/small_archives.h"
#include "testing/small_history.h"

namespace bale {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kUnreadableStore = "/store";

class UnreadableFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(Store::init(kUnreadableStore, &memory_), IsOk());
    ASSERT_OK_AND_ASSIGN(store, Store::open(kUnreadableStore, &memory_));
    ASSERT_THAT(import_small(store, "a", 2), IsOk());
    ASSERT_THAT(import_small(store, "b256", 2), IsOk());
    ReadContext context;
    ASSERT_OK_AND_ASSIGN(record, store.snapshot().record("a", 0, context));
    pack_of_a_ = store.snapshot().pack_name(store.snapshot().find(record.id)->pack);
  }

  // The system refuses every such call on paths with this text.
  void refuse(IoKinds kinds, const std::string& path_part) {
    files_.inject(
        {.kinds = kinds, .path_part = path_part, .forever = true, .message = "Permission denied"});
  }

  void refuse_writing() {
    refuse(io_kinds({IoKind::kCreate, IoKind::kCreateUnnamed, IoKind::kRename, IoKind::kRemoveFile,
                     IoKind::kCreateDirectory, IoKind::kRemoveDirectory, IoKind::kWrite,
                     IoKind::kSyncDirectory}),
           kUnreadableStore);
  }

  [[nodiscard]] std::string state() {
    const Result<std::string> digest = digest_of_tree(memory_, kUnreadableStore);
    return digest ? *digest : digest.error().message;
  }

  static bool reads(const Snapshot& store, const std::string& name) {
    ReadContext context;
    const std::vector<SmallObject>& objects = small_history(name, 2).objects;
    return store.record(name, 0, context).has_value() &&
           std::all_of(objects.begin(), objects.end(), [&](const SmallObject& object) {
             const auto location = store.find(object.oid);
             return location && store.get(*location, context, object.oid);
           });
  }

  Result<RepairSummary> repair(bool dry_run) {
    return repair_store(kUnreadableStore, {.dry_run = dry_run,
                                           .level = 1,
                                           .work = {.memory_bytes = smallest_repair_memory_bytes(1),
                                                    .lanes = 1,
                                                    .file_system = &files_}});
  }

  MemoryFileSystem memory_;
  FaultyFileSystem files_{memory_};
  std::string pack_of_a_;
};

TEST_F(UnreadableFilesTest, TheRestOfTheStoreWorks) {
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    SCOPED_TRACE(suffix);
    refuse(io_kinds({IoKind::kOpen}), pack_of_a_ + suffix);
    ASSERT_OK_AND_ASSIGN(store, Store::open(kUnreadableStore, &files_));
    ASSERT_EQ(store.snapshot().damage().size(), 1u);
    EXPECT_EQ(store.snapshot().damage()[0].code, ErrorCode::kIo);
    EXPECT_TRUE(reads(store, "b256"));
    EXPECT_FALSE(reads(store, "a"));
    // It is not said to be missing.
    const GitOid oid = small_history("a", 2).objects.front().oid;
    EXPECT_THAT(store.snapshot().find_prefix(oid.to_hex()), FailsWith(ErrorCode::kIo));
    EXPECT_EQ(store.snapshot().missing("x").code, ErrorCode::kIo);
    EXPECT_THAT(import_small(store, "c", 1), IsOk());
    EXPECT_TRUE(store.snapshot().archives().has_value());
    files_.clear_fault();
  }
}

TEST_F(UnreadableFilesTest, VerifyReportsThemAndCallsNothingLost) {
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    SCOPED_TRACE(suffix);
    refuse(io_kinds({IoKind::kOpen}), pack_of_a_ + suffix);
    ASSERT_OK_AND_ASSIGN(store, Store::open(kUnreadableStore, &files_));
    ASSERT_OK_AND_ASSIGN(
        report, verify_store(store, {.work = {.memory_bytes = smallest_verify_memory_bytes()}}));
    EXPECT_FALSE(report.ok());
    for (const Error& error : report.errors) EXPECT_EQ(error.code, ErrorCode::kIo) << error.message;
    EXPECT_THAT(report.errors.front().message, HasSubstr("Permission denied"));
    EXPECT_THAT(report.lost, IsEmpty());
    EXPECT_GT(report.objects, 0u);
    files_.clear_fault();
  }
}

TEST_F(UnreadableFilesTest, StatisticsAndVerifyOfOneArchiveNameTheFile) {
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    SCOPED_TRACE(suffix);
    const auto names_file = [&](const Error& error) {
      return error.code == ErrorCode::kIo &&
             error.message.find(pack_of_a_ + suffix) != std::string::npos;
    };
    refuse(io_kinds({IoKind::kOpen}), pack_of_a_ + suffix);
    ASSERT_OK_AND_ASSIGN(store, Store::open(kUnreadableStore, &files_));
    ASSERT_OK_AND_ASSIGN(statistics, store_statistics(store, {.memory_bytes = 8 << 20}));
    ASSERT_FALSE(statistics.errors.empty());
    EXPECT_TRUE(names_file(statistics.errors.front())) << statistics.errors.front().message;
    EXPECT_GT(statistics.objects, 0u);
    ASSERT_OK_AND_ASSIGN(report, verify_store(store, {.archive = "a"}));
    ASSERT_FALSE(report.errors.empty());
    EXPECT_TRUE(names_file(report.errors.front())) << report.errors.front().message;
    ASSERT_OK_AND_ASSIGN(other, verify_store(store, {.archive = "b256"}));
    EXPECT_TRUE(other.ok());
    files_.clear_fault();
  }
}

TEST_F(UnreadableFilesTest, VerifyOfOneArchiveNamesTheGitIndexThatIsLost) {
  const std::string path = std::string(kUnreadableStore) + "/packs/" + pack_of_a_ + ".gitidx";
  ASSERT_THAT(memory_.remove_file(path), IsOk());
  ASSERT_OK_AND_ASSIGN(store, Store::open(kUnreadableStore, &memory_));
  EXPECT_THAT(store.snapshot().missing("x").message, HasSubstr(path));
  ASSERT_OK_AND_ASSIGN(report, verify_store(store, {.archive = "a"}));
  ASSERT_FALSE(report.errors.empty());
  EXPECT_THAT(report.errors.front().message, HasSubstr(path));
  ASSERT_OK_AND_ASSIGN(other, verify_store(store, {.archive = "b256"}));
  EXPECT_TRUE(other.ok());
}

TEST_F(UnreadableFilesTest, MaintenanceAndRepairTouchNothingOfThem) {
  const std::string before = state();
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    SCOPED_TRACE(suffix);
    refuse(io_kinds({IoKind::kOpen}), pack_of_a_ + suffix);
    {
      ASSERT_OK_AND_ASSIGN(store, Store::open(kUnreadableStore, &files_));
      EXPECT_THAT(collect_store(store, {.work = {.memory_bytes = 32 << 20, .operation = {}}}),
                  FailsWith(ErrorCode::kIo));
      ASSERT_OK_AND_ASSIGN(
          repacked, repack_store(store, {.work = {.memory_bytes = 24 << 20, .operation = {}}}));
      EXPECT_EQ(repacked.damaged.size(), 1u);
    }
    ASSERT_OK_AND_ASSIGN(summary, repair(false));
    EXPECT_EQ(summary.inaccessible.size(), 1u);
    EXPECT_FALSE(summary.whole());
    EXPECT_FALSE(summary.losses_known);
    EXPECT_EQ(summary.objects_lost, 0u);
    EXPECT_THAT(summary.archives_lost, IsEmpty());
    EXPECT_THAT(summary.set_aside, IsEmpty());
    files_.clear_fault();
    EXPECT_EQ(state(), before);
  }
}

TEST_F(UnreadableFilesTest, AnArchiveWhosePointerCannotBeReadIsLeftAsItIs) {
  refuse(io_kinds({IoKind::kOpen}), "/archives/a");
  ASSERT_OK_AND_ASSIGN(summary, repair(false));
  EXPECT_EQ(summary.inaccessible.size(), 1u);
  EXPECT_THAT(summary.archives_recovered, IsEmpty());
  ASSERT_OK_AND_ASSIGN(store, Store::open(kUnreadableStore, &files_));
  ASSERT_OK_AND_ASSIGN(
      report, verify_store(store, {.work = {.memory_bytes = smallest_verify_memory_bytes()}}));
  ASSERT_EQ(report.errors.size(), 1u);
  EXPECT_EQ(report.errors[0].code, ErrorCode::kIo);
}

// The damage that verify would not reach if it ended at the first block that cannot be read.
TEST_F(UnreadableFilesTest, VerifyGoesOnAfterAReadError) {
  ASSERT_OK_AND_ASSIGN(store, Store::open(kUnreadableStore, &files_));
  const std::string path = layout_of(store).pack(pack_of_a_);
  ASSERT_OK_AND_ASSIGN(info, memory_.stat(path));
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(b, store.snapshot().record("b256", 0, context));
  const std::string other =
      layout_of(store).pack(store.snapshot().pack_name(store.snapshot().find(b.id)->pack));
  {
    ASSERT_OK_AND_ASSIGN(content, read_file(memory_, other));
    content[100] ^= std::byte{1};
    ASSERT_THAT(write_file(memory_, other, content), IsOk());
  }
  files_.inject({.kinds = io_kinds({IoKind::kRead}),
                 .path_part = path,
                 .region_begin = info.size / 2,
                 .region_end = info.size / 2 + 1,
                 .forever = true,
                 .message = "Input/output error"});
  ASSERT_OK_AND_ASSIGN(
      report, verify_store(store, {.work = {.memory_bytes = smallest_verify_memory_bytes()}}));
  const auto names = [&](const std::string& file, ErrorCode code) {
    return std::any_of(report.errors.begin(), report.errors.end(), [&](const Error& error) {
      return error.code == code && error.message.find(file) != std::string::npos;
    });
  };
  EXPECT_TRUE(names(path + ": bytes from offset", ErrorCode::kIo));
  EXPECT_TRUE(names(other, ErrorCode::kCorrupt));
  EXPECT_THAT(report.lost, Not(IsEmpty()));
  EXPECT_GT(report.objects, 4u);
  EXPECT_THAT(collect_store(store, {.work = {.memory_bytes = 32 << 20, .operation = {}}}),
              FailsWith(ErrorCode::kIo));
}

TEST_F(UnreadableFilesTest, ReadingAndDryRunsChangeNothingInAStoreThatCannotBeWritten) {
  std::error_code none;
  std::string made;
  for (const auto& part : std::filesystem::temp_directory_path(none)) {
    made = made.empty() ? part.string() : (std::filesystem::path(made) / part).string();
    if (!memory_.stat(made)) static_cast<void>(memory_.create_directory(made).has_value());
  }
  const std::string before = state();
  refuse_writing();
  ASSERT_OK_AND_ASSIGN(store, Store::open(kUnreadableStore, &files_));
  EXPECT_TRUE(reads(store, "a"));
  ASSERT_OK_AND_ASSIGN(
      report, verify_store(store, {.work = {.memory_bytes = smallest_verify_memory_bytes()}}));
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(
      collect_store(store, {.dry_run = true, .work = {.memory_bytes = 32 << 20, .operation = {}}}),
      IsOk());
  EXPECT_THAT(
      repack_store(store, {.dry_run = true, .work = {.memory_bytes = 24 << 20, .operation = {}}}),
      IsOk());
  EXPECT_THAT(repair(true), IsOk());
  files_.clear_fault();
  ASSERT_THAT(memory_.remove_file(layout_of(store).index(pack_of_a_)), IsOk());
  const std::string damaged = state();
  refuse_writing();
  ASSERT_OK_AND_ASSIGN(would, repair(true));
  EXPECT_EQ(would.indexes_made, 1u);
  files_.clear_fault();
  EXPECT_EQ(state(), damaged);
  EXPECT_NE(damaged, before);
}

TEST_F(UnreadableFilesTest, WhatOnlyWritersNeedIsMadeByThem) {
  ASSERT_THAT(memory_.remove_directory("/store/staging"), IsOk());
  ASSERT_THAT(memory_.remove_file("/store/lock"), IsOk());
  ASSERT_OK_AND_ASSIGN(store, Store::open(kUnreadableStore, &memory_));
  EXPECT_TRUE(reads(store, "a"));
  ASSERT_OK_AND_ASSIGN(
      report, verify_store(store, {.work = {.memory_bytes = smallest_verify_memory_bytes()}}));
  EXPECT_TRUE(report.ok());
  EXPECT_FALSE(memory_.stat("/store/staging"));
  EXPECT_THAT(import_small(store, "a", 3), IsOk());
  for (const bool collect : {true, false}) {
    static_cast<void>(memory_.remove_directory("/store/staging").has_value());
    EXPECT_THAT(collect
                    ? collect_store(store, {.work = {.memory_bytes = 32 << 20, .operation = {}}})
                          .has_value()
                    : repack_store(store, {.work = {.memory_bytes = 24 << 20, .operation = {}}})
                          .has_value(),
                true);
  }
  EXPECT_TRUE(memory_.stat("/store/lock"));
}

TEST_F(UnreadableFilesTest, WithoutItsPacksAStoreIsNotEmptyButDamaged) {
  ASSERT_OK_AND_ASSIGN(entries, memory_.list("/store/packs"));
  for (const DirectoryEntry& entry : entries) {
    ASSERT_THAT(memory_.remove_file("/store/packs/" + entry.name), IsOk());
  }
  ASSERT_THAT(memory_.remove_directory("/store/packs"), IsOk());
  EXPECT_THAT(Store::open(kUnreadableStore, &memory_), FailsWith(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace bale
