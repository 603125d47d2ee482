// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// An archive whose file is gone is named by each check of the store, and what it reaches is
// checked.

#include "store/core/verify_archives.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "bale/archive_changes.h"
#include "bale/store_repair.h"
#include "testing/damage_store.h"
#include "testing/matchers.h"

namespace bale {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

// The archives "a" with two records and "b" with one.
class VerifyArchivesTest : public testing::Test {
 protected:
  VerifyArchivesTest() {
    file_ = store_.blob("text");
    for (const std::string name : {"old", "new"}) {
      const GitOid tree = store_.tree({{name, file_}});
      store_.record("a", {{"refs/heads/main", store_.commit(tree, {})}});
    }
    store_.record("b", {{"refs/heads/main", store_.commit(store_.tree({}), {})}});
  }

  StoreReport verify(const StoreCheckOptions& options = {}) {
    Result<StoreReport> report = store_.verify(options);
    EXPECT_THAT(report, IsOk());
    return report ? std::move(*report) : StoreReport();
  }

  ArchiveWithoutFile newest(const std::string& name) {
    ReadContext context;
    const Result<ArchiveRecord> entry = store_.store().snapshot().record(name, 0, context);
    EXPECT_THAT(entry, IsOk());
    return {.name = name, .record = entry->id, .time = entry->record.time};
  }

  void lose_file(const std::string& name) { fs::remove(store_.layout().archive(name)); }

  DamageStore store_;
  GitOid file_;
};

TEST_F(VerifyArchivesTest, EachKindOfCheckNamesThem) {
  const std::vector<ArchiveWithoutFile> lost = {newest("a"), newest("b")};
  for (const StoreCheckOptions& options :
       std::vector<StoreCheckOptions>{{}, {.quick = true}, {.sample = 0.5}}) {
    EXPECT_THAT(verify(options).archives_without_file, IsEmpty());
  }
  lose_file("a");
  EXPECT_THAT(verify({.archive = "b"}).archives_without_file, IsEmpty());
  lose_file("b");
  for (const StoreCheckOptions& options :
       std::vector<StoreCheckOptions>{{},
                                      {.quick = true},
                                      {.sample = 0.5},
                                      {.work = {.memory_bytes = smallest_verify_memory_bytes()}}}) {
    const StoreReport report = verify(options);
    EXPECT_TRUE(report.ok());
    EXPECT_EQ(report.archives_without_file, lost);
  }
  fs::remove_all(store_.layout().archives());
  const StoreReport report = verify();
  EXPECT_EQ(report.errors.size(), 1u) << "the directory";
  EXPECT_EQ(report.archives_without_file, lost);
}

TEST_F(VerifyArchivesTest, WhatTheyReachAndIsLostIsDamage) {
  lose_file("a");
  store_.lose(file_);
  const StoreReport report = verify();
  ASSERT_EQ(report.lost.size(), 1u);
  EXPECT_EQ(report.lost[0].oid, file_);
  ASSERT_EQ(report.lost[0].touches.size(), 2u);
  EXPECT_EQ(report.lost[0].touches[0].archive, "a");
  EXPECT_EQ(report.lost[0].touches[0].path, "new");
}

TEST_F(VerifyArchivesTest, OneThatWasRemovedHasAFileAndIsToldApartWithoutIt) {
  Store& store = store_.store();
  ASSERT_THAT(store.refresh(), IsOk());
  ASSERT_THAT(remove_archive(store, "a"), IsOk());
  EXPECT_THAT(verify().archives_without_file, IsEmpty());
  lose_file("a");
  const StoreReport report = verify();
  ASSERT_EQ(report.archives_without_file.size(), 1u);
  EXPECT_EQ(report.archives_without_file[0].name, "a");
  EXPECT_TRUE(report.archives_without_file[0].removed);
}

TEST_F(VerifyArchivesTest, OneThatIsBeingImportedIsNotNamed) {
  lose_file("a");
  write_test_file(store_.layout().archive_lock("a"), "");
  ASSERT_OK_AND_ASSIGN(
      lock, posix_file_system().try_lock(store_.layout().archive_lock("a"), LockMode::kExclusive));
  ASSERT_NE(lock, nullptr);
  EXPECT_THAT(verify().archives_without_file, IsEmpty());
  lock.reset();
  EXPECT_EQ(verify().archives_without_file.size(), 1u);
}

TEST_F(VerifyArchivesTest, OneWhoseFileIsDamagedIsAnErrorAndNotAmongThem) {
  write_test_file(store_.layout().archive("a"), "no id");
  const StoreReport report = verify();
  EXPECT_EQ(report.errors.size(), 1u);
  EXPECT_THAT(report.archives_without_file, IsEmpty());
}

TEST_F(VerifyArchivesTest, AFileThatLeadsToAnotherArchiveIsAnErrorAndIsMended) {
  Store& store = store_.store();
  ASSERT_THAT(store.refresh(), IsOk());
  ASSERT_THAT(remove_archive(store, "b"), IsOk());
  const std::map<std::string, std::string> files = {
      {"a", read_test_file(store_.layout().archive("a"))},
      {"b", read_test_file(store_.layout().archive("b"))}};
  for (const auto& [name, other] : std::map<std::string, std::string>{{"a", "b"}, {"b", "a"}}) {
    write_test_file(store_.layout().archive(name), files.at(other));
    const StoreReport report = verify();
    ASSERT_EQ(report.errors.size(), 1u) << name;
    EXPECT_THAT(report.errors[0].message, HasSubstr("a record of the archive " + other));
    ReadContext context;
    EXPECT_THAT(store.snapshot().record(name, 0, context), FailsWith(ErrorCode::kCorrupt, other));
    ASSERT_THAT(repair_store(store.path(), {.work = {.sync = false}}), IsOk());
    EXPECT_EQ(read_test_file(store_.layout().archive(name)), files.at(name));
  }
  EXPECT_TRUE(verify().ok());
}

TEST_F(VerifyArchivesTest, OneWhoseRecordIsDamagedTooIsDamage) {
  const ArchiveWithoutFile lost = newest("b");
  lose_file("b");
  const std::string pack =
      store_.store().snapshot().pack_name(store_.store().snapshot().find(lost.record)->pack);
  flip_byte(store_.layout().pack(pack), -40);
  for (const StoreCheckOptions& options :
       std::vector<StoreCheckOptions>{{}, {.quick = true}, {.sample = 0.01, .sample_seed = 1}}) {
    const StoreReport report = verify(options);
    ASSERT_FALSE(report.ok());
    EXPECT_THAT(report.errors[0].message, HasSubstr(pack));
    EXPECT_THAT(report.archives_without_file, IsEmpty());
  }
}

}  // namespace
}  // namespace bale
