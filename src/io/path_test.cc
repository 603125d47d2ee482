// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/path.h"

#include <gtest/gtest.h>

namespace bale {
namespace {

TEST(PathTest, ParentDirectoryDropsTheLastName) {
  EXPECT_EQ(parent_directory("/a/b/c"), "/a/b");
  EXPECT_EQ(parent_directory("a/b"), "a");
  EXPECT_EQ(parent_directory("a//b"), "a");
}

TEST(PathTest, ParentDirectoryOfABareNameIsTheCurrentOne) {
  EXPECT_EQ(parent_directory("a"), ".");
  EXPECT_EQ(parent_directory("a/"), ".");
  EXPECT_EQ(parent_directory(""), ".");
}

TEST(PathTest, ParentDirectoryStopsAtTheRoot) {
  EXPECT_EQ(parent_directory("/a"), "/");
  EXPECT_EQ(parent_directory("//a"), "/");
  EXPECT_EQ(parent_directory("/"), "/");
}

TEST(PathTest, JoinPutsOneSlashBetween) {
  EXPECT_EQ(join_path("a", "b"), "a/b");
  EXPECT_EQ(join_path("a/", "b"), "a/b");
  EXPECT_EQ(join_path("/", "b"), "/b");
  EXPECT_EQ(join_path("", "b"), "b");
}

}  // namespace
}  // namespace bale
