// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/source/ref_files.h"

#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "bale/archive_name.h"
#include "base/try.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// What was read, with the refs in maps.
struct Snapshot {
  std::map<std::string, GitOid> refs;  // that lead to an object
  std::map<std::string, std::string> symrefs;
  std::string head;
  std::optional<GitOid> head_oid;
  std::vector<GitOid> shallow;
  std::vector<std::string> bad_refs;
};

Result<Snapshot> in_maps(const RefSnapshot& read) {
  Snapshot snapshot{.head = read.head,
                    .head_oid = read.head_oid,
                    .shallow = read.shallow,
                    .bad_refs = read.bad_refs};
  RefList::Reader reader(read.refs);
  while (const std::optional<Ref> ref = TRY(reader.next())) {
    if (ref->oid) snapshot.refs.emplace(ref->name, *ref->oid);
    if (!ref->target.empty()) snapshot.symrefs.emplace(ref->name, ref->target);
  }
  return snapshot;
}

Result<Snapshot> snapshot_of(const std::string& path, GitHash hash = GitHash::kSha1,
                             BadRefs bad_refs = BadRefs::kRefuse) {
  const RepositoryPaths paths = TRY(find_repository(path));
  return in_maps(TRY(read_refs(paths, hash, "/tmp", bad_refs)));
}

// git's own list of refs whose objects all exist.
std::map<std::string, GitOid> refs_by_git(GitFixture& git, const std::string& directory) {
  std::map<std::string, GitOid> refs;
  std::istringstream lines(
      git.run_in(directory, {"for-each-ref", "--format=%(objectname) %(refname)"}));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    refs.emplace(line.substr(space + 1), GitOid::from_hex(line.substr(0, space)).value());
  }
  return refs;
}

TEST(RefFilesTest, LooseAndPackedRefsOfEveryKindAreAsGitSaysTheyAre) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    GitFixture git(hash);
    git.write("a.txt", "one");
    const GitOid first = git.commit("first");
    git.tag("v1", first);
    git.tag("nested", git.oid("refs/tags/v1"));
    git.tag("on-blob", git.oid("HEAD:a.txt"));
    git.run({"tag", "light-on-tree", "HEAD^{tree}"});
    git.run({"notes", "add", "-m", "a note", "HEAD"});
    git.run({"pack-refs", "--all"});
    git.write("a.txt", "two");
    const GitOid second = git.commit("second");  // main is packed and loose now
    git.run({"branch", "feature/deep/branch"});
    git.run({"update-ref", "refs/weird/outside", "HEAD~1"});
    git.run({"update-ref", "refs/stash", "HEAD"});
    git.run({"update-ref", "refs/heads/\xff\xfe$x'\"%", "HEAD"});
    git.run({"replace", second.to_hex(), first.to_hex()});
    const Result<Snapshot> snapshot = snapshot_of(git.path(), hash);
    ASSERT_THAT(snapshot, IsOk());
    EXPECT_EQ(snapshot->refs, refs_by_git(git, git.path()));
    EXPECT_EQ(snapshot->refs.count("refs/replace/" + second.to_hex()), 1u);
    EXPECT_EQ(snapshot->refs.count("refs/notes/commits"), 1u);
    EXPECT_EQ(snapshot->refs.at("refs/heads/main"), second);
    EXPECT_EQ(snapshot->head, "ref: refs/heads/main");
    EXPECT_EQ(snapshot->head_oid, second);
    EXPECT_THAT(snapshot->symrefs, IsEmpty());
    EXPECT_THAT(snapshot->shallow, IsEmpty());
  }
}

