// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// An import's summary, and conditions that must not change it.

#include <filesystem>
#include <string>

#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/scoped_variable.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

TEST(GitImportTest, TheSummaryAndTheRecordTellWhatHappened) {
  GitFixture git;
  git.write("a", std::string(1000, 'a'));
  git.commit("first");
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(summary, fixture.import_with(git.path(), {}));
  EXPECT_EQ(summary.archive, "repo");
  EXPECT_EQ(summary.objects, 3u);
  EXPECT_EQ(summary.objects_new, 3u);
  EXPECT_GT(summary.bytes_in, 1000u + 100);
  EXPECT_EQ(summary.pack_bytes, std::filesystem::file_size(fixture.pack_file(".pack")));
  EXPECT_EQ(summary.index_bytes, std::filesystem::file_size(fixture.pack_file(".idx")) +
                                     std::filesystem::file_size(fixture.pack_file(".gitidx")));
  EXPECT_TRUE(fixture.pack_file(".pack").ends_with("/" + summary.pack + ".pack"));
  EXPECT_GT(summary.children_peak_rss_bytes, 100'000u);
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(newest, fixture.store().snapshot().record("repo", 0, context));
  EXPECT_EQ(newest.id, summary.record);
  EXPECT_EQ(newest.record.archive, "repo");
  EXPECT_EQ(newest.record.kind, RecordKind::kGit);
  EXPECT_EQ(newest.record.hash, GitHash::kSha1);
  EXPECT_EQ(newest.record.source, std::filesystem::canonical(git.git_dir()));
  EXPECT_EQ(newest.record.head, "ref: refs/heads/main");
  EXPECT_EQ(newest.record.refs,
            (std::map<std::string, GitOid>{{"refs/heads/main", git.oid("HEAD")}}));
  EXPECT_EQ(newest.record.objects, 3u);
  EXPECT_EQ(newest.record.bytes, summary.bytes_in);
  EXPECT_FALSE(newest.record.version.empty());
  EXPECT_FALSE(newest.record.previous.has_value());
}

TEST(GitImportTest, EveryLevelGivesTheSameObjects) {
  GitFixture git;
  git.write("a", std::string(3000, 'a') + random_text(3000, 1) + std::string(3000, 'a'));
  git.commit("first");
  const RepositoryState state = describe_repository(git, git.path());
  for (const int level : {1, 9, 19}) {
    StoreFixture fixture;
    ASSERT_THAT(fixture.import_with(git.path(), {.name = "x", .level = level}), IsOk());
    ASSERT_OK_AND_ASSIGN(exported, fixture.export_git("x"));
    EXPECT_EQ(describe_repository(git, exported), state);
  }
}

TEST(GitImportTest, TheCallersEnvironmentChangesNothing) {
  GitFixture git;
  git.write("a", "1");
  git.commit("first");
  git.run(
      {"replace", git.oid("HEAD").to_hex(), git.run({"commit-tree", "-m", "x", "HEAD^{tree}"})});
  const RepositoryState state = describe_repository(git, git.path());
  GitFixture elsewhere;
  elsewhere.write("b", "2");
  elsewhere.commit("elsewhere");
  StoreFixture fixture;
  std::string exported;
  const std::string marker = git.beside("marker");
  {
    const ScopedVariable variables[] = {
        {"GIT_DIR", elsewhere.git_dir()},
        {"GIT_WORK_TREE", elsewhere.path()},
        {"GIT_COMMON_DIR", elsewhere.git_dir()},
        {"GIT_OBJECT_DIRECTORY", elsewhere.git_dir() + "/objects"},
        {"GIT_ALTERNATE_OBJECT_DIRECTORIES", elsewhere.git_dir() + "/objects"},
        {"GIT_INDEX_FILE", "/nonexistent"},
        {"GIT_SHALLOW_FILE", "/nonexistent"},
        {"GIT_GRAFT_FILE", "/nonexistent"},
        {"GIT_REPLACE_REF_BASE", "refs/heads/"},
        {"GIT_NAMESPACE", "elsewhere"},
        {"GIT_CONFIG_PARAMETERS", "nonsense"},
        {"GIT_CONFIG_COUNT", "1"},
        {"GIT_CONFIG_KEY_0", "core.fsmonitor"},
        {"GIT_CONFIG_VALUE_0", "touch " + marker},
        {"GIT_TRACE", marker},
        {"GIT_TRACE_PACKFILE", marker},
        {"GIT_EXEC_PATH", "/nonexistent"},
        {"GIT_DEFAULT_HASH", "sha256"},
        {"GIT_QUARANTINE_PATH", "/nonexistent"},
        {"GIT_LITERAL_PATHSPECS", "1"},
        {"HOME", elsewhere.path()},
    };
    ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
    ASSERT_OK_AND_ASSIGN(path, fixture.export_git("x"));
    exported = path;
  }
  EXPECT_EQ(describe_repository(git, exported), state);
  EXPECT_EQ(fixture.record("x").objects, 4u);
  EXPECT_FALSE(std::filesystem::exists(marker));
}

TEST(GitImportTest, HooksAndConfigurationOfTheSourceAreNotObeyed) {
  GitFixture git;
  git.write("a", "1");
  git.commit("first");
  const std::string marker = git.beside("marker");
  for (const std::string hook : {"post-index-change", "reference-transaction", "pre-auto-gc"}) {
    write_test_file(git.git_dir() + "/hooks/" + hook, "#!/bin/sh\ntouch " + marker + "\n");
    std::filesystem::permissions(git.git_dir() + "/hooks/" + hook,
                                 std::filesystem::perms::owner_all);
  }
  for (const std::string key : {"core.fsmonitor", "core.sshCommand", "core.alternateRefsCommand",
                                "uploadpack.packObjectsHook", "alias.rev-list"}) {
    git.run({"config", key, "!touch " + marker});
  }
  write_test_file(git.git_dir() + "/config",
                  read_test_file(git.git_dir() + "/config") +
                      "[include]\n\tpath = /nonexistent\n[core]\n\tabbrev = no\n");
  StoreFixture fixture;
  ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
  EXPECT_FALSE(std::filesystem::exists(marker));
}

}  // namespace
}  // namespace bale
