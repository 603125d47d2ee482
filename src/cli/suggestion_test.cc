// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Suggestions for misspelled words.

#include "cli/suggestion.h"

#include <gtest/gtest.h>

#include <array>

namespace bale::cli {
namespace {

constexpr std::array<std::string_view, 4> kKnown = {"list", "log", "verify", "build"};

TEST(SuggestionTest, FindsTheWordThatWasMeant) {
  EXPECT_EQ(nearest("lits", kKnown), "list");
  EXPECT_EQ(nearest("verfy", kKnown), "verify");
  EXPECT_EQ(nearest("biuld", kKnown), "build");
}

TEST(SuggestionTest, SaysNothingWhereNothingIsNear) {
  EXPECT_EQ(nearest("frobnicate", kKnown), "");
  EXPECT_EQ(nearest("", kKnown), "");
  EXPECT_EQ(nearest(std::string(100'000, 'l'), kKnown), "");
}

}  // namespace
}  // namespace bale::cli