TEST(RefFilesTest, SymbolicRefsAreResolvedAndKept) {
  GitFixture git;
  const GitOid first = git.commit("first");
  git.run({"symbolic-ref", "refs/heads/alias", "refs/heads/main"});
  git.run({"symbolic-ref", "refs/heads/alias2", "refs/heads/alias"});
  git.run({"symbolic-ref", "refs/heads/unborn", "refs/heads/nothing"});
  write_test_file(git.git_dir() + "/refs/heads/circle", "ref: refs/heads/circle\n");
  std::filesystem::create_symlink("refs/heads/main", git.git_dir() + "/refs/heads/old-style");
  ASSERT_OK_AND_ASSIGN(snapshot, snapshot_of(git.path()));
  EXPECT_THAT(snapshot.refs,
              ElementsAre(Pair("refs/heads/alias", first), Pair("refs/heads/alias2", first),
                          Pair("refs/heads/main", first), Pair("refs/heads/old-style", first)));
  EXPECT_THAT(snapshot.symrefs, ElementsAre(Pair("refs/heads/alias", "refs/heads/main"),
                                            Pair("refs/heads/alias2", "refs/heads/alias"),
                                            Pair("refs/heads/circle", "refs/heads/circle"),
                                            Pair("refs/heads/old-style", "refs/heads/main"),
                                            Pair("refs/heads/unborn", "refs/heads/nothing")));
}

TEST(RefFilesTest, ACloneHasItsRemoteHeadAsASymbolicRef) {
  GitFixture git;
  const GitOid first = git.commit("first");
  ASSERT_OK_AND_ASSIGN(snapshot, snapshot_of(git.clone("clone")));
  EXPECT_THAT(snapshot.symrefs,
              ElementsAre(Pair("refs/remotes/origin/HEAD", "refs/remotes/origin/main")));
  EXPECT_EQ(snapshot.refs.at("refs/remotes/origin/HEAD"), first);
}

TEST(RefFilesTest, HeadMayBeDetachedUnbornOrASymlink) {
  GitFixture git;
  ASSERT_OK_AND_ASSIGN(unborn, snapshot_of(git.path()));
  EXPECT_EQ(unborn.head, "ref: refs/heads/main");
  EXPECT_EQ(unborn.head_oid, std::nullopt);
  EXPECT_THAT(unborn.refs, IsEmpty());

  const GitOid first = git.commit("first");
  git.run({"checkout", "--quiet", "--detach"});
  ASSERT_OK_AND_ASSIGN(detached, snapshot_of(git.path()));
  EXPECT_EQ(detached.head, first.to_hex());
  EXPECT_EQ(detached.head_oid, first);

  std::filesystem::remove(git.git_dir() + "/HEAD");
  std::filesystem::create_symlink("refs/heads/main", git.git_dir() + "/HEAD");
  ASSERT_OK_AND_ASSIGN(linked, snapshot_of(git.path()));
  EXPECT_EQ(linked.head, "ref: refs/heads/main");
  EXPECT_EQ(linked.head_oid, first);
}

TEST(RefFilesTest, ALinkedWorkTreeHasItsOwnHeadAndTheCommonRefs) {
  GitFixture git;
  const GitOid first = git.commit("first");
  const std::string linked = git.add_worktree("linked");
  const GitOid second = git.commit("second");
  git.run({"update-ref", "refs/bisect/bad", second.to_hex()});
  git.run_in(linked, {"update-ref", "refs/worktree/own", first.to_hex()});
  ASSERT_OK_AND_ASSIGN(here, snapshot_of(linked));
  EXPECT_EQ(here.head, "ref: refs/heads/linked");
  EXPECT_EQ(here.head_oid, first);
  EXPECT_EQ(here.refs, refs_by_git(git, linked));
  EXPECT_EQ(here.refs.count("refs/worktree/own"), 1u);
  ASSERT_OK_AND_ASSIGN(there, snapshot_of(git.path()));
  EXPECT_EQ(there.head, "ref: refs/heads/main");
  EXPECT_EQ(there.refs, refs_by_git(git, git.path()));
  EXPECT_EQ(there.refs.count("refs/bisect/bad"), 1u);
}

