// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Repairs on disks that fail and computers that lose power: a repair after that brings everything
// back that was there.

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bale/store_repair.h"
#include "bale/store_verifier.h"
#include "base/try.h"
#include "hash/git_hash.h"
#include "store/core/staged_pack.h"
#include "testing/archive_fixture.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

using Files = std::map<std::string, ByteVector>;

const std::vector<std::int64_t> kTimes = {3, 2, 1};

Result<RepairSummary> repair(FileSystem& files) {
  return repair_store("/store", {.level = 1,
                                 .work = {.memory_bytes = smallest_repair_memory_bytes(1),
                                          .lanes = 1,
                                          .file_system = &files}});
}

// The files in packs/, archives/ and damaged/ but locks.
Result<Files> contents(FileSystem& files) {
  Files found;
  for (const std::string directory : {"/store/packs", "/store/archives", "/store/damaged"}) {
    const Result<std::vector<DirectoryEntry>> entries = files.list(directory);
    if (!entries) continue;
    for (const DirectoryEntry& entry : *entries) {
      if (entry.name.starts_with('.')) continue;
      const std::string path = directory + "/" + entry.name;
      found[path] = TRY(read_file(files, path));
    }
  }
  return found;
}

Result<void> flip_from_end(FileSystem& files, const std::string& path, std::size_t from_end) {
  ByteVector bytes = TRY(read_file(files, path));
  bytes[bytes.size() - from_end] ^= std::byte{0xff};
  const std::unique_ptr<File> file = TRY(files.create(path, CreateMode::kTruncate));
  TRY(file->write_at(0, bytes));
  return file->sync();
}

// A store with the archives "x" and "y", a pack a record. All of it can be had back: a pack is
// damaged in its trailer, one has lost its index, one its Git index, one has both damaged; a
// pointer is lost, another one damaged, and so is the mark.
Result<void> make_damaged_store(FileSystem& files) {
  TRY(Store::init("/store", &files));
  std::set<std::string> seen;
  std::vector<std::string> packs;
  {
    Store store = TRY(Store::open("/store", &files));
    for (const std::string name : {"x", "y"}) {
      for (const std::int64_t time : {1, 2, 3}) {
        TRY(grow_archive(store, name, time));
        for (const std::uint32_t number : store.snapshot().pack_numbers()) {
          const std::string pack = store.snapshot().pack_name(number);
          if (seen.insert(pack).second) packs.push_back("/store/packs/" + pack);
        }
      }
    }
  }
  TRY(flip_from_end(files, packs.at(0) + ".pack", 1));
  TRY(files.remove_file(packs.at(1) + ".idx"));
  TRY(files.remove_file(packs.at(2) + ".gitidx"));
  TRY(flip_from_end(files, packs.at(3) + ".idx", 20));
  TRY(flip_from_end(files, packs.at(3) + ".gitidx", 20));
  TRY(files.remove_file("/store/archives/x"));
  TRY(flip_from_end(files, "/store/archives/y", 3));
  TRY(flip_from_end(files, "/store/bale-store", 8));
  for (const std::string directory : {"/store/packs", "/store/archives", "/store"}) {
    TRY(files.sync_directory(directory));
  }
  return {};
}

// Everything is there again, and every byte that was there before.
void expect_mended(FileSystem& files, const Files& damaged, std::uint64_t n) {
  ASSERT_THAT(repair(files), IsOk()) << n;
  ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &files));
  for (const std::string name : {"x", "y"}) {
    ASSERT_OK_AND_ASSIGN(times, record_times(store, name));
    EXPECT_EQ(times, kTimes) << n;
  }
  ASSERT_OK_AND_ASSIGN(report, verify_store(store, {}));
  EXPECT_TRUE(report.ok()) << n << ": " << report.errors.front().message;
  EXPECT_EQ(report.packs, 6u) << n;
  ASSERT_OK_AND_ASSIGN(after, contents(files));
  std::multiset<ByteVector> there;
  for (const auto& [path, bytes] : after) there.insert(bytes);
  for (const auto& [path, bytes] : damaged) EXPECT_TRUE(there.contains(bytes)) << n << path;
  ASSERT_OK_AND_ASSIGN(left, files.list("/store/staging"));
  EXPECT_TRUE(left.empty()) << n;
  ASSERT_OK_AND_ASSIGN(again, repair(files));
  EXPECT_TRUE(again.notes.empty()) << n << again.notes.front();
  EXPECT_TRUE(*contents(files) == after) << n;
}

class RepairFaultsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(make_damaged_store(store_), IsOk());
    ASSERT_OK_AND_ASSIGN(damaged, contents(store_));
    damaged_ = damaged;
    const std::unique_ptr<MemoryFileSystem> memory = store_.snapshot();
    FaultyFileSystem counting(*memory);
    ASSERT_OK_AND_ASSIGN(summary, repair(counting));
    EXPECT_EQ(summary.packs_salvaged, 1u);
    EXPECT_EQ(summary.indexes_made, 2u);
    EXPECT_EQ(summary.git_indexes_made, 2u);
    EXPECT_EQ(summary.archives_recovered, (std::vector<std::string>{"x", "y"}));
    EXPECT_TRUE(summary.whole());
    operations_ = counting.counters().operations();
    expect_mended(*memory, damaged_, 0);
  }

  MemoryFileSystem store_;
  Files damaged_;
  std::uint64_t operations_ = 0;
};

