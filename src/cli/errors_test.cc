// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Exit statuses, and messages made of hostile bytes.

#include "cli/errors.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bale::cli {
namespace {

TEST(ErrorsTest, EveryCodeHasItsExitStatus) {
  EXPECT_EQ(exit_status(ErrorCode::kIo), 1);
  EXPECT_EQ(exit_status(ErrorCode::kUnsupported), 1);
  EXPECT_EQ(exit_status(ErrorCode::kLimitExceeded), 1);
  EXPECT_EQ(exit_status(ErrorCode::kInvalidArgument), 2);
  EXPECT_EQ(exit_status(ErrorCode::kCorrupt), 3);
  EXPECT_EQ(exit_status(ErrorCode::kNotFound), 4);
  EXPECT_EQ(exit_status(ErrorCode::kIncomplete), 5);
  EXPECT_EQ(exit_status(ErrorCode::kInterrupted), 130);
}

TEST(ErrorsTest, AMessageIsOneLineAndHarmlessToATerminal) {
  EXPECT_EQ(error_line({ErrorCode::kNotFound, "a\nb\x1b[2J: 100%"}),
            "bale: not found: a\\nb\\033[2J: 100%\n");
}

TEST(ErrorsTest, JsonHoldsCodeAndMessage) {
  const std::string text = error_json({ErrorCode::kCorrupt, "\"\\\xff\n"});
  const nlohmann::json parsed = nlohmann::json::parse(text);
  EXPECT_EQ(parsed["error"]["code"], "corrupt");
  EXPECT_EQ(parsed["error"]["message"], "\"\\\\377\\n");
}

}  // namespace
}  // namespace bale::cli