TEST(RefFilesTest, DetachedHeadsOfOtherWorkTreesAreRefsUnderTheirNames) {
  GitFixture git;
  const GitOid first = git.commit("first");
  const std::string linked = git.add_worktree("linked");
  const std::string odd = git.beside("odd name");
  git.run({"worktree", "add", "--quiet", "--detach", odd});
  std::filesystem::rename(git.git_dir() + "/worktrees/odd-name",
                          git.git_dir() + "/worktrees/odd name.lock");
  // On a branch, there is nothing to add.
  ASSERT_OK_AND_ASSIGN(attached, snapshot_of(git.path()));
  EXPECT_THAT(attached.refs,
              ElementsAre(Pair("refs/heads/linked", first), Pair("refs/heads/main", first),
                          Pair("refs/worktrees/odd%20name%2Elock/HEAD", first)));
  std::filesystem::remove_all(git.git_dir() + "/worktrees/odd name.lock");
  git.run_in(linked, {"checkout", "--quiet", "--detach"});
  git.run_in(linked, {"commit", "--quiet", "--allow-empty", "-m", "only here"});
  const GitOid only = GitOid::from_hex(git.run_in(linked, {"rev-parse", "HEAD"})).value();
  ASSERT_OK_AND_ASSIGN(here, snapshot_of(git.path()));
  EXPECT_EQ(here.refs.at("refs/worktrees/linked/HEAD"), only);
  // Seen from there it is HEAD, and the main work tree is another.
  ASSERT_OK_AND_ASSIGN(there, snapshot_of(linked));
  EXPECT_EQ(there.head_oid, only);
  EXPECT_EQ(there.refs.size(), 2u);
  git.run({"checkout", "--quiet", "--detach"});
  ASSERT_OK_AND_ASSIGN(both, snapshot_of(linked));
  EXPECT_EQ(both.refs.at("refs/main-worktree/HEAD"), first);
  // HEAD may name a ref of the work tree's own.
  git.run_in(linked, {"update-ref", "refs/worktree/own", only.to_hex()});
  write_test_file(git.git_dir() + "/worktrees/linked/HEAD", "ref: refs/worktree/own\n");
  ASSERT_OK_AND_ASSIGN(own, snapshot_of(git.path()));
  EXPECT_EQ(own.refs.at("refs/worktrees/linked/HEAD"), only);
  // The source's own refs must not be confused with it.
  git.run({"update-ref", "refs/worktrees/linked/HEAD", first.to_hex()});
  ASSERT_OK_AND_ASSIGN(clash, snapshot_of(git.path()));
  EXPECT_EQ(clash.refs.at("refs/worktrees/linked/HEAD"), first);
  EXPECT_EQ(clash.refs.at("refs/worktrees-2/linked/HEAD"), only);
  write_test_file(git.git_dir() + "/worktrees/linked/HEAD", "nonsense\n");
  EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "worktrees/linked/HEAD"));
}

TEST(RefFilesTest, SymbolicRefsMayLeadToHeadOrNowhere) {
  GitFixture git;
  const GitOid first = git.commit("first");
  git.run({"symbolic-ref", "refs/heads/current", "HEAD"});
  git.run({"symbolic-ref", "refs/remotes/origin/HEAD", "origin/main"});
  ASSERT_OK_AND_ASSIGN(snapshot, snapshot_of(git.path()));
  EXPECT_THAT(snapshot.symrefs, ElementsAre(Pair("refs/heads/current", "HEAD"),
                                            Pair("refs/remotes/origin/HEAD", "origin/main")));
  EXPECT_THAT(snapshot.refs,
              ElementsAre(Pair("refs/heads/current", first), Pair("refs/heads/main", first)));
  git.run({"checkout", "--quiet", "--detach"});
  ASSERT_OK_AND_ASSIGN(detached, snapshot_of(git.path()));
  EXPECT_EQ(detached.refs.at("refs/heads/current"), first);
  write_test_file(git.git_dir() + "/HEAD", "ref: refs/heads/current\n");
  ASSERT_OK_AND_ASSIGN(circle, snapshot_of(git.path()));
  EXPECT_EQ(circle.head_oid, std::nullopt);
}

