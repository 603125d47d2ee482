// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Sources with unreadable or damaged files, which must not count as missing objects.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/scoped_variable.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Accesses files as a user who owns only these directories, until destroyed. Does nothing unless
// the tests run as root.
class OrdinaryUser {
 public:
  explicit OrdinaryUser(std::vector<std::string> owned)
      : was_root_(::geteuid() == 0), owned_(std::move(owned)) {
    if (!was_root_) return;
    give_to(kNobody);
    EXPECT_EQ(::seteuid(kNobody), 0);
  }

  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;

  ~OrdinaryUser() {
    if (!was_root_) return;
    EXPECT_EQ(::seteuid(0), 0);
    give_to(0);
  }

 private:
  static constexpr unsigned kNobody = 65534;

  void give_to(unsigned user) const {
    for (const std::string& directory : owned_) {
      EXPECT_EQ(::lchown(directory.c_str(), user, user), 0);
      for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        EXPECT_EQ(::lchown(entry.path().c_str(), user, user), 0);
      }
    }
  }

  bool was_root_;
  std::vector<std::string> owned_;
};

// Such imports must fail although missing objects are allowed, and leave the store as it was.
void expect_refused(const std::string& source, ErrorCode code, const std::string& name) {
  StoreFixture fixture;
  const auto before = fixture.files();
  for (const bool all_objects : {false, true}) {
    EXPECT_THAT(fixture.import_with(
                    source, {.name = "x", .all_objects = all_objects, .allow_missing = true}),
                FailsWith(code, name))
        << all_objects;
  }
  EXPECT_EQ(fixture.files(), before);
}

class DamagedSourceTest : public testing::Test {
 protected:
  DamagedSourceTest() {
    for (const char* text : {"one", "two", "three"}) {
      git.write("file", std::string(5000, *text) + text);
      git.write(std::string("dir/") + text, text);
      git.commit(text);
    }
  }

  // The only file in objects/pack/ with this suffix.
  std::string packed(const std::string& suffix) {
    for (const auto& entry : fs::directory_iterator(git.git_dir() + "/objects/pack")) {
      if (entry.path().string().ends_with(suffix)) return entry.path();
    }
    ADD_FAILURE() << suffix;
    return {};
  }

  void pack() {
    git.run({"repack", "-adq"});
    for (const auto& entry : fs::directory_iterator(git.git_dir() + "/objects/pack")) {
      fs::permissions(entry.path(), fs::perms::owner_all);
    }
  }

  GitFixture git;
};

TEST_F(DamagedSourceTest, AFlippedBitOfALooseObjectIsDamageThatNamesItsFile) {
  for (const char* object : {"HEAD", "HEAD~1", "HEAD^{tree}", "HEAD~2:dir", "HEAD:file"}) {
    const std::string path = git.loose_path(git.oid(object));
    fs::permissions(path, fs::perms::owner_all);
    const std::string good = read_test_file(path);
    for (const std::size_t offset : {std::size_t{0}, good.size() / 2}) {
      SCOPED_TRACE(std::string(object) + " at " + std::to_string(offset));
      std::string bad = good;
      bad[offset] = static_cast<char>(bad[offset] ^ 0x10);
      write_test_file(path, bad);
      expect_refused(git.path(), ErrorCode::kIncomplete, path);
    }
    write_test_file(path, good.substr(0, good.size() / 2));
    expect_refused(git.path(), ErrorCode::kIncomplete, path);
    write_test_file(path, good);
  }
}

TEST_F(DamagedSourceTest, AFlippedBitOfAPackIsDamageThatNamesThePack) {
  pack();
  const std::string path = packed(".pack");
  const std::string good = read_test_file(path);
  const std::string listing = git.run({"verify-pack", "-v", packed(".idx")});
  // The header of an entry, and its middle, of each kind of object.
  for (const char* object : {"HEAD~1", "HEAD^{tree}", "HEAD:file", "HEAD:dir/one"}) {
    std::istringstream line(listing.substr(listing.find(git.oid(object).to_hex())));
    std::string word;
    std::size_t size = 0;
    std::size_t stored = 0;
    std::size_t offset = 0;
    line >> word >> word >> size >> stored >> offset;
    const std::pair<std::size_t, int> flips[] = {
        {offset, 0x10}, {offset, 0x01}, {offset, 0x40}, {offset + stored / 2, 0x10}};
    for (const auto& [at, mask] : flips) {
      SCOPED_TRACE(std::string(object) + " at " + std::to_string(at));
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ mask);
      write_test_file(path, bad);
      expect_refused(git.path(), ErrorCode::kIncomplete, path);
    }
    write_test_file(path, good);
  }
}

