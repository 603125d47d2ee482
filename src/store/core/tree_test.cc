// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Paths inside archives.

#include "bale/tree.h"

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/core/staged_pack.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

class TreeTest : public testing::Test {
 protected:
  TreeTest() {
    git_.write("file", "old");
    git_.write("dir/sub/deep", "deep");
    git_.write("dir/sub/tool", "#!/bin/sh\n");
    std::filesystem::permissions(git_.path() + "/dir/sub/tool", std::filesystem::perms::owner_all);
    git_.commit("first");
    git_.run({"tag", "light"});
    git_.tag("v1", git_.tag("v0", git_.oid("HEAD")));
    EXPECT_THAT(fixture_.import(git_.path(), "x"), IsOk());
    git_.write("file", "new");
    git_.commit("second");
    git_.run({"branch", "feature/a"});
    git_.run({"update-ref", "refs/heads/light", "HEAD"});  // a tag has the name too
    git_.run({"update-ref", "refs/remotes/origin/r", "HEAD"});
    git_.tag("blob-tag", git_.oid("HEAD:file"));
    git_.commit_submodule("module", *GitOid::from_hex(std::string(40, '7')));
    EXPECT_THAT(fixture_.import(git_.path(), "x"), IsOk());
  }

  Result<ResolvedPath> resolve(const std::string& text) {
    const Result<ArchivePath> path = find_archive_path(fixture_.store(), text);
    if (!path) return path.error();
    return resolve_path(fixture_.store(), *path, context_);
  }

  // The content of the file that a path leads to, or what went wrong.
  std::string content(const std::string& text) {
    const Result<ResolvedPath> path = resolve(text);
    if (!path) return std::string(to_string(path.error().code));
    const Result<ObjectView> object = fixture_.store().snapshot().get(path->location, context_);
    return object ? std::string(as_text(object->payload)) : object.error().message;
  }

  GitFixture git_;
  StoreFixture fixture_;
  ReadContext context_;
};

TEST_F(TreeTest, PathsStartAtHeadOrAtAnyRefOrAnOlderRecord) {
  EXPECT_EQ(content("x:file"), "new");
  EXPECT_EQ(content("x@0:file"), "new");
  EXPECT_EQ(content("x@1:file"), "old");
  EXPECT_EQ(content("x/main:file"), "new");
  EXPECT_EQ(content("x@1/main:file"), "old");
  EXPECT_EQ(content("x/refs/heads/main:file"), "new");
  EXPECT_EQ(content("x/heads/main:file"), "new");
  EXPECT_EQ(content("x/feature/a:file"), "new");
  EXPECT_EQ(content("x/v1:file"), "old");     // a tag of a tag
  EXPECT_EQ(content("x/light:file"), "old");  // tags come before branches
  EXPECT_EQ(content("x/heads/light:file"), "new");
  EXPECT_EQ(content("x/origin/r:file"), "new");
  EXPECT_EQ(content("x/HEAD:file"), "new");
  EXPECT_EQ(content("x/blob-tag"), "new");
  EXPECT_EQ(content("x:dir/sub/deep"), "deep");
  EXPECT_EQ(content("x:/dir//sub/deep"), "deep");
  ASSERT_OK_AND_ASSIGN(root, resolve("x"));
  EXPECT_EQ(root.oid, git_.oid("HEAD^{tree}"));
  EXPECT_EQ(root.type, ObjectType::kTree);
  EXPECT_EQ(root.mode, 040000u);
  ASSERT_OK_AND_ASSIGN(tool, resolve("x:dir/sub/tool"));
  EXPECT_EQ(tool.mode, 0100755u);
  EXPECT_EQ(tool.type, ObjectType::kBlob);
  ASSERT_OK_AND_ASSIGN(directory, resolve("x:dir/sub"));
  EXPECT_EQ(directory.oid, git_.oid("HEAD:dir/sub"));
  EXPECT_EQ(directory.mode, 040000u);
}

