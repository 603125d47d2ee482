// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// An export restores what was imported: repositories of every shape, compared by git itself.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

// Imports the repository in `directory`, exports it, and expects git to see no difference. Returns
// the export.
std::string expect_round_trip(GitFixture& git, StoreFixture& fixture, const std::string& directory,
                              const std::string& name) {
  const Result<GitImportSummary> imported = fixture.import(directory, name);
  EXPECT_THAT(imported, IsOk());
  const Result<std::string> exported = fixture.export_git(name);
  EXPECT_THAT(exported, IsOk());
  if (!imported || !exported) return {};
  const RepositoryState before = describe_repository(git, directory);
  EXPECT_EQ(describe_repository(git, *exported), before);
  const auto lines = std::count(before.objects.begin(), before.objects.end(), '\n');
  EXPECT_EQ(imported->objects, static_cast<std::uint64_t>(lines));
  EXPECT_EQ(imported->missing, 0u);
  return *exported;
}

// A history with everything that git usually creates.
void fill(GitFixture& git) {
  git.write("a.txt", "one\n");
  git.write("empty", "");
  git.write("dir/sub/b.txt", std::string(5000, 'b'));
  git.commit("first");
  git.run({"branch", "side"});
  git.write("a.txt", "two\n");
  git.commit("second");
  git.run({"checkout", "--quiet", "side"});
  git.write("c.txt", "three\n");
  git.commit("on the side");
  git.run({"checkout", "--quiet", "main"});
  git.merge({"side"});
  git.tag("v1", git.oid("HEAD"));
  git.run({"tag", "light", "HEAD~1"});
}