TEST_F(RepairFaultsTest, WhicheverCallFailsTheNextRepairBringsEverythingBack) {
  // Calls that change names, each of them, and a sample of all.
  const IoKinds names =
      io_kinds({IoKind::kCreate, IoKind::kLinkUnnamed, IoKind::kRename, IoKind::kRemoveFile,
                IoKind::kCreateDirectory, IoKind::kSyncDirectory, IoKind::kLock});
  const auto try_with = [&](const Fault& fault) {
    const std::unique_ptr<MemoryFileSystem> memory = store_.snapshot();
    FaultyFileSystem files(*memory);
    files.inject(fault);
    const Result<RepairSummary> repaired = repair(files);
    const bool fired = files.fault_fired();
    if (!fired) {
      EXPECT_THAT(repaired, IsOk());
    }
    expect_mended(*memory, damaged_, fault.operation);
    return fired;
  };
  std::uint64_t n = 0;
  while (try_with({.operation = n, .kinds = names})) ++n;
  EXPECT_GT(n, 50u);
  const std::uint64_t step = 1 + operations_ / 100;
  for (n = 0; n < operations_; n += step) {
    EXPECT_TRUE(try_with({.operation = n, .tears_writes = n % 2 == 0}));
  }
}

TEST_F(RepairFaultsTest, AfterAPowerCutAtAnyMomentTheNextRepairBringsEverythingBack) {
  std::mt19937_64 random(1);
  const std::uint64_t step = 1 + operations_ / 100;
  for (std::uint64_t n = 0; n < operations_; n += step) {
    const std::unique_ptr<MemoryFileSystem> memory = store_.snapshot();
    FaultyFileSystem files(*memory);
    files.inject({.operation = n, .forever = true});
    // Whether it says that it was done: the catalog, which is derived, may fail unnoticed.
    static_cast<void>(repair(files).has_value());
    EXPECT_TRUE(files.fault_fired()) << n;
    memory->crash(random);
    expect_mended(*memory, damaged_, n);
  }
}

// A pack of blobs, each of which a ref names, and a block in its middle that the disk does not
// give.
TEST(RepairUnreadableTest, WhatCannotBeReadIsLostAndTheRestOfItsPackIsNot) {
  MemoryFileSystem memory;
  FaultyFileSystem files(memory);
  ASSERT_THAT(Store::init("/store", &files), IsOk());
  ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &files));
  Record record{.archive = "x", .hash = GitHash::kSha1, .head = "ref: refs/tags/0"};
  std::string name;
  {
    ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(store, GitHash::kSha1, {.sync = false}));
    for (std::uint64_t i = 0; i < 30; ++i) {
      const ByteVector blob = noise(1000, i);
      const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kBlob, blob);
      ASSERT_THAT(staged->add(oid, ObjectType::kBlob, blob), IsOk());
      record.refs.emplace("refs/tags/" + std::to_string(i), oid);
    }
    ASSERT_OK_AND_ASSIGN(id, staged->add_record(record));
    ASSERT_OK_AND_ASSIGN(installed, staged->install());
    name = installed.name;
    ASSERT_THAT(move_archive(store, "x", id, false), IsOk());
  }
  const Fault bad_block{.kinds = io_kinds({IoKind::kRead}),
                        .path_part = name,
                        .region_begin = 3 * 4096,
                        .region_end = 4 * 4096,
                        .forever = true};
  files.inject(bad_block);
  ASSERT_OK_AND_ASSIGN(would,
                       repair_store("/store", {.dry_run = true, .work = {.file_system = &files}}));
  EXPECT_EQ(would.packs_salvaged, 1u);
  ASSERT_OK_AND_ASSIGN(summary, repair(files));
  EXPECT_EQ(summary.packs_salvaged, 1u);
  EXPECT_THAT(summary.notes, testing::Contains(testing::HasSubstr("4096 bytes cannot be read")));
  EXPECT_THAT(summary.archives_recovered, testing::IsEmpty());
  EXPECT_GE(summary.objects_lost, 4u);
  EXPECT_LE(summary.objects_lost, 5u);
  EXPECT_EQ(summary.objects_salvaged + summary.objects_lost, 31u);
  ASSERT_OK_AND_ASSIGN(aside, files.stat("/store/damaged/" + name + ".pack"));
  EXPECT_GT(aside.size, 30'000u);
  ASSERT_OK_AND_ASSIGN(report, verify_store(*Store::open("/store", &files), {}));
  EXPECT_EQ(report.lost.size(), summary.objects_lost);
  ASSERT_OK_AND_ASSIGN(again, repair(files));
  EXPECT_EQ(again.packs_salvaged, 0u);
}

// One failure that does not come again is no reason to take a pack apart.
TEST_F(RepairFaultsTest, AReadThatFailsOnceIsAnErrorOrMakesNoDifference) {
  for (std::uint64_t n = 0; n < 200; ++n) {
    const std::unique_ptr<MemoryFileSystem> memory = store_.snapshot();
    FaultyFileSystem files(*memory);
    files.inject({.operation = n, .kinds = io_kinds({IoKind::kRead}), .path_part = ".pack"});
    const Result<RepairSummary> repaired = repair(files);
    if (!repaired) {
      EXPECT_THAT(repaired, FailsWith(ErrorCode::kIo)) << n;
      continue;
    }
    if (!repaired->inaccessible.empty()) continue;  // the pack is left alone
    EXPECT_EQ(repaired->packs_salvaged, 1u) << n;
    EXPECT_TRUE(repaired->whole()) << n;
    if (!files.fault_fired()) break;
  }
}

}  // namespace
}  // namespace bale
