// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Exit statuses, and messages made of hostile bytes.

#include "cli/errors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cli/verbs.h"

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

TEST(ErrorsTest, TheHintBecomesAdviceAtTheEnd) {
  const Error error{ErrorCode::kNotFound,
                    "x@2: gone",
                    {.kind = HintKind::kRepairOrPrune, .archive = "x y", .keep = 2}};
  const std::string text =
      "x@2: gone (bale repair restores it, with --from another store that has the record if need "
      "be; bale archive "
      "prune 'x y' --keep 2 drops it and the older ones)";
  EXPECT_EQ(error_line(error), "bale: not found: " + text + "\n");
  EXPECT_EQ(nlohmann::json::parse(error_json(error))["error"]["message"], text);
}

// No hint is without words, and the verbs that they name exist.
TEST(ErrorsTest, AllAdviceNamesVerbsAndOptions) {
  std::set<std::string> texts;
  for (int kind = 1; kind <= static_cast<int>(HintKind::kNameOrNewSource); ++kind) {
    const std::string text =
        with_advice({ErrorCode::kIo, "x", {.kind = static_cast<HintKind>(kind), .archive = "a"}});
    EXPECT_TRUE(texts.insert(text).second) << text;
    EXPECT_TRUE(text.starts_with("x (") && text.ends_with(")")) << text;
    EXPECT_TRUE(text.find("bale ") != std::string::npos || text.find("--") != std::string::npos)
        << text;
    for (std::size_t at = text.find("bale "); at != std::string::npos;
         at = text.find("bale ", at + 1)) {
      const std::string rest = text.substr(at + 5);
      EXPECT_TRUE(std::any_of(all_verbs().begin(), all_verbs().end(), [&](const Verb& verb) {
        const std::string group(verb.group);
        return rest.starts_with(group + (group.empty() ? "" : " ") + std::string(verb.name));
      })) << text;
    }
  }
}

// A part of the verb had 2 MiB of its 32, and needed three times as much.
TEST(ErrorsTest, AdviceOnMemoryIsForTheWholeVerb) {
  const Error error{
      ErrorCode::kLimitExceeded,
      "x",
      {.kind = HintKind::kNeedsMemory, .needed_bytes = 6 << 20, .allowed_bytes = 2 << 20}};
  EXPECT_EQ(with_advice(advised(error, 32 << 20)), "x (give --memory 108M or more)");
  EXPECT_EQ(with_advice(advised(error, 1 << 20)), "x (give --memory 24M or more)");
  const Error other{ErrorCode::kLimitExceeded, "the system has no 3.0 GiB left for x"};
  EXPECT_EQ(with_advice(advised(other, 32 << 20)), other.message);
}

TEST(ErrorsTest, JsonHoldsCodeAndMessage) {
  const std::string text = error_json({ErrorCode::kCorrupt, "\"\\\xff\n"});
  const nlohmann::json parsed = nlohmann::json::parse(text);
  EXPECT_EQ(parsed["error"]["code"], "corrupt");
  EXPECT_EQ(parsed["error"]["message"], "\"\\\\377\\n");
}

}  // namespace
}  // namespace bale::cli
