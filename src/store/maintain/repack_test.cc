// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Repacking: what is stored stays the same, in fewer packs.

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bale/store_repack.h"
#include "base/memory_size.h"
#include "store/core/staged_pack.h"
#include "store/core/store_impl.h"
#include "store/maintain/pack_walk.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

RepackOptions quick_repack(RepackOptions options = {}) {
  options.work.sync = false;
  return options;
}

// Three imports into two archives, one of them with an object above a frame.
class RepackTest : public testing::Test {
 protected:
  RepackTest() {
    for (int i = 0; i < 3; ++i) {
      grow(i);
      const std::string name = i == 1 ? "b" : "a";
      EXPECT_THAT(fixture_.import(git_.path(), name), IsOk());
      imported_[name] = describe_repository(git_, git_.path());
    }
  }

  void grow(int step) {
    text_ += random_text(2000, static_cast<std::uint64_t>(step));
    git_.write("src/text", text_);
    git_.write("large", random_text((1 << 20) + 10, 99));
    git_.write("file" + std::to_string(step), std::to_string(step));
    git_.commit("step " + std::to_string(step));
  }

  void expect_whole() {
    ASSERT_OK_AND_ASSIGN(report, fixture_.verify());
    EXPECT_THAT(report.errors, testing::IsEmpty());
    for (const auto& [name, state] : imported_) {
      ASSERT_OK_AND_ASSIGN(exported, fixture_.export_git(name));
      EXPECT_EQ(describe_repository(git_, exported), state);
    }
  }

  [[nodiscard]] std::size_t pack_files() const {
    std::size_t count = 0;
    for (const auto& [name, content] : fixture_.files()) count += name.ends_with(".pack") ? 1U : 0U;
    return count;
  }

  // Of each pack: its payloads, as they are stored.
  [[nodiscard]] std::vector<std::uint64_t> stored_bytes_of_packs() {
    std::vector<std::uint64_t> sizes;
    const Operation operation;
    for (const std::uint32_t number : packs_of(fixture_.store())->numbers()) {
      PackWalk walk = PackWalk::create(fixture_.store(), number,
                                       {.memory_bytes = kMinPackWalkBytes,
                                        .scratch_directory = fixture_.path() + "/staging",
                                        .operation = &operation})
                          .value();
      sizes.push_back(0);
      while (const auto entry = walk.next().value()) sizes.back() += entry->stored.stored_size;
    }
    return sizes;
  }

  GitFixture git_;
  std::string text_;
  StoreFixture fixture_;
  std::map<std::string, RepositoryState> imported_;  // by archive
};