TEST(RefFilesTest, SymbolicRefsToPseudoRefsAreArchivedWithTheirValue) {
  GitFixture git;
  const GitOid first = git.commit("first");
  const std::string dir = git.git_dir() + "/";
  write_test_file(dir + "FETCH_HEAD", first.to_hex() + "\tnot-for-merge\tbranch 'x' of y\n");
  write_test_file(dir + "ORIG_HEAD", first.to_hex() + "\n");
  write_test_file(dir + "CHAIN_HEAD", "ref: ORIG_HEAD\n");
  write_test_file(dir + "BRANCH_HEAD", "ref: refs/heads/main\n");
  for (const std::string name : {"FETCH_HEAD", "ORIG_HEAD", "CHAIN_HEAD", "BRANCH_HEAD"}) {
    write_test_file(dir + "refs/heads/" + name, "ref: " + name + "\n");
    EXPECT_EQ(git.oid("refs/heads/" + name), first);
  }
  ASSERT_OK_AND_ASSIGN(snapshot, snapshot_of(git.path()));
  EXPECT_THAT(snapshot.symrefs, ElementsAre(Pair("refs/heads/BRANCH_HEAD", "refs/heads/main")));
  EXPECT_EQ(snapshot.refs.size(), 5u);
  for (const auto& [name, oid] : snapshot.refs) EXPECT_EQ(oid, first) << name;
  StoreFixture fixture;
  ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
  ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("x"));
  EXPECT_EQ(git.run_in(exported, {"fsck", "--strict"}), "");
  EXPECT_EQ(git.run_in(exported, {"rev-parse", "refs/heads/CHAIN_HEAD"}), first.to_hex());
  // Files that are not refs, or form a cycle.
  for (const std::string content : {"", "text\n", "ref: MERGE_HEAD\n"}) {
    write_test_file(dir + "MERGE_HEAD", content);
    write_test_file(dir + "refs/heads/bad", "ref: MERGE_HEAD\n");
    EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "which is no ref"));
  }
}

TEST(RefFilesTest, BadRefsAreAllNamedOrAllSkipped) {
  GitFixture git;
  const GitOid first = git.commit("first");
  for (int i = 0; i < 12; ++i) {
    write_test_file(git.git_dir() + "/refs/heads/bad" + std::to_string(i), "");
  }
  write_test_file(git.git_dir() + "/packed-refs", "x\n" + first.to_hex() + " refs/heads/bad1\n" +
                                                      first.to_hex() + " refs/heads/a..b\n" +
                                                      first.to_hex() + " refs/heads/good\ncut off");
  EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "15 refs cannot be read"));
  EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "and 5 more"));
  const RepositoryPaths paths{git.git_dir(), git.git_dir()};
  ASSERT_OK_AND_ASSIGN(skipped, snapshot_of(git.path(), GitHash::kSha1, BadRefs::kSkip));
  EXPECT_EQ(skipped.bad_refs.size(), 15u);
  EXPECT_THAT(skipped.refs,
              ElementsAre(Pair("refs/heads/bad1", first), Pair("refs/heads/good", first),
                          Pair("refs/heads/main", first)));
  write_test_file(git.git_dir() + "/HEAD", std::string(41, '\0'));
  EXPECT_THAT(read_refs(paths, GitHash::kSha1, "/tmp", BadRefs::kSkip),
              FailsWith(ErrorCode::kIncomplete, "HEAD"));
}

// As a crash may leave it.
TEST(RefFilesTest, ALineOfMegabytesIsABadRefLikeAnyOther) {
  GitFixture git;
  const GitOid first = git.commit("first");
  write_test_file(git.git_dir() + "/packed-refs", first.to_hex() + " refs/heads/a\n" +
                                                      std::string(5'000'000, '\0') + "\n" +
                                                      first.to_hex() + " refs/heads/b\n");
  EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "packed-refs"));
  ASSERT_OK_AND_ASSIGN(skipped, snapshot_of(git.path(), GitHash::kSha1, BadRefs::kSkip));
  EXPECT_EQ(skipped.bad_refs.size(), 1u);
  EXPECT_EQ(skipped.refs.size(), 3u);
}

TEST(RefFilesTest, RefsToObjectsThatAreNotThereAreNotLeftOut) {
  GitFixture git;
  git.commit("first");
  write_test_file(git.git_dir() + "/refs/heads/lost", kAbsentOid + "\n");
  ASSERT_OK_AND_ASSIGN(snapshot, snapshot_of(git.path()));
  EXPECT_EQ(snapshot.refs.at("refs/heads/lost").to_hex(), kAbsentOid);
}

