// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Files that nothing needs, and such as are missing.

#include "store/debris.h"

#include <filesystem>
#include <string>
#include <vector>

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
        "/packs/" + stem + ".pack", std::string("/archives/.a.new"), std::string("/archives/.what"),
        std::string("/staging/file"), std::string("/damaged/old.pack")}) {
    write_test_file(root_ + path, "debris");
    EXPECT_EQ(only_debris().find(path + ": "), 0u) << path;
    EXPECT_EQ(verify({.archive = "a"}).debris.size(), 0u);
    fs::remove(root_ + path);
  }
}

TEST_F(DebrisTest, APackWithoutAnIndexIsDebrisUntilSomethingIsMissing) {
  fs::copy(store_.pack_of(file_), store_.layout().pack(std::string(64, 'c')));
  EXPECT_THAT(only_debris(), HasSubstr("bale repair makes its index"));
  store_.lose(file_);
  const StoreReport report = verify();
  EXPECT_THAT(report.debris, IsEmpty());
  ASSERT_EQ(report.errors.size(), 2u);
  EXPECT_THAT(report.errors[0].message, HasSubstr(file_.to_hex()));
  EXPECT_THAT(report.errors[1].message, HasSubstr("bale repair makes its index"));
}

TEST_F(DebrisTest, WhatBelongsToAStoreAndIsMissingIsDamage) {
  for (const std::string name : {"lock", "staging", "archives"}) {
    fs::rename(root_ + "/" + name, root_ + "-" + name);
    const StoreReport report = verify();
    ASSERT_EQ(report.errors.size(), 1u) << name;
    EXPECT_THAT(report.errors[0].message, HasSubstr(root_ + "/" + name + ": "));
    EXPECT_THAT(report.lost, IsEmpty());
    fs::rename(root_ + "-" + name, root_ + "/" + name);
  }
  EXPECT_TRUE(verify().ok());
}

}  // namespace
}  // namespace bale
