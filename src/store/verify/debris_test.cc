// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Files that nothing needs, and such as are missing.

#include "store/verify/debris.h"

#include <filesystem>
#include <string>
#include <vector>

#include "bale/store_repair.h"
#include "testing/damage_store.h"
#include "testing/matchers.h"

namespace bale {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

class DebrisTest : public testing::Test {
 protected:
  DebrisTest() {
    file_ = store_.blob("text");
    store_.record("a", {{"refs/heads/main", store_.commit(store_.tree({{"f", file_}}), {})}});
  }

  StoreReport verify(const StoreCheckOptions& options = {}) {
    Result<StoreReport> report = store_.verify(options);
    EXPECT_THAT(report, IsOk());
    return report ? std::move(*report) : StoreReport();
  }

  // The only piece of debris, without the store's path; more of it is a failure.
  std::string only_debris() {
    const StoreReport report = verify();
    EXPECT_THAT(report.errors, IsEmpty());
    EXPECT_EQ(report.debris.size(), 1u);
    if (report.debris.empty()) return "none";
    EXPECT_EQ(report.debris[0].find(root_), 0u);
    return report.debris[0].substr(root_.size());
  }

  DamageStore store_;
  GitOid file_;
  const std::string root_ = store_.layout().root;
};

TEST_F(DebrisTest, AStoreInUseHasNone) {
  EXPECT_THAT(verify().debris, IsEmpty());
  EXPECT_THAT(verify({.quick = true}).debris, IsEmpty());
  // Somebody is at work here.
  const std::string work = store_.layout().staging() + "/work";
  fs::create_directory(work);
  ASSERT_OK_AND_ASSIGN(lock, posix_file_system().try_lock(work, LockMode::kExclusive));
  EXPECT_THAT(verify().debris, IsEmpty());
  lock.reset();
  EXPECT_EQ(only_debris().find("/staging/work: left by a process"), 0u);
}

TEST_F(DebrisTest, EachKindIsToldOfByItsPath) {
  const std::string stem(64, 'b');
  for (const std::string& path :
       {std::string("/notes.txt"), std::string("/catalog.part"), std::string("/packs/readme"),
        std::string("/packs/x.part"), "/packs/" + stem + ".idx", "/packs/" + stem + ".gitidx",
        std::string("/archives/.a.new"), std::string("/archives/.what"),
        std::string("/staging/file"), std::string("/damaged/old.pack")}) {
    write_test_file(root_ + path, "debris");
    EXPECT_EQ(only_debris().find(path + ": "), 0u) << path;
    EXPECT_EQ(verify({.archive = "a"}).debris.size(), 0u);
    fs::remove(root_ + path);
  }
}

// It may be the only one that has an archive, whose file may be lost as well.
TEST_F(DebrisTest, APackWithoutAnIndexIsDamageWhoeverNeedsIt) {
  const std::string copy = store_.layout().pack(std::string(64, 'c'));
  fs::copy(store_.pack_of(file_), copy);
  for (const bool needed : {false, true}) {
    if (needed) store_.lose(file_);
    for (const bool quick : {false, true}) {
      const StoreReport report = verify({.quick = quick});
      EXPECT_THAT(report.debris, IsEmpty());
      ASSERT_FALSE(report.errors.empty());
      EXPECT_EQ(report.errors[0].message, copy + ": the pack has no index");
      EXPECT_EQ(report.errors[0].hint.kind, HintKind::kRepair);
    }
  }
  ASSERT_THAT(repair_store(root_, {.work = {.sync = false}}), IsOk());
  EXPECT_TRUE(verify().ok());
}

TEST_F(DebrisTest, APackThatIsALinkIsAPack) {
  const std::string pack = store_.pack_of(file_);
  fs::rename(pack, root_ + "-elsewhere");
  fs::create_symlink(root_ + "-elsewhere", pack);
  const StoreReport report = verify();
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(report.debris, IsEmpty());
  // One that leads nowhere hides what it leads to, and loses nothing.
  fs::rename(root_ + "-elsewhere", root_ + "-gone");
  const StoreReport hidden = verify();
  ASSERT_FALSE(hidden.ok());
  EXPECT_EQ(hidden.errors[0].code, ErrorCode::kIo);
  EXPECT_THAT(hidden.lost, IsEmpty());
  ASSERT_OK_AND_ASSIGN(summary, repair_store(root_, {.work = {.sync = false}}));
  EXPECT_EQ(summary.inaccessible.size(), 1u);
  EXPECT_TRUE(fs::is_symlink(pack));
}

TEST_F(DebrisTest, WhatBelongsToAStoreAndIsMissingIsDamage) {
  for (const std::string name : {"lock", "staging", "archives"}) {
    fs::rename(root_ + "/" + name, root_ + "-" + name);
    const StoreReport report = verify();
    EXPECT_THAT(report.lost, IsEmpty());
    if (name == "archives") {
      ASSERT_EQ(report.errors.size(), 1u);
      EXPECT_THAT(report.errors[0].message, HasSubstr(root_ + "/archives: "));
    } else {
      EXPECT_TRUE(report.ok()) << name << ", which whoever writes makes";
    }
    fs::rename(root_ + "-" + name, root_ + "/" + name);
  }
  EXPECT_TRUE(verify().ok());
}

}  // namespace
}  // namespace bale