TEST_F(DamagedSourceTest, APackAndItsIndexMustBelongTogether) {
  pack();
  const std::string pack_path = packed(".pack");
  const std::string index_path = packed(".idx");
  const std::string pack_bytes = read_test_file(pack_path);
  const std::string index_bytes = read_test_file(index_path);
  const auto check = [&](const std::string& name) {
    expect_refused(git.path(), ErrorCode::kIncomplete, name);
    write_test_file(pack_path, pack_bytes);
    write_test_file(index_path, index_bytes);
  };
  fs::remove(index_path);
  check(pack_path);
  fs::remove(pack_path);
  check(index_path);
  write_test_file(pack_path, pack_bytes.substr(0, pack_bytes.size() - 1));
  check(pack_path);
  write_test_file(pack_path, "");
  check(pack_path);
  write_test_file(index_path, index_bytes.substr(0, index_bytes.size() - 1));
  check(index_path);
  write_test_file(index_path, "");
  check(index_path);
  // An id in the index: git finds another object, and not this one.
  std::string bad = index_bytes;
  const GitOid oid = git.oid("HEAD:file");
  const std::size_t at = bad.find(as_text(oid.bytes()));
  ASSERT_NE(at, std::string::npos);
  bad[at + 10] = static_cast<char>(bad[at + 10] ^ 1);
  write_test_file(index_path, bad);
  check(index_path);
  // A killed git's temporary file is not a pack.
  write_test_file(fs::path(pack_path).parent_path() / "tmp_pack_abc", "x");
  write_test_file(fs::path(pack_path).parent_path() / ".tmp-1-pack-abc.pack", "x");
  StoreFixture fixture;
  EXPECT_THAT(fixture.import(git.path(), "x"), IsOk());
}

// A killed repack leaves such files, whose objects are also elsewhere.
TEST_F(DamagedSourceTest, HalfAPackMattersOnlyIfObjectsAreMissing) {
  git.write("file", "four");
  const GitOid lost = git.oid(git.commit("four").to_hex() + ":file");
  const std::string prefix = git.git_dir() + "/objects/pack/pack";
  const std::string name =
      prefix + "-" + git.run_with_input({"pack-objects", "-q", prefix}, lost.to_hex() + "\n");
  for (const std::string kept : {".pack", ".idx"}) {
    SCOPED_TRACE(kept);
    const std::string removed = kept == ".pack" ? ".idx" : ".pack";
    const std::string bytes = read_test_file(name + removed);
    fs::remove(name + removed);
    StoreFixture fixture;
    EXPECT_THAT(fixture.import(git.path(), "x"), IsOk());
    EXPECT_THAT(fixture.export_git("x"), IsOk());
    EXPECT_THAT(fixture.import_with(git.path(), {.name = "y", .all_objects = true}),
                FailsWith(ErrorCode::kIncomplete, name + kept));
    const std::string loose = read_test_file(git.loose_path(lost));
    git.remove_object(lost);
    expect_refused(git.path(), ErrorCode::kIncomplete, name + kept);
    EXPECT_THAT(fixture.import_with(git.path(), {.name = "z", .allow_missing = true}),
                FailsWith(ErrorCode::kIncomplete, lost.to_hex()));
    // An index without its pack lists the lost objects, but not this one.
    const GitOid other = git.oid("HEAD~3:file");
    git.remove_object(other);
    write_test_file(git.loose_path(lost), loose);
    const auto allowed = fixture.import_with(git.path(), {.name = "z", .allow_missing = true});
    if (kept == ".idx") {
      EXPECT_THAT(allowed, IsOk());
    } else {
      EXPECT_THAT(allowed, FailsWith(ErrorCode::kIncomplete, "git index-pack"));
    }
    git.run({"hash-object", "-w", "file"});
    write_test_file(git.beside("one"), std::string(5000, 'o') + "one");
    EXPECT_EQ(git.run({"hash-object", "-w", git.beside("one")}), other.to_hex());
    write_test_file(name + removed, bytes);
  }
}

