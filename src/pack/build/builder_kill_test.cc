// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A process that builds is killed, at chosen and at random moments: all it may leave is the pack's
// `.part`, which the next build takes over. And however long it builds, few descriptors are open.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bale/pack_builder.h"
#include "bale/pack_verifier.h"
#include "base/try.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/pack_fixture.h"
#include "testing/temp_directory.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

constexpr std::uint64_t kKilledObjectCount = 20'000;  // enough to spill, with the least memory

PackBuilderOptions small_options() {
  PackBuilderOptions options = test_options();
  options.compress = false;
  options.work.memory_bytes = smallest_build_memory_bytes(options);
  return options;
}

Result<PackSummary> build(PackBuilder& builder) {
  const ByteVector payload = noise(40, 1);
  for (std::uint64_t i = 0; i < kKilledObjectCount; ++i) {
    TRY(builder.add(test_id(IdKind::kContentHash, i), ObjectType::kBlob, payload));
  }
  return builder.finish();
}

// Runs `work` in a process of its own, which is killed: by itself, or by a timer after so many
// microseconds.
void run_and_kill(const std::function<void()>& work, useconds_t after_microseconds = 0) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (after_microseconds > 0) ualarm(after_microseconds, 0);
    work();
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(WTERMSIG(status), after_microseconds > 0 ? SIGALRM : SIGKILL);
}

class BuilderKillTest : public testing::Test {
 protected:
  std::vector<std::string> names() {
    const auto names = names_in(posix_file_system(), directory_.path());
    return names ? *names : std::vector<std::string>{"(no directory)"};
  }

  // What a killed build left is either a whole pair, the pack whose index was still to come, or a
  // `.part`; and the next build leaves a whole pair.
  void check_and_build_again() {
    const std::vector<std::string> left = names();
    for (const std::string& name : left) {
      EXPECT_TRUE(name == "a.pack.part" || name == "a.pack" || name == "a.idx") << name;
    }
    const bool has_pack = std::ranges::count(left, "a.pack") > 0;
    const bool has_index = std::ranges::count(left, "a.idx") > 0;
    EXPECT_TRUE(has_pack || !has_index);
    if (has_pack && !has_index) {
      ASSERT_THAT(make_index(path_, {.work = {.sync = false}}), IsOk());
    }
    if (has_pack) {
      ASSERT_OK_AND_ASSIGN(report, verify_pack(path_));
      EXPECT_TRUE(report.ok());
      EXPECT_EQ(report.objects, kKilledObjectCount);
    }
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(path_, small_options()));
    ASSERT_THAT(build(builder), IsOk());
    EXPECT_THAT(names(), testing::ElementsAre("a.idx", "a.pack"));
    std::filesystem::remove(path_);
    std::filesystem::remove(directory_ / "a.idx");
  }

  TempDirectory directory_;
  const std::string path_ = directory_ / "a.pack";
};

TEST_F(BuilderKillTest, KilledWhileAddingItLeavesAtMostThePart) {
  for (const std::uint64_t at : {std::uint64_t{0}, std::uint64_t{9'000}, kKilledObjectCount - 1}) {
    run_and_kill([&] {
      PackBuilderOptions options = small_options();
      options.on_entry = [at](const EntryPosition& position) -> Result<void> {
        if (position.ordinal == at) raise(SIGKILL);
        return {};
      };
      auto builder = PackBuilder::create(path_, options);
      if (builder) static_cast<void>(build(*builder).has_value());
    });
    EXPECT_THAT(names(), testing::ElementsAre("a.pack.part"));
    check_and_build_again();
  }
}

TEST_F(BuilderKillTest, KilledAfterAnyOperationOfFinishItLeavesAtMostThePart) {
  // The operation fails and the process ends before anybody could clean up.
  const auto killed_at = [&](std::uint64_t n) {
    bool fired = false;
    run_and_kill([&] {
      FaultyFileSystem files(posix_file_system());
      files.inject(
          {.operation = n,
           .kinds = io_kinds({IoKind::kCreateUnnamed, IoKind::kLinkUnnamed, IoKind::kRename,
                              IoKind::kSync, IoKind::kSyncDirectory, IoKind::kStat}),
           .forever = true});
      PackBuilderOptions options = small_options();
      options.work.sync = true;
      options.work.file_system = &files;
      auto builder = PackBuilder::create(path_, options);
      if (!builder || !build(*builder)) raise(SIGKILL);
      // No operation was left to fail.
      static_cast<void>(write_file(posix_file_system(), directory_ / "done", {}).has_value());
    });
    fired = !std::filesystem::exists(directory_ / "done");
    std::filesystem::remove(directory_ / "done");
    return fired;
  };
  std::uint64_t n = 0;
  while (killed_at(n++)) {
    check_and_build_again();
    ASSERT_LT(n, 50u);
  }
  EXPECT_GT(n, 8u);
}

TEST_F(BuilderKillTest, KilledAtRandomMomentsItLeavesAtMostThePart) {
  TestRandom random(1);
  for (int round = 0; round < 8; ++round) {
    run_and_kill(
        [&] {
          for (;;) {
            auto builder = PackBuilder::create(path_, small_options());
            if (builder) static_cast<void>(build(*builder).has_value());
          }
        },
        static_cast<useconds_t>(500 + random.below(15'000)));
    check_and_build_again();
  }
}

TEST_F(BuilderKillTest, AtMostEightDescriptorsAreOpen) {
  const auto open_descriptors = [] {
    std::ptrdiff_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      static_cast<void>(entry);
      ++count;
    }
    return count - 1;  // of them, the one that reads the directory
  };
  const std::ptrdiff_t before = open_descriptors();
  std::ptrdiff_t most = before;
  FaultyFileSystem files(posix_file_system());
  PackBuilderOptions options = small_options();
  options.work.file_system = &files;
  options.on_entry = [&](const EntryPosition& position) -> Result<void> {
    if (position.ordinal % 1'000 == 0) most = std::max(most, open_descriptors());
    return {};
  };
  {
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(path_, options));
    ASSERT_OK_AND_ASSIGN(base, builder.add(prefixed_id(1), ObjectType::kBlob, {}));
    // More runs than can be merged at once, of entries and of bases.
    for (std::uint64_t i = 0; i < 120'000; ++i) {
      ASSERT_THAT(builder.add_delta(test_id(IdKind::kContentHash, i), base, 1,
                                    ByteVector{std::byte{0}, std::byte{0}}),
                  IsOk());
    }
    ASSERT_THAT(builder.finish(), IsOk());
  }
  EXPECT_LE(most - before, 8);
  EXPECT_GE(most - before, 3);  // the pack and two scratch files
  EXPECT_LE(files.peak_open_files(), 8u);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace bale
