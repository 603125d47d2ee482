// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Resident memory of a process that builds with 16 MiB of account: at most 24
// MiB, whatever it builds. pack_memory_bench.cc is that process; more objects and larger
// payloads are for running it by hand.

#include <array>
#include <cstdio>
#include <string>

#include "testing/matchers.h"

namespace bale {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

constexpr std::uint64_t kMostBytes = 24 << 20;

// The number behind "key": in what pack_memory prints.
std::uint64_t number_in(const std::string& json, const std::string& key) {
  const std::size_t at = json.find("\"" + key + "\":");
  return at == std::string::npos ? 0 : std::stoull(json.substr(at + key.size() + 3));
}

std::string run_pack_memory(const std::string& arguments) {
  FILE* pipe = popen((std::string(BALE_PACK_MEMORY) + " " + arguments).c_str(), "r");
  if (pipe == nullptr) return {};
  std::array<char, 4096> line{};
  const std::size_t size = fread(line.data(), 1, line.size(), pipe);
  EXPECT_EQ(pclose(pipe), 0);
  return {line.data(), size};
}

void expect_bounded(const std::string& arguments, std::uint64_t bytes_in) {
  const std::string json = run_pack_memory(arguments);
  EXPECT_EQ(number_in(json, "bytes_in"), bytes_in) << json;
  EXPECT_GT(number_in(json, "peak_rss_bytes"), 0u) << json;
  EXPECT_LE(number_in(json, "peak_rss_bytes"), kMostBytes) << json;
}

class MemoryTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer takes memory of its own";
  }
};

TEST_F(MemoryTest, TenThousandObjectsStayWithinTheBound) {
  expect_bounded("--objects 10000 --size 40", 400'000);
}

TEST_F(MemoryTest, AMillionObjectsStayWithinTheBound) {
  expect_bounded("--objects 1000000 --size 40", 40'000'000);
}

TEST_F(MemoryTest, AMillionIdsThatShareTheirFirstBytesStayWithinTheBound) {
  expect_bounded("--objects 1000000 --size 40 --ids prefix", 40'000'000);
}

TEST_F(MemoryTest, APayloadOf300MiBStaysWithinTheBound) {
  expect_bounded("--payload 314572800", 314'572'800);
}

TEST_F(MemoryTest, AThousandPayloadsOf1MiBStayWithinTheBound) {
  expect_bounded("--objects 1000 --size 1048576", 1'048'576'000);
}

TEST_F(MemoryTest, ManyLanesStayWithinTheBound) {
  expect_bounded("--objects 300 --size 1048576 --lanes 64", 314'572'800);
}

}  // namespace
}  // namespace bale
