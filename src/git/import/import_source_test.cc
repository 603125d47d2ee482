// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Two repositories of one name must not silently become one archive; a moved mirror continues.

#include <filesystem>
#include <string>
#include <vector>

#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

class ImportSourceTest : public testing::Test {
 protected:
  ImportSourceTest() {
    git_.write("a", "one");
    git_.commit("first");
    other_.write("b", "two");
    other_.commit("of another repository");
    EXPECT_THAT(fixture_.import(git_.path(), "app"), IsOk());
  }

  void expect_refused(const std::string& path) {
    const auto before = fixture_.files();
    EXPECT_THAT(fixture_.import(path, "app"),
                FailsWithHint(ErrorCode::kInvalidArgument, HintKind::kNameOrNewSource));
    EXPECT_EQ(fixture_.files(), before);
  }

  GitFixture git_;
  GitFixture other_;
  StoreFixture fixture_;
};

TEST_F(ImportSourceTest, AnotherRepositoryIsRefusedUnlessItIsSaidToBeTheSource) {
  expect_refused(other_.path());
  GitFixture sha256(GitHash::kSha256);
  sha256.write("a", "one");
  sha256.commit("first");
  expect_refused(sha256.path());
  GitFixture empty;
  expect_refused(empty.path());

  ASSERT_OK_AND_ASSIGN(taken,
                       fixture_.import_with(other_.path(), {.name = "app", .new_source = true}));
  EXPECT_EQ(taken.objects, 3u);
  EXPECT_EQ(fixture_.record("app").source, other_.git_dir());
  // Now it is the archive's source, and the first is another repository.
  other_.write("b", "three");
  other_.commit("more");
  EXPECT_THAT(fixture_.import(other_.path(), "app"), IsOk());
  expect_refused(git_.path());
  EXPECT_EQ(fixture_.record("app", 2).source, git_.git_dir());
}

TEST_F(ImportSourceTest, AMirrorThatMovedGoesOn) {
  const std::string clone = git_.clone("clone", {"--mirror"});
  ASSERT_OK_AND_ASSIGN(same, fixture_.import(clone, "app"));
  EXPECT_TRUE(same.unchanged);
  git_.write("a", "more");
  git_.commit("second");
  EXPECT_THAT(fixture_.import(git_.path(), "app"), IsOk());
  const std::string moved = git_.beside("moved");
  fs::rename(git_.path(), moved);
  ASSERT_OK_AND_ASSIGN(unchanged, fixture_.import(moved, "app"));
  EXPECT_TRUE(unchanged.unchanged);
  EXPECT_EQ(fixture_.record("app").source, git_.git_dir());
  // The new path is recorded on request, and with the next change.
  ASSERT_OK_AND_ASSIGN(said, fixture_.import_with(moved, {.name = "app", .new_source = true}));
  EXPECT_FALSE(said.unchanged);
  EXPECT_EQ(said.objects_new, 0u);
  EXPECT_EQ(fixture_.record("app").source, moved + "/.git");
}

TEST_F(ImportSourceTest, TagsLeadToCommitsAndOneOfThemIsEnough) {
  GitFixture tagged;
  tagged.write("a", "tagged");
  const GitOid commit = tagged.commit("tagged");
  tagged.tag("outer", tagged.tag("inner", commit));
  tagged.run({"tag", "--delete", "inner"});
  tagged.run({"checkout", "--quiet", "--orphan", "unborn"});
  tagged.run({"branch", "-D", "main"});
  EXPECT_THAT(fixture_.import(tagged.path(), "tagged"), IsOk());
  // A repository with the commit but without the tags.
  const std::string bare = tagged.beside("bare.git");
  tagged.run({"init", "--quiet", "--bare", bare});
  tagged.run({"push", "--quiet", bare, commit.to_hex() + ":refs/heads/main"});
  EXPECT_THAT(fixture_.import(bare, "tagged"), IsOk());
}

TEST_F(ImportSourceTest, WhereARecordHasNoCommitItsOtherTipsCount) {
  for (const std::string type : {"blob", "tree", "tag"}) {
    SCOPED_TRACE(type);
    GitFixture tagged;
    const GitOid blob = tagged.write_blob(type);
    tagged.write("file", type);
    const GitOid tree = tagged.oid(tagged.commit("x").to_hex() + "^{tree}");
    tagged.run({"checkout", "--quiet", "--orphan", "unborn"});
    tagged.run({"branch", "-D", "main"});
    const GitOid tip = type == "blob" ? blob : type == "tree" ? tree : tagged.tag("t", blob);
    if (type != "tag") tagged.run({"update-ref", "refs/tags/t", tip.to_hex()});
    EXPECT_THAT(fixture_.import(tagged.path(), type), IsOk());
    const auto before = fixture_.files();
    EXPECT_THAT(fixture_.import(other_.path(), type),
                FailsWithHint(ErrorCode::kInvalidArgument, HintKind::kNameOrNewSource));
    EXPECT_EQ(fixture_.files(), before);
    const std::string moved = tagged.beside("moved");
    fs::rename(tagged.path(), moved);
    tagged.run_in(moved, {"update-ref", "refs/tags/another", tip.to_hex()});
    EXPECT_THAT(fixture_.import(moved, type), IsOk());
  }
}

TEST_F(ImportSourceTest, AnArchiveWithoutARefTakesAnySource) {
  GitFixture empty;
  EXPECT_THAT(fixture_.import(empty.path(), "new"), IsOk());
  EXPECT_THAT(fixture_.import(other_.path(), "new"), IsOk());
  // If all refs were removed, the last record with refs decides.
  other_.run({"checkout", "--quiet", "--orphan", "unborn"});
  other_.run({"branch", "-D", "main"});
  EXPECT_THAT(fixture_.import(other_.path(), "new"), IsOk());
  EXPECT_TRUE(fixture_.record("new").refs.empty());
  EXPECT_THAT(fixture_.import(git_.path(), "new"), FailsWith(ErrorCode::kInvalidArgument));
}

TEST_F(ImportSourceTest, AtTheSamePathItIsTakenAndToldOf) {
  fs::remove_all(git_.path());
  fs::copy(other_.path(), git_.path(), fs::copy_options::recursive);
  ASSERT_OK_AND_ASSIGN(summary, fixture_.import(git_.path(), "app"));
  EXPECT_TRUE(summary.replaced);
}

}  // namespace
}  // namespace bale