TEST_F(TreeTest, WhatIsNotThereIsSaidPieceByPiece) {
  EXPECT_THAT(resolve("y:file"), FailsWith(ErrorCode::kNotFound, "y"));
  EXPECT_THAT(resolve("x@2:file"), FailsWith(ErrorCode::kNotFound, "x@1"));
  EXPECT_THAT(resolve("x/nothing:file"), FailsWith(ErrorCode::kNotFound, "nothing"));
  EXPECT_THAT(resolve("x@1/feature/a:file"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(resolve("x:dir/gone/deep"), FailsWith(ErrorCode::kNotFound, "there is no gone"));
  EXPECT_THAT(resolve("x:file/below"), FailsWith(ErrorCode::kNotFound, "there is no below"));
  EXPECT_THAT(resolve("x/blob-tag:file"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(resolve("x:module"), FailsWith(ErrorCode::kNotFound, "submodule"));
  EXPECT_THAT(resolve("x:module/a"), FailsWith(ErrorCode::kNotFound, "submodule"));
  EXPECT_THAT(resolve("x:../x"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(resolve("x:FILE"), FailsWith(ErrorCode::kNotFound));
}

TEST_F(TreeTest, DetachedAndUnbornHeads) {
  git_.run({"checkout", "--quiet", "--detach", "refs/tags/light"});
  ASSERT_THAT(fixture_.import(git_.path(), "detached"), IsOk());
  EXPECT_EQ(content("detached:file"), "old");
  EXPECT_EQ(content("detached/HEAD:file"), "old");
  git_.run({"symbolic-ref", "HEAD", "refs/heads/unborn"});
  ASSERT_THAT(fixture_.import(git_.path(), "unborn"), IsOk());
  EXPECT_THAT(resolve("unborn:file"), FailsWith(ErrorCode::kNotFound, "unborn"));
  EXPECT_EQ(content("unborn/main:file"), "new");
}

TEST_F(TreeTest, ListsEveryEntryInOrder) {
  std::vector<std::string> lines;
  const auto list = [&](const std::string& text) -> Result<void> {
    const Result<ResolvedPath> path = resolve(text);
    if (!path) return path.error();
    return list_tree(fixture_.store(), path->location, path->oid, context_,
                     [&](const TreeItem& item) -> Result<void> {
                       lines.push_back(fmt::format(
                           "{:o} {} {} {} {}", item.mode, to_string(item.type), item.submodule,
                           item.size ? std::to_string(*item.size) : "-", item.name));
                       return {};
                     });
  };
  ASSERT_THAT(list("x"), IsOk());
  EXPECT_THAT(lines, testing::ElementsAre("40000 tree false - dir", "100644 blob false 3 file",
                                          "160000 state true - module"));
  lines.clear();
  ASSERT_THAT(list("x:dir/sub"), IsOk());
  EXPECT_THAT(lines, testing::ElementsAre("100644 blob false 4 deep", "100755 blob false 10 tool"));
  EXPECT_THAT(list("x:file"), FailsWith(ErrorCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(root, resolve("x"));
  int calls = 0;
  EXPECT_THAT(list_tree(fixture_.store(), root.location, root.oid, context_,
                        [&](const TreeItem&) -> Result<void> {
                          ++calls;
                          return fail(ErrorCode::kIo, "enough");
                        }),
              FailsWith(ErrorCode::kIo, "enough"));
  EXPECT_EQ(calls, 1);
}

TEST_F(TreeTest, AnEntryHasTheTypeOfItsObjectWhateverItsModeSays) {
  ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture_.store(), GitHash::kSha1, {}));
  const GitOid gone = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("not stored"));
  std::string payload;
  for (const auto& [mode_and_name, oid] : {std::pair{"100644 a", git_.oid("light:dir")},
                                           {"40000 b", git_.oid("light:file")},
                                           {"120000 c", git_.oid("light")},
                                           {"40000 d", gone},
                                           {"100644 e", gone}}) {
    payload += mode_and_name + std::string(1, '\0') + std::string(as_text(oid.bytes()));
  }
  const GitOid tree = git_oid(GitHash::kSha1, ObjectType::kTree, as_bytes(payload));
  ASSERT_THAT(staged->add(tree, ObjectType::kTree, as_bytes(payload)), IsOk());
  ASSERT_THAT(staged->install(), IsOk());
  ASSERT_THAT(fixture_.store().refresh(), IsOk());
  std::vector<ObjectType> types;
  std::string sizes;
  ASSERT_THAT(list_tree(fixture_.store(), *fixture_.store().snapshot().find(tree), tree, context_,
                        [&](const TreeItem& item) -> Result<void> {
                          types.push_back(item.type);
                          sizes += item.size ? "s" : "-";
                          return {};
                        }),
              IsOk());
  EXPECT_THAT(types, testing::ElementsAre(ObjectType::kTree, ObjectType::kBlob, ObjectType::kState,
                                          ObjectType::kTree, ObjectType::kBlob));
  EXPECT_EQ(sizes, "-s---");
}

TEST_F(TreeTest, TheRootOfADirectoryIsItsTree) {
  ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture_.store(), GitHash::kSha1, {}));
  Record record{.archive = "tarred", .kind = RecordKind::kTar, .hash = GitHash::kSha1};
  record.root = git_.oid("light:dir");
  ASSERT_OK_AND_ASSIGN(id, staged->add_record(record));
  ASSERT_THAT(staged->install(), IsOk());
  ASSERT_THAT(move_archive(fixture_.store(), "tarred", id, false), IsOk());
  ASSERT_THAT(fixture_.store().refresh(), IsOk());
  EXPECT_EQ(content("tarred:sub/deep"), "deep");
  EXPECT_THAT(resolve("tarred/main:sub/deep"), FailsWith(ErrorCode::kNotFound, "main"));
}

}  // namespace
}  // namespace bale