// What repack says in advance: it does not know the headers and trailers of packs and indexes.
void expect_near(std::uint64_t said, std::uint64_t done) {
  EXPECT_NEAR(static_cast<double>(said), static_cast<double>(done), 5'000);
}

TEST_F(RepackTest, ManyPacksBecomeOneWithAllThatWasInThem) {
  ASSERT_OK_AND_ASSIGN(summary, repack_store(fixture_.store(), quick_repack()));
  EXPECT_EQ(summary.packs_before, 3u);
  EXPECT_EQ(summary.packs_after, 1u);
  EXPECT_EQ(summary.duplicates, 0u);
  EXPECT_EQ(pack_files(), 1u);
  EXPECT_EQ(fixture_.newest_pack()->entry_count(), summary.objects);
  expect_whole();
  ASSERT_OK_AND_ASSIGN(again, repack_store(fixture_.store(), quick_repack()));
  EXPECT_EQ(again.bytes_before, 0u);
  EXPECT_EQ(again.packs_after, 1u);
}

TEST_F(RepackTest, ADryRunSaysTheSameAndChangesNothing) {
  const auto before = fixture_.files();
  ASSERT_OK_AND_ASSIGN(said, repack_store(fixture_.store(), quick_repack({.dry_run = true})));
  EXPECT_EQ(fixture_.files(), before);
  ASSERT_OK_AND_ASSIGN(done, repack_store(fixture_.store(), quick_repack()));
  EXPECT_EQ(said.objects, done.objects);
  EXPECT_EQ(said.packs_after, done.packs_after);
  EXPECT_EQ(said.bytes_before, done.bytes_before);
  EXPECT_GT(done.bytes_after, 1u << 20);
  expect_near(said.bytes_after, done.bytes_after);
  // What compression will save is not known.
  ASSERT_OK_AND_ASSIGN(
      unknown, repack_store(fixture_.store(), quick_repack({.recompress = true, .dry_run = true})));
  EXPECT_EQ(unknown.bytes_after, 0u);
}

TEST_F(RepackTest, WhatTwoImportsBroughtIsThereOnceAfterwards) {
  // As two imports at once bring the same: a second store's pack beside the first's.
  StoreFixture other;
  ASSERT_THAT(other.import(git_.path(), "a"), IsOk());
  for (const bool find_bases : {false, true}) {
    for (const auto& entry : fs::directory_iterator(other.path() + "/packs")) {
      fs::copy(entry.path(), fixture_.path() + "/packs/" + entry.path().filename().string());
    }
    RepackOptions options = quick_repack({.find_bases = find_bases, .dry_run = true});
    ASSERT_OK_AND_ASSIGN(said, repack_store(fixture_.store(), options));
    options.dry_run = false;
    ASSERT_OK_AND_ASSIGN(summary, repack_store(fixture_.store(), options));
    EXPECT_GT(summary.duplicates, 5u);
    EXPECT_EQ(said.objects, summary.objects);
    EXPECT_EQ(said.duplicates, summary.duplicates);
    EXPECT_GT(summary.bytes_before - summary.bytes_after, 1u << 20);
    // What compression will save is not known.
    if (find_bases) {
      EXPECT_EQ(said.bytes_after, 0u);
    } else {
      expect_near(said.bytes_after, summary.bytes_after);
    }
    expect_whole();
    const auto pack = fixture_.newest_pack();
    EXPECT_EQ(pack->entry_count(), pack->record_count());
  }
}

TEST_F(RepackTest, PacksAreNoLargerThanAllowed) {
  constexpr std::uint64_t kMost = 25'000;
  for (std::uint64_t i = 0; i < 100; ++i) {
    git_.write("many/" + std::to_string(i), random_text(1'000, 1'000 + i));
  }
  git_.commit("a hundred files");
  ASSERT_THAT(fixture_.import(git_.path(), "a"), IsOk());
  imported_["a"] = describe_repository(git_, git_.path());
  for (const bool find_bases : {false, true}) {
    ASSERT_OK_AND_ASSIGN(
        summary,
        repack_store(
            fixture_.store(),
            quick_repack({.max_pack_bytes = kMost, .recompress = true, .find_bases = find_bases})));
    expect_whole();
    const std::vector<std::uint64_t> sizes = stored_bytes_of_packs();
    EXPECT_EQ(summary.packs_after, sizes.size());
    EXPECT_THAT(sizes.size(), testing::AllOf(testing::Ge(6u), testing::Le(7u)));
    // The object of 1 MiB has a pack of its own.
    EXPECT_THAT(sizes, testing::Contains(testing::Gt(kMost)).Times(1));
    EXPECT_THAT(sizes, testing::Contains(testing::Gt((1u << 20) + 1'000u)).Times(0));
  }
}

TEST_F(RepackTest, ADryRunSaysHowManyPacksAreMade) {
  StoreFixture fixture;
  GitFixture git;
  for (int import = 0; import < 2; ++import) {
    for (std::uint64_t i = 0; i < 30; ++i) {
      git.write(std::to_string(import) + "/" + std::to_string(i),
                random_text(1'000, static_cast<std::uint64_t>(import) * 100 + i));
    }
    git.commit("commit");
    ASSERT_THAT(fixture.import(git.path(), "a"), IsOk());
  }
  RepackOptions options = quick_repack({.max_pack_bytes = 45'000, .dry_run = true});
  ASSERT_OK_AND_ASSIGN(said, repack_store(fixture.store(), options));
  options.dry_run = false;
  ASSERT_OK_AND_ASSIGN(done, repack_store(fixture.store(), options));
  EXPECT_EQ(done.packs_before, 2u);
  EXPECT_EQ(said.packs_before, 2u);
  EXPECT_EQ(done.packs_after, 2u);
  EXPECT_EQ(said.packs_after, 2u);
  EXPECT_EQ(done.packs_made.size(), 2u);
}

// Three quarters of what is allowed is nearly as large.
TEST_F(RepackTest, APackThatIsNearlyAsLargeAsAllowedIsLeftAlone) {
  std::uint64_t large = 0;  // the pack of the first import
  for (const std::uint32_t number : packs_of(fixture_.store())->numbers()) {
    large = std::max(large, fs::file_size(fixture_.path() + "/packs/" +
                                          fixture_.store().snapshot().pack_name(number) + ".pack"));
  }
  for (const bool left : {true, false}) {
    const std::uint64_t most = left ? (large - 1) / 3 * 4 : (large + 2) / 3 * 4;
    ASSERT_OK_AND_ASSIGN(
        said,
        repack_store(fixture_.store(), quick_repack({.max_pack_bytes = most, .dry_run = true})));
    EXPECT_EQ(said.packs_before, 3u);
    EXPECT_EQ(said.packs_after, left ? 2u : 1u);
  }
}

// A copy of all objects, in a pack that stays, takes none of them out of the packs that are copied.
TEST_F(RepackTest, WhatAPackThatStaysHasIsCopiedAllTheSame) {
  StoreFixture other;
  ASSERT_THAT(other.import(git_.path(), "a"), IsOk());
  for (const auto& entry : fs::directory_iterator(other.path() + "/packs")) {
    fs::copy(entry.path(), fixture_.path() + "/packs/" + entry.path().filename().string());
  }
  const RepackOptions options = quick_repack({.max_pack_bytes = 1 << 20});
  ASSERT_OK_AND_ASSIGN(summary, repack_store(fixture_.store(), options));
  EXPECT_EQ(summary.packs_before, 4u);
  EXPECT_EQ(summary.packs_after, 3u);
  EXPECT_EQ(summary.duplicates, 0u);
  expect_whole();
}

TEST_F(RepackTest, EverythingCanBeCompressedAnew) {
  for (const bool find_bases : {false, true}) {
    ASSERT_OK_AND_ASSIGN(
        summary,
        repack_store(fixture_.store(),
                     quick_repack({.recompress = true, .find_bases = find_bases, .level = 9})));
    EXPECT_EQ(summary.packs_after, 1u);
    expect_whole();
  }
  // The growing text is one whole object and deltas on it.
  ReadContext context;
  int deltas = 0;
  for (const std::string revision : {"HEAD", "HEAD~1", "HEAD~2"}) {
    const auto where = fixture_.store().snapshot().find(git_.oid(revision + ":src/text"));
    ASSERT_TRUE(where);
    ASSERT_OK_AND_ASSIGN(info, fixture_.store().snapshot().info(*where, context));
    deltas += info.base ? 1 : 0;
  }
  EXPECT_EQ(deltas, 2);
}

TEST_F(RepackTest, AMalformedTreeIsCopiedAndGivesNoHints) {
  const GitOid named = git_.oid("HEAD:src/text");
  const std::string tree =
      "100644 text" + std::string(1, '\0') + std::string(as_text(named.bytes())) + "100644 cut off";
  const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kTree, as_bytes(tree));
  ASSERT_OK_AND_ASSIGN(staged,
                       StagedPack::create(fixture_.store(), GitHash::kSha1, {.sync = false}));
  ASSERT_THAT(staged->add(oid, ObjectType::kTree, as_bytes(tree)), IsOk());
  ASSERT_THAT(staged->install(), IsOk());
  ASSERT_THAT(fixture_.store().refresh(), IsOk());
  ASSERT_OK_AND_ASSIGN(summary, repack_store(fixture_.store(), quick_repack({.find_bases = true})));
  EXPECT_EQ(summary.packs_after, 1u);
  const auto where = fixture_.store().snapshot().find(oid);
  ASSERT_TRUE(where);
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(copied, fixture_.store().snapshot().get(*where, context, oid));
  EXPECT_EQ(as_text(copied.payload), tree);
  expect_whole();
}

TEST_F(RepackTest, BothKindsOfGitIdsKeepPacksOfTheirOwn) {
  GitFixture sha256(GitHash::kSha256);
  for (int i = 0; i < 2; ++i) {
    sha256.write("file", "content " + std::to_string(i));
    sha256.write("also in the other", text_);  // one blob, known by an id of each kind
    sha256.commit("commit");
    ASSERT_THAT(fixture_.import(sha256.path(), "c"), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(summary, repack_store(fixture_.store(), quick_repack()));
  EXPECT_EQ(summary.packs_after, 2u);
  expect_whole();
  ASSERT_OK_AND_ASSIGN(exported, fixture_.export_git("c"));
  EXPECT_EQ(describe_repository(sha256, exported), describe_repository(sha256, sha256.path()));
}

TEST_F(RepackTest, ADamagedPackIsLeftAloneAndNothingInItCountsAsStored) {
  // The damaged pack has copies of all objects of the others.
  StoreFixture other;
  ASSERT_THAT(other.import(git_.path(), "a"), IsOk());
  const std::string damaged = fs::path(other.pack_file(".pack")).filename().string();
  for (const auto& entry : fs::directory_iterator(other.path() + "/packs")) {
    fs::copy(entry.path(), fixture_.path() + "/packs/" + entry.path().filename().string());
  }
  flip_byte(fixture_.path() + "/packs/" + damaged, 1000);
  ASSERT_OK_AND_ASSIGN(summary, repack_store(fixture_.store(), quick_repack()));
  ASSERT_EQ(summary.damaged.size(), 1u);
  EXPECT_THAT(summary.damaged[0].message, testing::HasSubstr(damaged));
  EXPECT_TRUE(fs::exists(fixture_.path() + "/packs/" + damaged));
  for (const char* suffix : {".pack", ".idx", ".gitidx"}) {
    const std::string stem = damaged.substr(0, damaged.size() - 5);
    fs::remove(fixture_.path() + "/packs/" + stem + suffix);
  }
  ASSERT_THAT(fixture_.store().refresh(), IsOk());
  expect_whole();
}

TEST_F(RepackTest, ReadersGoOnInWhatTheyHaveOpen) {
  const Store reader = fixture_.reopened();
  const auto where = reader.snapshot().find(git_.oid("HEAD:src/text"));
  ASSERT_TRUE(where);
  ASSERT_THAT(repack_store(fixture_.store(), quick_repack()), IsOk());
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(view, reader.snapshot().get(*where, context));
  EXPECT_EQ(as_text(view.payload), text_);
}

TEST_F(RepackTest, CancelledAtAnyMomentItLeavesEverythingAsItWas) {
  std::set<std::string> phases;
  bool done = false;
  for (int stop_at = 1; !done; ++stop_at) {
    std::atomic<bool> cancel = false;
    int calls = 0;
    RepackOptions options = quick_repack();
    options.work.operation.cancel = &cancel;
    options.work.operation.report = [&](const Progress& at) {
      phases.insert(std::string(at.phase));
      if (++calls == stop_at) cancel = true;
    };
    const Result<RepackSummary> summary = repack_store(fixture_.store(), options);
    done = calls < stop_at;
    if (!summary) {
      EXPECT_THAT(summary, FailsWith(ErrorCode::kInterrupted));
    }
    ASSERT_OK_AND_ASSIGN(report, fixture_.verify({.quick = true}));
    EXPECT_THAT(report.errors, testing::IsEmpty());
    stop_at += stop_at / 8;
  }
  EXPECT_TRUE(phases.contains("copying objects"));
  expect_whole();
}

TEST_F(RepackTest, CountsOfLaterImportsStayExact) {
  ASSERT_THAT(repack_store(fixture_.store(), quick_repack()), IsOk());
  grow(7);
  ASSERT_OK_AND_ASSIGN(summary, fixture_.import(git_.path(), "a"));
  StoreFixture fresh;
  ASSERT_OK_AND_ASSIGN(first, fresh.import(git_.path(), "a"));
  EXPECT_EQ(summary.objects, first.objects);
}

TEST_F(RepackTest, TooLittleMemoryAndOddLevelsAreRefusedWithWhatWouldDo) {
  for (const int level : {0, 23}) {
    EXPECT_THAT(repack_store(fixture_.store(), quick_repack({.level = level})),
                FailsWith(ErrorCode::kInvalidArgument, "1 to 22"));
  }
  EXPECT_THAT(
      repack_store(fixture_.store(), quick_repack({.level = 22, .work = {.memory_bytes = 1}})),
      FailsWith(ErrorCode::kInvalidArgument, "of memory"));
  for (RepackOptions options : {quick_repack(), quick_repack({.recompress = true, .level = 1}),
                                quick_repack({.find_bases = true, .level = 1})}) {
    const std::uint64_t least = smallest_repack_memory_bytes(options);
    options.work.memory_bytes = least - 1;
    EXPECT_THAT(repack_store(fixture_.store(), options),
                FailsWith(ErrorCode::kInvalidArgument, memory_size(least)));
    options.work.memory_bytes = least;
    EXPECT_THAT(repack_store(fixture_.store(), options), IsOk());
    EXPECT_GE(full_search_repack_memory_bytes(options), least);
  }
  EXPECT_EQ(smallest_repack_memory_bytes({.recompress = true}),
            smallest_repack_memory_bytes({.find_bases = true}));
  EXPECT_GT(smallest_repack_memory_bytes({.recompress = true}), smallest_repack_memory_bytes({}));
}

}  // namespace
}  // namespace bale