TEST_F(DamagedSourceTest, AFileThatHoldsAnotherObjectIsNamedAndNotTheFilesOfThatOne) {
  const GitOid other = git.oid("HEAD~1:file");
  for (const bool packed_too : {false, true}) {
    SCOPED_TRACE(packed_too);
    if (packed_too) git.run({"repack", "-q"});
    git.write("new", packed_too ? "five" : "four");
    const GitOid wrong = git.oid(git.commit("new").to_hex() + ":new");
    const std::string path = git.loose_path(wrong);
    const std::string good = read_test_file(path);
    fs::permissions(path, fs::perms::owner_all);
    write_test_file(path, read_test_file(git.loose_path(other)));
    expect_refused(git.path(), ErrorCode::kIncomplete, path);
    StoreFixture fixture;
    const Result<GitImportSummary> imported = fixture.import(git.path(), "x");
    ASSERT_FALSE(imported);
    const std::string& message = imported.error().message;
    EXPECT_EQ(message.find(git.loose_path(other)), std::string::npos) << message;
    EXPECT_EQ(message.find(".pack"), std::string::npos) << message;
    write_test_file(path, good);
  }
}

TEST_F(DamagedSourceTest, IndexesOfVersionOneAreSearchedToo) {
  git.run({"-c", "pack.indexVersion=1", "repack", "-adq"});
  const std::string path = packed(".pack");
  fs::permissions(path, fs::perms::owner_all);
  const std::string good = read_test_file(path);
  StoreFixture fixture;
  ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
  git.write("file", "four");
  git.commit("four");
  fs::remove(git.loose_path(git.oid("HEAD:file")));
  ASSERT_OK_AND_ASSIGN(allowed,
                       fixture.import_with(git.path(), {.name = "x", .allow_missing = true}));
  EXPECT_EQ(allowed.missing, 1u);
  std::string bad = good;
  bad[12] = static_cast<char>(bad[12] ^ 0x10);  // the first commit's type
  write_test_file(path, bad);
  expect_refused(git.path(), ErrorCode::kIncomplete, path);
}

TEST_F(DamagedSourceTest, WhatMayNotBeReadIsAnErrorOfAccess) {
  const std::string alternate = git.beside("alternate.git");
  fs::rename(git.clone("alternate.git", {"--bare"}), alternate);
  const std::string dir = git.git_dir();
  write_test_file(dir + "/objects/info/alternates", alternate + "/objects\n");
  git.run({"branch", "loose"});
  git.run({"pack-refs", "--all", "--no-prune"});
  const std::string blob = git.loose_path(git.oid("HEAD:file"));
  for (const auto& entry : fs::directory_iterator(alternate + "/objects/pack")) {
    fs::remove(entry.path());  // or these would have all objects
  }
  const std::string scratch = git.beside("scratch");
  fs::create_directory(scratch);
  std::vector<std::string> closed = {
      blob,
      git.loose_path(git.oid("HEAD~1")),
      git.loose_path(git.oid("HEAD^{tree}")),
      fs::path(blob).parent_path(),
      dir + "/objects",
      dir + "/objects/pack",
      dir + "/objects/info/alternates",
      dir + "/refs",
      dir + "/refs/heads",
      dir + "/refs/heads/loose",
      dir + "/packed-refs",
      dir + "/HEAD",
      dir + "/config",
      alternate + "/objects",
      alternate + "/objects/pack",
  };
  const auto check_all = [&] {
    const ScopedVariable temporary("TMPDIR", scratch);
    StoreFixture fixture;
    const OrdinaryUser user(
        {fs::path(git.path()).parent_path(), fs::path(fixture.path()).parent_path()});
    for (const std::string& path : closed) {
      SCOPED_TRACE(path);
      const fs::perms before = fs::status(path).permissions();
      fs::permissions(path, fs::perms::none);
      for (const bool all : {false, true}) {
        const Result<GitImportSummary> imported = fixture.import_with(
            git.path(),
            {.name = "x", .all_objects = all, .allow_missing = true, .skip_bad_refs = true});
        EXPECT_THAT(imported, FailsWith(ErrorCode::kIo, path));
        EXPECT_THAT(imported, FailsWith(ErrorCode::kIo, "Permission denied"));
      }
      fs::permissions(path, before);
    }
    EXPECT_THAT(fixture.import(git.path(), "x"), IsOk());
  };
  check_all();
  git.run({"repack", "-adq"});
  closed = {packed(".pack"), packed(".idx")};
  check_all();
}

TEST_F(DamagedSourceTest, MissingObjectsMayBeInAnAlternateThatIsNotThere) {
  const std::string lender = git.clone("lender.git", {"--bare"});
  const std::string borrower = git.beside("borrower.git");
  git.run({"clone", "--quiet", "--bare", "--shared", lender, borrower});
  StoreFixture fixture;
  ASSERT_THAT(fixture.import(borrower, "x"), IsOk());
  fs::rename(lender, lender + ".away");
  expect_refused(borrower, ErrorCode::kIncomplete, lender);
  fs::rename(lender + ".away", lender);
  // An unneeded alternate does no harm.
  write_test_file(git.git_dir() + "/objects/info/alternates", "/nonexistent\n");
  EXPECT_THAT(fixture.import(git.path(), "y"), IsOk());
}

