// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Numbers in sentences: plural forms, and amounts of memory that options accept as printed.

#include "base/counted.h"

#include <gtest/gtest.h>

#include "base/memory_size.h"

namespace bale {
namespace {

TEST(CountedTest, OneThingIsSingular) {
  EXPECT_EQ(counted(1, "object"), "1 object");
  EXPECT_EQ(counted(1, "Git index"), "1 Git index");
  EXPECT_EQ(counted(1, "entry"), "1 entry");
}

TEST(CountedTest, AnyOtherNumberIsPlural) {
  EXPECT_EQ(counted(0, "object"), "0 objects");
  EXPECT_EQ(counted(2, "Git index"), "2 Git indexes");
  EXPECT_EQ(counted(3, "entry"), "3 entries");
  EXPECT_EQ(counted(4, "loss"), "4 losses");
}

TEST(MemorySizeTest, IsRoundedUpToAUnit) {
  EXPECT_EQ(memory_size(0), "0K");
  EXPECT_EQ(memory_size(1), "1K");
  EXPECT_EQ(memory_size(1024), "1K");
  EXPECT_EQ(memory_size(1000 << 10), "1000K");
  EXPECT_EQ(memory_size((1000 << 10) + 1), "1M");
  EXPECT_EQ(memory_size(16 << 20), "16M");
  EXPECT_EQ(memory_size((16 << 20) + 1), "17M");
  EXPECT_EQ(memory_size(UINT64_MAX), "17592186044416M");
}

}  // namespace
}  // namespace bale
