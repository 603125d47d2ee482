// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Files out of archives; and trees that strangers made to write elsewhere.

#include <atomic>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "bale/directory_export.h"
#include "bale/tree.h"
#include "store/staged_pack.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

// Every path below a directory, with what it is and holds.
std::map<std::string, std::string> describe_files(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const std::string name = fs::relative(entry.path(), directory).string();
    const fs::file_status status = entry.symlink_status();
    if (fs::is_symlink(status)) {
      files[entry.path().lexically_relative(directory).string()] =
          "link to " + fs::read_symlink(entry.path()).string();
    } else if (fs::is_directory(status)) {
      files[name] = "directory";
    } else {
      const bool executable = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
      files[name] = (executable ? "executable " : "file ") + read_test_file(entry.path().string());
    }
  }
  return files;
}

class DirectoryExportTest : public testing::Test {
 protected:
  DirectoryExportTest() { fs::create_directory(parent_); }

  Result<DirectoryExportSummary> export_to(const std::string& what, const std::string& directory,
                                           const DirectoryExportOptions& options = {}) {
    const Result<ArchivePath> path = find_archive_path(fixture_.store(), what);
    if (!path) return path.error();
    return export_directory(fixture_.store(), *path, directory, options);
  }

  GitFixture git_;
  StoreFixture fixture_;
  // All that an export makes or leaves behind shows here.
  const std::string parent_ = fixture_.beside("parent");
};

