// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Valid JSON, whatever the bytes.

#include "cli/json_line.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bale::cli {
namespace {

TEST(JsonLineTest, KeepsKeysInOrderAndIsOneLine) {
  JsonLine line;
  line.text("b", "x").number("a", UINT64_MAX).seconds("s", 0.5).text_or_null("n", std::nullopt);
  EXPECT_EQ(line.object(), R"({"b":"x","a":18446744073709551615,"s":0.500000,"n":null})");
  EXPECT_EQ(JsonLine().object(), "{}");
}

TEST(JsonLineTest, AnyByteGivesValidJson) {
  for (int first = 0; first < 256; ++first) {
    const std::string text = {'a', static_cast<char>(first), '"'};
    const nlohmann::json parsed = nlohmann::json::parse(json_string(text));
    EXPECT_TRUE(parsed.is_string());
  }
  EXPECT_EQ(json_string("50% \xc3\xa9 \xff"), "\"50% \xc3\xa9 \xef\xbf\xbd\"");
  EXPECT_EQ(json_string("\n\x7f\xc2\x9b\xe2\x80\xae"), R"("\u000a\u007f\u009b\u202e")");
}

TEST(JsonLineTest, BytesThatAreNotUtf8AreThereInHexToo) {
  const std::vector<std::string> plain = {"a", "b"};
  JsonLine line;
  line.text("name", "caf\xe9").text_or_null("ref", "a%41").texts("paths", plain);
  EXPECT_EQ(line.object(),
            "{\"name\":\"caf\xef\xbf\xbd\",\"name_hex\":\"636166e9\","
            "\"ref\":\"a%41\",\"paths\":[\"a\",\"b\"]}");
  const std::vector<std::string> paths = {"a", "\xff"};
  EXPECT_EQ(JsonLine().texts("paths", paths).object(),
            "{\"paths\":[\"a\",\"\xef\xbf\xbd\"],\"paths_hex\":[\"61\",\"ff\"]}");
}

}  // namespace
}  // namespace bale::cli
