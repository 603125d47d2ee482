// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/map_guard.h"

#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include "bale/file_system.h"
#include "testing/matchers.h"
#include "testing/temp_directory.h"

namespace bale {
namespace {

constexpr std::size_t kPageBytes = 4096;

/// A file of three pages that is mapped.
class MapGuardTest : public testing::Test {
 protected:
  void SetUp() override {
    install_map_guard();
    file_ = posix_file_system().create(directory_ / "a", CreateMode::kTruncate).value();
    const std::string text(3 * kPageBytes, 'x');
    ASSERT_THAT(file_->write_at(0, as_bytes(text)), IsOk());
    mapping_ = file_->map().value();
  }

  [[nodiscard]] const std::byte* page(std::size_t number) const {
    return mapping_->bytes().data() + number * kPageBytes;
  }

  TempDirectory directory_;
  std::unique_ptr<File> file_;
  std::unique_ptr<Mapping> mapping_;
  std::array<std::byte, kPageBytes> out_{};
};

using MapGuardDeathTest = MapGuardTest;

TEST_F(MapGuardTest, CopiesPagesThatAreThere) {
  ASSERT_TRUE(copy_guarded(out_, page(2)));
  EXPECT_EQ(as_text(out_), std::string(kPageBytes, 'x'));
  EXPECT_TRUE(copy_guarded({}, nullptr));
}

TEST_F(MapGuardTest, AFileCutShortUnderItsMapIsNoticed) {
  ASSERT_THAT(file_->truncate(kPageBytes), IsOk());
  EXPECT_FALSE(copy_guarded(out_, page(1)));
  EXPECT_FALSE(copy_guarded(out_, page(2)));
  EXPECT_TRUE(copy_guarded(out_, page(0)));
}

TEST_F(MapGuardTest, WhatRunsGuardedIsLeftAtTheMissingPage) {
  ASSERT_THAT(file_->truncate(0), IsOk());
  volatile bool went_on = false;
  const volatile std::byte* gone = page(0);
  EXPECT_FALSE(guarded([&] {
    static_cast<void>(*gone);
    went_on = true;
  }));
  EXPECT_FALSE(went_on);
}

TEST_F(MapGuardTest, GuardsMayBeNested) {
  ASSERT_THAT(file_->truncate(0), IsOk());
  volatile bool inner = true;
  EXPECT_FALSE(guarded([&] {
    inner = copy_guarded(out_, page(0));
    const volatile std::byte* gone = page(1);
    static_cast<void>(*gone);
  }));
  EXPECT_FALSE(inner);
}

TEST_F(MapGuardTest, EveryThreadHasItsOwnGuard) {
  ASSERT_THAT(file_->truncate(kPageBytes), IsOk());
  std::thread other([this] {
    std::array<std::byte, 16> out{};
    for (int i = 0; i < 1000; ++i) EXPECT_FALSE(copy_guarded(out, page(1)));
  });
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(copy_guarded(out_, page(0)));
  other.join();
}

TEST_F(MapGuardDeathTest, AnUnguardedReadEndsTheProgramAsEver) {
  ASSERT_THAT(file_->truncate(0), IsOk());
  const volatile std::byte* gone = page(0);
  // A sanitizer's own handler stood there first and exits in its way; both are a death.
  EXPECT_DEATH(static_cast<void>(*gone), "");
  EXPECT_DEATH(static_cast<void>(::raise(SIGBUS)), "");
}

TEST(MapGuardChainDeathTest, AHandlerThatStoodThereBeforeIsCalled) {
  // A new process, where no guard is installed yet.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static_cast<void>(std::signal(SIGBUS, [](int) { ::_exit(7); }));
        install_map_guard();
        static_cast<void>(::raise(SIGBUS));
      },
      testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace bale
