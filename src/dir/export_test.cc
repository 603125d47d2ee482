// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Exports of files, and hostile trees that try to write elsewhere.

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bale/directory_export.h"
#include "bale/tree.h"
#include "store/core/staged_pack.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

// Every path below a directory, with type and content.
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
  // Shows everything that an export creates or leaves behind.
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
  options.work.operation.cancel = &cancel;
  options.work.operation.report = [&](const Progress& progress) { cancel = progress.objects == 3; };
  EXPECT_THAT(export_to("x", parent_ + "/out", options), FailsWith(ErrorCode::kInterrupted));
  EXPECT_TRUE(fs::is_empty(parent_));
}

// Trees that git would not create.
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

  // Archives a commit of the tree, and expects that its export fails and leaves nothing.
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
  // As directories, and below one.
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

// Archives of objects that Git would not list or give.
class OddTreeTest : public DirectoryExportTest {
 protected:
  GitOid add(ObjectType type, const std::string& payload) {
    EXPECT_THAT(
        pack_->add(git_oid(GitHash::kSha1, type, as_bytes(payload)), type, as_bytes(payload)),
        IsOk());
    return git_oid(GitHash::kSha1, type, as_bytes(payload));
  }

  GitOid add_tree(const std::string& payload) { return add(ObjectType::kTree, payload); }

  static std::string entry(const std::string& mode_and_name, const GitOid& oid) {
    return mode_and_name + '\0' + std::string(as_text(oid.bytes()));
  }

  // Archives the added objects and exports the tree.
  Result<DirectoryExportSummary> archive_and_export(const GitOid& root) {
    record_.root = root;
    const ObjectId id = pack_->add_record(record_).value();
    EXPECT_THAT(pack_->install(), IsOk());
    EXPECT_THAT(move_archive(fixture_.store(), "y", id, false), IsOk());
    EXPECT_THAT(fixture_.store().refresh(), IsOk());
    return export_to("y", parent_ + "/out");
  }

  Record record_{.archive = "y", .kind = RecordKind::kDir, .hash = GitHash::kSha1};
  std::unique_ptr<StagedPack> pack_ =
      StagedPack::create(fixture_.store(), GitHash::kSha1, {.sync = false}).value();
  const GitOid blob_ = add(ObjectType::kBlob, "blob");
};

TEST_F(OddTreeTest, EntriesAreWrittenByTheTypeThatTheirObjectHas) {
  const GitOid dir = add_tree(entry("100644 file", blob_));
  const GitOid root =
      add_tree(entry("100644 a", dir) + entry("100755 b", dir) + entry("120000 c", dir) +
               entry("40000 d", blob_) + entry("100644 e", blob_));
  ASSERT_OK_AND_ASSIGN(summary, archive_and_export(root));
  EXPECT_THAT(
      describe_files(parent_ + "/out"),
      testing::ElementsAre(testing::Pair("a", "directory"), testing::Pair("a/file", "file blob"),
                           testing::Pair("b", "directory"), testing::Pair("b/file", "file blob"),
                           testing::Pair("c", "directory"), testing::Pair("c/file", "file blob"),
                           testing::Pair("d", "file blob"), testing::Pair("e", "file blob")));
  EXPECT_EQ(summary.skipped, 0u);
  EXPECT_EQ(summary.mismatched_entries, 4u);
  ASSERT_EQ(summary.notes.size(), 4u);
  EXPECT_EQ(summary.notes[0], "a: its mode is 100644, but its object " + dir.to_hex() +
                                  " is a tree: written as a directory");
}

TEST_F(OddTreeTest, EntriesThatCannotBeFilesAreSkippedAndNamed) {
  record_.missing.count = 1;
  const GitOid commit =
      add(ObjectType::kState, "tree " + add_tree(entry("100644 file", blob_)).to_hex() + "\n\n");
  const GitOid gone = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("not stored"));
  const GitOid cut_off = add_tree(entry("100644 whole", blob_) + "100644 cut off");
  std::string root = entry("100644 commit", commit) + entry("40000 cut", cut_off) +
                     entry("40000 dir", commit) + entry("100644 file", blob_) +
                     entry("100644 gone", gone) + entry("40000 gone dir", gone);
  for (const std::string& target :
       {std::string(), std::string("a\0b", 3), std::string(5000, 'x')}) {
    root += entry("120000 link" + std::to_string(target.size()), add(ObjectType::kBlob, target));
  }
  ASSERT_OK_AND_ASSIGN(summary, archive_and_export(add_tree(root)));
  EXPECT_THAT(describe_files(parent_ + "/out"),
              testing::ElementsAre(testing::Pair("cut", "directory"),
                                   testing::Pair("cut/whole", "file blob"),
                                   testing::Pair("file", "file blob")));
  EXPECT_EQ(summary.files, 2u);
  EXPECT_EQ(summary.skipped, 8u);
  EXPECT_EQ(summary.mismatched_entries, 0u);
  ASSERT_EQ(summary.notes.size(), 8u);
  EXPECT_EQ(summary.notes[0], "commit: skipped: its object " + commit.to_hex() +
                                  " is a commit, not a file or a directory");
  EXPECT_THAT(summary.notes[2], testing::HasSubstr("gone: skipped: its object " + gone.to_hex() +
                                                   " is not in the store"));
  EXPECT_THAT(summary.notes[7], testing::HasSubstr("cut: skipped: the rest of the directory"));
}

TEST_F(OddTreeTest, TheRootMayBeMalformed) {
  ASSERT_OK_AND_ASSIGN(summary, archive_and_export(add_tree(entry("100644 ", blob_))));
  EXPECT_TRUE(fs::is_empty(parent_ + "/out"));
  EXPECT_EQ(summary.skipped, 1u);
}

TEST_F(OddTreeTest, NotesAreLimited) {
  std::string root;
  for (int i = 100; i < 250; ++i) root += entry("40000 " + std::to_string(i), blob_);
  ASSERT_OK_AND_ASSIGN(summary, archive_and_export(add_tree(root)));
  EXPECT_EQ(summary.files, 150u);
  EXPECT_EQ(summary.mismatched_entries, 150u);
  EXPECT_EQ(summary.notes.size(), 100u);
}

TEST_F(OddTreeTest, AnObjectThatTheStoreLostFailsTheExport) {
  const GitOid gone = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("not stored"));
  EXPECT_THAT(archive_and_export(add_tree(entry("100644 dir", gone))),
              FailsWith(ErrorCode::kCorrupt, gone.to_hex()));
  EXPECT_TRUE(fs::is_empty(parent_));
}

}  // namespace
}  // namespace bale
