// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/source/source.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/scoped_variable.h"

namespace bale {
namespace {

// Lists on one thread, reads on another, as an import does; ids with their types.
Result<std::map<GitOid, ObjectType>> read_all_objects(GitSource& source,
                                                      const ListRequest& request) {
  Result<std::unique_ptr<ObjectReader>> reader = source.start_reader();
  if (!reader) return reader.error();
  Result<void> listed;
  std::thread lister([&] {
    listed = source.list_objects(request, [&](const ListedObject& object) -> Result<void> {
      if (object.missing) return {};
      return (*reader)->request(object.oid);
    });
    EXPECT_THAT((*reader)->finish_requests(), IsOk());
  });
  std::map<GitOid, ObjectType> objects;
  std::optional<Error> failure;
  std::string payload;
  while (!failure) {
    const Result<std::optional<SourceObject>> object = (*reader)->next();
    if (!object) {
      failure = object.error();
    } else if (!*object) {
      break;
    } else {
      payload.resize((*object)->size);
      EXPECT_THAT((*reader)->read_all(std::as_writable_bytes(std::span(payload))), IsOk());
      EXPECT_EQ(git_oid(source.hash(), (*object)->type, as_bytes(payload)), (*object)->oid);
      objects.emplace((*object)->oid, (*object)->type);
    }
  }
  lister.join();
  if (failure) return *failure;
  if (!listed) return listed.error();
  return objects;
}

std::vector<GitOid> tips(const RefSnapshot& refs) {
  std::vector<GitOid> oids;
  RefList::Reader reader(refs.refs);
  for (auto ref = reader.next(); ref && *ref; ref = reader.next()) oids.push_back(*(*ref)->oid);
  return oids;
}

TEST(GitSourceTest, GivesEveryObjectByteForByte) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    GitFixture git(hash);
    for (int i = 0; i < 8; ++i) {
      git.write("file" + std::to_string(i % 3), std::string(10'000, static_cast<char>('a' + i)));
      git.commit("commit " + std::to_string(i));
    }
    git.tag("v1", git.oid("HEAD"));
    git.run({"gc", "--quiet"});
    git.write("loose", "not packed");
    git.commit("loose");
    const Operation operation;
    Result<GitSource> source = GitSource::open(git.path(), operation);
    ASSERT_THAT(source, IsOk());
    EXPECT_EQ(source->hash(), hash);
    EXPECT_EQ(source->path(), std::filesystem::canonical(git.git_dir()));
    const Result<RefSnapshot> refs = source->refs();
    ASSERT_THAT(refs, IsOk());
    const auto objects = read_all_objects(*source, {.include = tips(*refs)});
    ASSERT_THAT(objects, IsOk());
    EXPECT_EQ(objects->size(), 9u * 2 + 9 + 1);
    EXPECT_GT(source->children_peak_rss_bytes(), 100'000u);
  }
}

TEST(GitSourceTest, TheCallersEnvironmentChangesNothing) {
  GitFixture git;
  git.write("a", "1");
  const GitOid head = git.commit("first");
  const std::string marker = git.beside("marker");
  write_test_file(git.beside("config"), "[core]\n\trepositoryformatversion = 9\n[broken");
  const ScopedVariable variables[] = {
      {"GIT_DIR", "/nonexistent"},
      {"GIT_COMMON_DIR", "/nonexistent"},
      {"GIT_INDEX_FILE", "/nonexistent"},
      {"GIT_OBJECT_DIRECTORY", "/nonexistent"},
      {"GIT_SHALLOW_FILE", "/nonexistent"},
      {"GIT_GRAFT_FILE", "/nonexistent"},
      {"GIT_NAMESPACE", "elsewhere"},
      {"GIT_CONFIG_GLOBAL", git.beside("config")},
      {"GIT_CONFIG_SYSTEM", git.beside("config")},
      {"GIT_CONFIG_PARAMETERS", "nonsense"},
      {"GIT_CONFIG_COUNT", "nonsense"},
      {"GIT_TRACE", marker},
      {"GIT_TRACE2_EVENT", marker},
      {"GIT_EXEC_PATH", "/nonexistent"},
      {"GIT_CEILING_DIRECTORIES", git.path()},
      {"GIT_DEFAULT_HASH", "sha256"},
      {"HOME", git.path()},
      {"PATH", ".:" + std::string(std::getenv("PATH"))},
  };
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(source, GitSource::open(git.path(), operation));
  ASSERT_OK_AND_ASSIGN(refs, source.refs());
  EXPECT_EQ(refs.head_oid, head);
  ASSERT_OK_AND_ASSIGN(objects, read_all_objects(source, {.include = tips(refs)}));
  EXPECT_EQ(objects.size(), 3u);
  EXPECT_FALSE(std::filesystem::exists(marker));
}

TEST(GitSourceTest, TheSourceIsNotWrittenTo) {
  GitFixture git;
  git.write("a", "1");
  git.commit("first");
  const auto state = [&] {
    std::map<std::string, std::filesystem::file_time_type> times;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(git.path())) {
      times.emplace(entry.path().string(), entry.last_write_time());
    }
    return times;
  };
  const auto before = state();
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(source, GitSource::open(git.path(), operation));
  ASSERT_OK_AND_ASSIGN(refs, source.refs());
  ASSERT_THAT(read_all_objects(source, {.include = tips(refs), .exclude = {}, .all_objects = true}),
              IsOk());
  EXPECT_EQ(state(), before);
}

TEST(GitSourceTest, LeavesNoScratchBehindAlsoAfterErrors) {
  GitFixture git;
  git.commit("first");
  const std::string temporary = git.beside("tmp");
  std::filesystem::create_directory(temporary);
  const ScopedVariable variable("TMPDIR", temporary);
  const Operation operation;
  {
    ASSERT_OK_AND_ASSIGN(source, GitSource::open(git.path(), operation));
    EXPECT_FALSE(std::filesystem::is_empty(temporary));
    for (const auto& entry : std::filesystem::directory_iterator(temporary)) {
      EXPECT_EQ(entry.status().permissions(), std::filesystem::perms::owner_all);
    }
    ASSERT_THAT(source.start_reader(), IsOk());
  }
  EXPECT_TRUE(std::filesystem::is_empty(temporary));
  write_test_file(git.git_dir() + "/shallow", "broken\n");
  EXPECT_THAT(GitSource::open(git.path(), operation), FailsWith(ErrorCode::kIncomplete));
  write_test_file(git.git_dir() + "/config", "[broken\n");
  EXPECT_THAT(GitSource::open(git.path(), operation), FailsWith(ErrorCode::kIncomplete));
  EXPECT_TRUE(std::filesystem::is_empty(temporary));
}

TEST(GitSourceTest, SaysSoWhereGitIsNotInstalled) {
  GitFixture git;
  git.commit("first");
  for (const std::string path : {"/nonexistent", "", "relative"}) {
    const ScopedVariable variable("PATH", path);
    const Operation operation;
    EXPECT_THAT(GitSource::open(git.path(), operation),
                FailsWith(ErrorCode::kIo, "git is not installed or not on PATH"));
  }
}

TEST(GitSourceTest, TheBoundaryOfTheLastSnapshotCounts) {
  GitFixture git;
  git.commit("first");
  git.commit("second");
  const std::string shallow = git.clone("shallow", {"--depth=1"});
  const Operation operation;
  ASSERT_OK_AND_ASSIGN(source, GitSource::open(shallow, operation));
  ASSERT_OK_AND_ASSIGN(before, source.refs());
  ASSERT_OK_AND_ASSIGN(cut, read_all_objects(source, {.include = tips(before)}));
  EXPECT_EQ(cut.size(), 2u);
  git.run_in(shallow, {"fetch", "--quiet", "--unshallow"});
  ASSERT_OK_AND_ASSIGN(after, source.refs());
  EXPECT_TRUE(after.shallow.empty());
  ASSERT_OK_AND_ASSIGN(whole, read_all_objects(source, {.include = tips(after)}));
  EXPECT_EQ(whole.size(), 3u);
}

TEST(GitSourceTest, CancellationBeforeOpeningIsNoticed) {
  GitFixture git;
  const std::atomic<bool> cancel = true;
  const Operation operation{.report = {}, .cancel = &cancel};
  EXPECT_THAT(GitSource::open(git.path(), operation), FailsWith(ErrorCode::kInterrupted));
}

}  // namespace
}  // namespace bale