TEST_F(DirectoryExportTest, WritesFilesLinksAndDirectories) {
  git_.write("file", "content");
  git_.write("empty", "");
  git_.write("dir/sub/tool", "#!/bin/sh\n");
  fs::permissions(git_.path() + "/dir/sub/tool", fs::perms::owner_all);
  git_.write("dir/caf\xc3\xa9 \xff\n", "any bytes");
  fs::create_symlink("../outside", git_.path() + "/dir/link");
  fs::create_symlink("/etc/passwd", git_.path() + "/absolute");
  git_.write("large", random_text((3 << 20) + 1, 1));
  git_.commit("first");
  git_.commit_submodule("dir/module", *GitOid::from_hex(std::string(40, '7')));
  ASSERT_THAT(fixture_.import(git_.path(), "x"), IsOk());
  ASSERT_OK_AND_ASSIGN(summary, export_to("x", parent_ + "/out"));
  EXPECT_EQ(summary.files, 7u);
  EXPECT_EQ(summary.bytes_out, 7u + 0 + 10 + 9 + 10 + 11 + (3u << 20) + 1);
  const std::map<std::string, std::string> expected = {
      {"absolute", "link to /etc/passwd"},
      {"dir", "directory"},
      {"dir/caf\xc3\xa9 \xff\n", "file any bytes"},
      {"dir/link", "link to ../outside"},
      {"dir/module", "directory"},
      {"dir/sub", "directory"},
      {"dir/sub/tool", "executable #!/bin/sh\n"},
      {"empty", "file "},
      {"file", "file content"},
      {"large", "file " + random_text((3 << 20) + 1, 1)},
  };
  EXPECT_TRUE(describe_files(parent_ + "/out") == expected);

  ASSERT_THAT(export_to("x/main:dir/sub", parent_ + "/subtree"), IsOk());
  EXPECT_THAT(describe_files(parent_ + "/subtree"),
              testing::ElementsAre(testing::Pair("tool", "executable #!/bin/sh\n")));
  EXPECT_THAT(export_to("x:file", parent_ + "/f"), FailsWith(ErrorCode::kInvalidArgument, "file"));
  EXPECT_THAT(export_to("x:nothing", parent_ + "/f"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(export_to("y", parent_ + "/f"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(export_to("x:dir/module", parent_ + "/f"), FailsWith(ErrorCode::kNotFound));
  EXPECT_EQ(std::distance(fs::directory_iterator(parent_), fs::directory_iterator()), 2);
}

TEST_F(DirectoryExportTest, GoesToANewOrAnEmptyDirectoryOnly) {
  git_.write("file", "content");
  git_.commit("first");
  ASSERT_THAT(fixture_.import(git_.path(), "x"), IsOk());
  fs::create_directory(parent_ + "/empty");
  EXPECT_THAT(export_to("x", parent_ + "/empty"), IsOk());
  EXPECT_THAT(export_to("x", parent_ + "/empty/"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(export_to("x", parent_ + "/empty/file"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(export_to("x", parent_ + "/no/such"), FailsWith(ErrorCode::kNotFound));
  fs::create_symlink(parent_ + "/elsewhere", parent_ + "/link");
  EXPECT_THAT(export_to("x", parent_ + "/link"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_EQ(read_test_file(parent_ + "/empty/file"), "content");
  EXPECT_EQ(std::distance(fs::directory_iterator(parent_), fs::directory_iterator()), 2);
}

TEST_F(DirectoryExportTest, CancelledItLeavesNothing) {
  for (int i = 0; i < 5; ++i) git_.write("dir/file" + std::to_string(i), "content");
  git_.commit("first");
  ASSERT_THAT(fixture_.import(git_.path(), "x"), IsOk());
  std::atomic<bool> cancel = false;
  DirectoryExportOptions options;
  options.operation.cancel = &cancel;
  options.operation.report = [&](const Progress& progress) { cancel = progress.objects == 3; };
  EXPECT_THAT(export_to("x", parent_ + "/out", options), FailsWith(ErrorCode::kInterrupted));
  EXPECT_TRUE(fs::is_empty(parent_));
}

// Trees as no git would make them, byte for byte.
class HostileTreeTest : public DirectoryExportTest {
 protected:
  struct Entry {
    std::string mode;
    std::string name;
    GitOid oid;
  };

  GitOid tree(const std::vector<Entry>& entries) {
    std::string payload;
    for (const auto& [mode, name, oid] : entries) {
      payload += mode + " " + name + '\0';
      payload += as_text(oid.bytes());
    }
    return git_.write_object("tree", payload);
  }

  // Archives a commit of the tree, and expects that exporting it fails and leaves nothing.
  void expect_refused(const GitOid& root, ErrorCode code) {
    const std::string commit = git_.run({"commit-tree", "-m", "hostile", root.to_hex()});
    git_.run({"update-ref", "refs/heads/main", commit});
    ASSERT_THAT(fixture_.import(git_.path(), "x"), IsOk());
    EXPECT_THAT(export_to("x", parent_ + "/deep/out"), FailsWith(code));
    EXPECT_TRUE(fs::is_empty(parent_ + "/deep"));
    EXPECT_EQ(std::distance(fs::directory_iterator(parent_), fs::directory_iterator()), 1);
  }

  void SetUp() override { fs::create_directory(parent_ + "/deep"); }

  const GitOid blob_ = git_.write_blob("owned");
};

TEST_F(HostileTreeTest, NamesThatLeadElsewhereAreRefused) {
  for (const std::string name : {"..", ".", ".git", ".GIT", ".Git ", "git~1", "a/b", "/abs",
                                 "../../up", ".g\xe2\x80\x8cit", "sub\\.git"}) {
    SCOPED_TRACE(name);
    expect_refused(tree({{"100644", name, blob_}}), ErrorCode::kCorrupt);
  }
  // As directories and below one.
  for (const std::string name : {"..", ".git"}) {
    const GitOid inner = tree({{"40000", name, tree({{"100644", "config", blob_}})}});
    expect_refused(tree({{"40000", "dir", inner}}), ErrorCode::kCorrupt);
    expect_refused(tree({{"160000", name, blob_}}), ErrorCode::kCorrupt);
  }
}

TEST_F(HostileTreeTest, ANameThatStandsTwiceIsRefused) {
  const GitOid outside = git_.write_blob(parent_);
  const GitOid dir = tree({{"100644", "file", blob_}});
  // A symlink to outside, then a file through it.
  expect_refused(tree({{"120000", "x", outside}, {"40000", "x", dir}}), ErrorCode::kIo);
  expect_refused(tree({{"40000", "x", dir}, {"120000", "x", outside}}), ErrorCode::kIo);
  expect_refused(tree({{"120000", "x", outside}, {"100644", "x", blob_}}), ErrorCode::kIo);
  expect_refused(tree({{"100644", "x", blob_}, {"100755", "x", blob_}}), ErrorCode::kIo);
  expect_refused(tree({{"40000", "x", dir}, {"40000", "x", dir}}), ErrorCode::kIo);
  expect_refused(tree({{"120000", "x", outside}, {"160000", "x", blob_}}), ErrorCode::kIo);
}

TEST_F(HostileTreeTest, SymlinksThatAreNoneAreRefused) {
  for (const std::string& target :
       {std::string(), std::string("a\0b", 3), std::string(5000, 'x')}) {
    expect_refused(tree({{"120000", "x", git_.write_blob(target)}}), ErrorCode::kCorrupt);
  }
}

TEST_F(HostileTreeTest, WhatNoGitWouldHandOverIsRefusedToo) {
  const std::string zero(1, '\0');
  const std::string blob(
      as_text(git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("blob")).bytes()));
  const std::string no_name = "100644 " + zero + blob;
  const std::string blob_as_tree = "40000 dir" + zero + blob;
  const std::string cut_off = "100644 file" + zero + "cut off";
  Record record{.archive = "y", .kind = RecordKind::kDir, .hash = GitHash::kSha1};
  for (const std::string& root : {no_name, blob_as_tree, cut_off}) {
    ASSERT_OK_AND_ASSIGN(pack,
                         StagedPack::create(fixture_.store(), GitHash::kSha1, {.sync = false}));
    const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kTree, as_bytes(root));
    ASSERT_THAT(pack->add(oid, ObjectType::kTree, as_bytes(root)), IsOk());
    ASSERT_THAT(pack->add(git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("blob")),
                          ObjectType::kBlob, as_bytes("blob")),
                IsOk());
    record.root = oid;
    ASSERT_OK_AND_ASSIGN(id, pack->add_record(record));
    ASSERT_THAT(pack->install(), IsOk());
    ASSERT_THAT(move_archive(fixture_.store(), "y", id, false), IsOk());
    ASSERT_THAT(fixture_.store().refresh(), IsOk());
    EXPECT_THAT(export_to("y", parent_ + "/deep/out"), FailsWith(ErrorCode::kCorrupt));
    EXPECT_TRUE(fs::is_empty(parent_ + "/deep"));
  }
}

}  // namespace
}  // namespace bale