TEST(RefFilesTest, FilesThatAreNoRefsArePassedOver) {
  GitFixture git;
  git.commit("first");
  write_test_file(git.git_dir() + "/refs/heads/main.lock", "");
  write_test_file(git.git_dir() + "/refs/heads/.hidden", "x");
  ASSERT_OK_AND_ASSIGN(snapshot, snapshot_of(git.path()));
  EXPECT_EQ(snapshot.refs.size(), 1u);
}

TEST(RefFilesTest, ABrokenRefIsAnErrorThatNamesIt) {
  GitFixture git;
  git.commit("first");
  const std::string file = git.git_dir() + "/refs/heads/broken";
  for (const std::string& content :
       {std::string(), std::string("\n"), kAbsentOid.substr(1), kAbsentOid + "f",
        std::string(40, '0'), std::string(40, 'g'), std::string("ref: "),
        std::string("ref: ../../etc/passwd"), kAbsentOid + kAbsentOid.substr(0, 24)}) {
    write_test_file(file, content);
    EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "refs/heads/broken"))
        << content;
  }
  std::filesystem::remove(file);
  std::filesystem::create_symlink("nowhere", file);
  EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "refs/heads/broken"));
  std::filesystem::remove(file);
  EXPECT_THAT(snapshot_of(git.path()), IsOk());
  write_test_file(git.git_dir() + "/refs/heads/main (copy)", kAbsentOid + "\n");
  EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "main (copy)"));
}

TEST(RefFilesTest, BrokenPackedRefsHeadsAndBoundariesAreErrors) {
  GitFixture git;
  const GitOid first = git.commit("first");
  const std::string packed = git.git_dir() + "/packed-refs";
  for (const std::string content : {"short refs/heads/x\n", "no", "\x01\n"}) {
    write_test_file(packed, content);
    EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "packed-refs"));
  }
  write_test_file(packed, first.to_hex() + " refs/heads/a..b\n");
  EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "refs/heads/a..b"));
  write_test_file(packed, first.to_hex() + " refs/heads/cut-o");
  EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "packed-refs"));
  write_test_file(packed, "# pack-refs with: peeled\n" + first.to_hex() + " refs/tags/v\n^" +
                              first.to_hex() + "\n");
  EXPECT_THAT(snapshot_of(git.path()), IsOk());
  write_test_file(git.git_dir() + "/shallow", "what\n");
  EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "shallow"));
  std::filesystem::remove(git.git_dir() + "/shallow");
  write_test_file(git.git_dir() + "/HEAD", "nonsense\n");
  EXPECT_THAT(snapshot_of(git.path()), FailsWith(ErrorCode::kIncomplete, "HEAD"));
}

TEST(RefFilesTest, AShallowCloneTellsItsBoundary) {
  GitFixture git;
  git.commit("first");
  const GitOid second = git.commit("second");
  ASSERT_OK_AND_ASSIGN(snapshot, snapshot_of(git.clone("shallow", {"--depth=1"})));
  EXPECT_THAT(snapshot.shallow, ElementsAre(second));
}

TEST(RefFilesTest, NamesAreJudgedAsGitJudgesThem) {
  for (const std::string_view good :
       {"refs/a", "refs/heads/x", "refs/heads/\xff", "refs/heads/@", "refs/heads/a{b", "refs/-"}) {
    EXPECT_TRUE(check_ref_name(good)) << good;
  }
  for (const std::string_view bad :
       {"",         "refs",      "refs/",     "heads/x",  "refs//x",     "refs/x/",
        "refs/.x",  "refs/x/.y", "refs/a..b", "refs/a.",  "refs/a.lock", "refs/a.lock/b",
        "refs/a b", "refs/a~",   "refs/a^",   "refs/a:",  "refs/a?",     "refs/a*",
        "refs/a[",  "refs/a\\",  "refs/a@{b", "refs/a\n", "refs/a\x7f"}) {
    EXPECT_FALSE(check_ref_name(bad)) << bad;
  }
}

}  // namespace
}  // namespace bale