TEST_F(DamagedSourceTest, EmptyFilesAreMissingObjectsThatAreNamed) {
  // Borrowed objects as well.
  const std::string borrower = git.beside("borrower");
  git.run({"clone", "--quiet", "--shared", git.path(), borrower});
  for (const char* object : {"HEAD", "HEAD~1", "HEAD^{tree}", "HEAD~2:dir", "HEAD:file"}) {
    SCOPED_TRACE(object);
    const GitOid oid = git.oid(object);
    const std::string path = git.loose_path(oid);
    fs::permissions(path, fs::perms::owner_all);
    const std::string good = read_test_file(path);
    write_test_file(path, "");
    for (const std::string& source : {git.path(), borrower}) {
      StoreFixture fixture;
      EXPECT_THAT(fixture.import(source, "x"), FailsWith(ErrorCode::kIncomplete, path));
      for (const bool all : {false, true}) {
        ASSERT_OK_AND_ASSIGN(
            allowed,
            fixture.import_with(source, {.name = "x", .all_objects = all, .allow_missing = true}));
        EXPECT_EQ(allowed.missing, 1u);
        EXPECT_EQ(allowed.missing_empty, 1u);
        EXPECT_THAT(allowed.empty_files, HasSubstr(path));
        EXPECT_EQ(allowed.missing_refs.empty(), std::string(object) != "HEAD");
        EXPECT_THAT(fixture.export_git("x"), IsOk());
      }
      ASSERT_OK_AND_ASSIGN(report, fixture.verify());
      EXPECT_THAT(report.errors, IsEmpty());
      // If the object database has nothing new, the second import adds no record.
      ASSERT_EQ(report.missing.size(), 1u);
      EXPECT_EQ(report.missing.front().name, "x");
      EXPECT_EQ(report.missing.front().objects, 1u);
    }
    write_test_file(path, good);
  }
}

TEST_F(DamagedSourceTest, EmptyFilesThatNoRefReachesAreMissingFromAllObjects) {
  const GitOid lost = git.write_blob("nobody refers to me");
  const GitOid packed = git.write_blob("a pack has me, too");
  git.run_with_input({"pack-objects", "-q", git.git_dir() + "/objects/pack/pack"},
                     packed.to_hex() + "\n");
  for (const GitOid& oid : {lost, packed}) {
    fs::permissions(git.loose_path(oid), fs::perms::owner_all);
    write_test_file(git.loose_path(oid), "");
  }
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(reached, fixture.import(git.path(), "x"));
  EXPECT_EQ(reached.missing, 0u);
  EXPECT_THAT(fixture.import_with(git.path(), {.name = "y", .all_objects = true}),
              FailsWith(ErrorCode::kIncomplete, git.loose_path(lost)));
  ASSERT_OK_AND_ASSIGN(
      all,
      fixture.import_with(git.path(), {.name = "y", .all_objects = true, .allow_missing = true}));
  EXPECT_EQ(all.missing, 1u);
  EXPECT_TRUE(fixture.store().snapshot().find(packed));
  EXPECT_THAT(fixture.export_git("y"), IsOk());
}

TEST_F(DamagedSourceTest, BadRefsAreSkippedWhenThatIsAskedFor) {
  const GitOid head = git.oid("HEAD");
  git.run({"pack-refs", "--all"});
  git.write("file", "four");
  const GitOid newer = git.commit("four");
  const std::string heads = git.git_dir() + "/refs/heads/";
  write_test_file(heads + "desktop.ini", "[.ShellClassInfo]\n");
  write_test_file(heads + "main (conflicted copy)", newer.to_hex() + "\n");
  write_test_file(heads + "main", std::string(41, '\0'));
  StoreFixture fixture;
  for (const char* name :
       {"3 refs cannot be read", "desktop.ini", "conflicted copy", "heads/main:"}) {
    EXPECT_THAT(fixture.import(git.path(), "x"), FailsWith(ErrorCode::kIncomplete, name));
  }
  ASSERT_OK_AND_ASSIGN(skipped,
                       fixture.import_with(git.path(), {.name = "x", .skip_bad_refs = true}));
  EXPECT_EQ(skipped.bad_refs.size(), 3u);
  // The packed value is older, but better than none.
  EXPECT_EQ(fixture.record("x").refs, (std::map<std::string, GitOid>{{"refs/heads/main", head}}));
  ASSERT_THAT(fixture.export_git("x"), IsOk());
}

}  // namespace
}  // namespace bale