TEST(RoundTripTest, BareAndWorkingRepositoriesAndEveryWayToNameThem) {
  GitFixture git;
  fill(git);
  StoreFixture fixture;
  expect_round_trip(git, fixture, git.path(), "working");
  const std::string bare = git.clone("bare.git", {"--mirror"});
  expect_round_trip(git, fixture, bare, "bare");
  for (const std::string& path : {git.git_dir(), git.path() + "/dir/sub"}) {
    ASSERT_OK_AND_ASSIGN(again, fixture.import(path, "another"));
    EXPECT_EQ(again.objects_new, 0u);
  }
  EXPECT_THAT(fixture.import(git.beside("nowhere"), "x"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(fixture.import(fixture.path(), "x"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(fixture.import(git.path() + "/a.txt", "x"), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(RoundTripTest, PackedRefsAndPackedObjectsOverriddenByLooseOnes) {
  GitFixture git;
  fill(git);
  git.run({"gc", "--quiet"});
  ASSERT_TRUE(std::filesystem::exists(git.git_dir() + "/packed-refs"));
  git.write("loose", "not packed\n");
  git.commit("main is loose and packed");
  StoreFixture fixture;
  expect_round_trip(git, fixture, git.path(), "packed");
}

TEST(RoundTripTest, Sha256) {
  GitFixture git(GitHash::kSha256);
  fill(git);
  StoreFixture fixture;
  const std::string exported = expect_round_trip(git, fixture, git.path(), "new");
  EXPECT_EQ(git.run_in(exported, {"rev-parse", "--show-object-format"}), "sha256");
  EXPECT_EQ(fixture.record("new").hash, GitHash::kSha256);

  // The same content under the other hash lives in the same store.
  GitFixture old;
  fill(old);
  expect_round_trip(old, fixture, old.path(), "old");
  EXPECT_THAT(fixture.export_git("new"), IsOk());
}

TEST(RoundTripTest, LinkedWorktreesHaveTheirOwnHead) {
  GitFixture git;
  fill(git);
  const std::string linked = git.add_worktree("linked");
  write_test_file(linked + "/d.txt", "only here\n");
  git.run_in(linked, {"add", "d.txt"});
  git.run_in(linked, {"commit", "--quiet", "-m", "in the linked tree"});
  git.run_in(linked, {"update-ref", "refs/worktree/own", "HEAD~1"});
  git.run({"update-ref", "refs/bisect/main-tree-only", "HEAD~1"});
  StoreFixture fixture;
  expect_round_trip(git, fixture, linked, "linked");
  EXPECT_EQ(fixture.record("linked").head, "ref: refs/heads/linked");
  EXPECT_TRUE(fixture.record("linked").refs.contains("refs/worktree/own"));
  EXPECT_FALSE(fixture.record("linked").refs.contains("refs/bisect/main-tree-only"));
  expect_round_trip(git, fixture, git.path(), "main");
  EXPECT_EQ(fixture.record("main").head, "ref: refs/heads/main");
}

TEST(RoundTripTest, AlternatesLendTheirObjects) {
  GitFixture git;
  fill(git);
  const std::string borrower = git.beside("borrower");
  git.run_in(git.path(), {"clone", "--quiet", "--shared", git.path(), borrower});
  ASSERT_TRUE(std::filesystem::exists(borrower + "/.git/objects/info/alternates"));
  write_test_file(borrower + "/own.txt", "not in the other\n");
  git.run_in(borrower, {"add", "own.txt"});
  git.run_in(borrower, {"commit", "--quiet", "-m", "own"});
  StoreFixture fixture;
  const std::string exported = expect_round_trip(git, fixture, borrower, "borrower");
  EXPECT_FALSE(std::filesystem::exists(exported + "/objects/info/alternates"));
}

TEST(RoundTripTest, RepositoriesWithoutAnyCommit) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    GitFixture git(hash);
    StoreFixture fixture;
    ASSERT_OK_AND_ASSIGN(imported, fixture.import(git.path(), "empty"));
    EXPECT_EQ(imported.objects, 0u);
    ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("empty"));
    EXPECT_EQ(git.run_in(exported, {"symbolic-ref", "HEAD"}), "refs/heads/main");
    EXPECT_EQ(git.run_in(exported, {"count-objects"}), "0 objects, 0 kilobytes");
    ASSERT_OK_AND_ASSIGN(report, fixture.verify());
    EXPECT_TRUE(report.ok());
  }
}

TEST(RoundTripTest, TagsOfTagsOfTreesAndOfBlobs) {
  GitFixture git;
  fill(git);
  git.tag("tag-of-tag", git.tag("inner", git.oid("HEAD")));
  git.tag("tag-of-tree", git.oid("HEAD^{tree}"));
  git.tag("tag-of-blob", git.oid("HEAD:a.txt"));
  git.tag("tag-of-lone-blob", git.write_blob("only a tag has me\n"));
  git.run({"tag", "light-blob", git.write_blob("only a ref has me\n").to_hex()});
  git.run({"tag", "light-tree", "HEAD~1^{tree}"});
  git.run({"update-ref", "-d", "refs/tags/inner"});
  StoreFixture fixture;
  expect_round_trip(git, fixture, git.path(), "tags");
}

TEST(RoundTripTest, SubmodulesEmptyTreesOctopusesAndOddModes) {
  GitFixture git;
  fill(git);
  for (const std::string branch : {"x", "y", "z"}) {
    git.run({"checkout", "--quiet", "-b", branch, "light"});
    git.write(branch, branch);
    git.commit(branch);
  }
  git.merge({"main", "x", "y"});
  git.commit_submodule("module", *GitOid::from_hex(std::string(40, '7')));
  const GitOid blob = git.write_blob("#!/bin/sh\n");
  const GitOid link = git.write_blob("../anywhere");
  const GitOid empty_tree = git.write_object("tree", "");
  std::string tree;
  const auto entry = [&](const std::string& mode, const std::string& name, const GitOid& oid) {
    tree += mode + " " + name + '\0';
    tree += as_text(oid.bytes());
  };
  entry("100755", "executable", blob);
  entry("100664", "group-writable", blob);
  entry("120000", "link", link);
  entry("040000", "padded-mode", empty_tree);
  entry("40000", "empty", empty_tree);  // out of order too
  const GitOid odd = git.write_object("tree", tree);
  const std::string commit = git.run({"commit-tree", "-m", "odd", odd.to_hex()});
  git.run({"update-ref", "refs/heads/odd", commit});
  const std::string nothing = git.run({"commit-tree", "-m", "empty", empty_tree.to_hex()});
  git.run({"update-ref", "refs/heads/nothing", nothing});
  StoreFixture fixture;
  expect_round_trip(git, fixture, git.path(), "odd");
}

TEST(RoundTripTest, SignedCommitsAndTextsInAnyEncoding) {
  GitFixture git;
  fill(git);
  const std::string person = "A <a@example.com> 1700000000 +0000";
  const GitOid commit = git.write_object(
      "commit", "tree " + git.oid("HEAD^{tree}").to_hex() + "\nparent " + git.oid("HEAD").to_hex() +
                    "\nauthor " + person + "\ncommitter " + person +
                    "\nencoding ISO-8859-1\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n "
                    "iQEzBAABCAAdFiEE\n -----END PGP SIGNATURE-----\n\ncaf\xe9\n\xff no newline");
  git.run({"update-ref", "refs/heads/main", commit.to_hex()});
  StoreFixture fixture;
  const std::string exported = expect_round_trip(git, fixture, git.path(), "signed");
  EXPECT_EQ(git.run_in(exported, {"cat-file", "commit", "main"}),
            git.run({"cat-file", "commit", "main"}));
}

TEST(RoundTripTest, NamesOfFilesAndRefsInAnyBytes) {
  GitFixture git;
  fill(git);
  git.write("caf\xc3\xa9", "utf-8");
  git.write("latin\xe9\xff", "not utf-8");
  git.write("new\nline", "x");
  git.write(" space \"quote\" \\ % %41", "x");
  git.write("-dash", "x");
  git.commit("names");
  for (const std::string name : {"caf\xc3\xa9", "latin\xe9\xff", "per%cent%41", "a/b/c\"d'",
                                 "-dash", "@", "ref!#$&()+,;=<>|`{}"}) {
    git.run({"update-ref", "refs/heads/" + name, "HEAD"});
  }
  StoreFixture fixture;
  expect_round_trip(git, fixture, git.path(), "names");
  EXPECT_TRUE(fixture.record("names").refs.contains("refs/heads/latin\xe9\xff"));
}

TEST(RoundTripTest, DetachedHeadAndRefsAnywhere) {
  GitFixture git;
  fill(git);
  git.run({"checkout", "--quiet", "--detach"});
  git.write("detached", "only HEAD has me\n");
  git.commit("detached");
  git.run({"update-ref", "refs/pull/1/head", "side"});
  git.run({"update-ref", "refs/notes/commits", "light"});
  git.run({"update-ref", "refs/stash", "side"});
  git.run({"update-ref", "refs/top", "side"});
  StoreFixture fixture;
  const std::string exported = expect_round_trip(git, fixture, git.path(), "detached");
  EXPECT_EQ(git.run_in(exported, {"rev-parse", "HEAD"}), git.oid("HEAD").to_hex());
}

TEST(RoundTripTest, SymbolicRefsAlsoDanglingOnes) {
  GitFixture git;
  fill(git);
  git.run({"symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"});
  git.run({"update-ref", "refs/remotes/origin/main", "side"});
  git.run({"symbolic-ref", "refs/heads/alias", "refs/heads/main"});
  git.run({"symbolic-ref", "refs/heads/alias-of-alias", "refs/heads/alias"});
  git.run({"symbolic-ref", "refs/heads/dangling", "refs/heads/not/born"});
  git.run({"symbolic-ref", "HEAD", "refs/heads/unborn"});
  StoreFixture fixture;
  ASSERT_THAT(fixture.import(git.path(), "symbolic"), IsOk());
  ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("symbolic"));
  EXPECT_EQ(describe_repository(git, exported), describe_repository(git, git.path()));
  for (const std::string ref : {"HEAD", "refs/remotes/origin/HEAD", "refs/heads/alias",
                                "refs/heads/alias-of-alias", "refs/heads/dangling"}) {
    EXPECT_EQ(git.run_in(exported, {"symbolic-ref", "--no-recurse", ref}),
              git.run({"symbolic-ref", "--no-recurse", ref}));
  }
}

TEST(RoundTripTest, LargeBlobsPassInPieces) {
  GitFixture git;
  git.write("frame", std::string(1 << 20, 'x'));
  git.write("frame-and-one", std::string((1 << 20) + 1, 'x'));
  git.write("random", random_text((2 << 20) + 777, 1));
  git.write("smooth", std::string(5 << 20, 'y'));
  git.write("small-random", random_text(3000, 2));
  git.commit("large");
  StoreFixture fixture;
  expect_round_trip(git, fixture, git.path(), "large");
  ASSERT_OK_AND_ASSIGN(report, fixture.verify());
  EXPECT_TRUE(report.ok());
}

TEST(RoundTripTest, ReplacedAndGraftedHistoryIsArchivedAsItTrulyIs) {
  GitFixture git;
  fill(git);
  const GitOid head = git.oid("HEAD");
  const std::string other = git.run({"commit-tree", "-m", "another past", "HEAD^{tree}"});
  git.run({"replace", head.to_hex(), other});
  write_test_file(git.git_dir() + "/info/grafts", git.oid("light").to_hex() + "\n");
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(imported, fixture.import(git.path(), "replaced"));
  EXPECT_TRUE(fixture.record("replaced").refs.contains("refs/replace/" + head.to_hex()));
  ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("replaced"));
  std::filesystem::remove(git.git_dir() + "/info/grafts");
  EXPECT_EQ(describe_repository(git, exported), describe_repository(git, git.path()));
  // Three commits below the replaced one, beyond the graft.
  EXPECT_EQ(git.run_in(exported, {"--no-replace-objects", "rev-list", "--count", "HEAD"}), "4");
  EXPECT_EQ(git.run_in(exported, {"rev-list", "--count", "HEAD"}), "1");
}

TEST(RoundTripTest, SymbolicRefsToHeadAndOtherWorkTreesHeadsSurvive) {
  GitFixture git;
  const GitOid head = git.commit("first");
  git.run({"symbolic-ref", "refs/heads/current", "HEAD"});
  git.run({"symbolic-ref", "refs/remotes/origin/HEAD", "origin/main"});
  const std::string linked = git.add_worktree("linked");
  git.run_in(linked, {"checkout", "--quiet", "--detach"});
  git.run_in(linked, {"commit", "--quiet", "--allow-empty", "-m", "only here"});
  const std::string only = git.run_in(linked, {"rev-parse", "HEAD"});
  StoreFixture fixture;
  ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
  ASSERT_OK_AND_ASSIGN(out, fixture.export_git("x"));
  EXPECT_EQ(git.run_in(out, {"rev-parse", "refs/worktrees/linked/HEAD"}), only);
  EXPECT_EQ(read_test_file(out + "/refs/heads/current"), "ref: HEAD\n");
  EXPECT_EQ(git.run_in(out, {"rev-parse", "refs/heads/current"}), head.to_hex());
  EXPECT_EQ(read_test_file(out + "/refs/remotes/origin/HEAD"), "ref: origin/main\n");
  const Record first = fixture.record("x");
  ASSERT_THAT(fixture.import(out, "again"), IsOk());
  EXPECT_EQ(fixture.record("again").refs, first.refs);
  EXPECT_EQ(fixture.record("again").symrefs, first.symrefs);
}

}  // namespace
}  // namespace bale
