// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/export/pack_stream.h"

#include <libdeflate.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

constexpr std::uint64_t kBudgetBytes = 4 << 20;

std::string zlib(const std::string& payload) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(1);
  std::string out(libdeflate_zlib_compress_bound(compressor, payload.size()), '\0');
  out.resize(
      libdeflate_zlib_compress(compressor, payload.data(), payload.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

// Collects a stream.
GitPackStream::Sink into(std::string& pack) {
  return [&pack](Bytes bytes) -> Result<void> {
    pack += as_text(bytes);
    return {};
  };
}

TEST(GitPackStreamTest, GitReadsEverySizeWholeAndInPieces) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    GitFixture git(hash);
    std::vector<std::string> payloads = {""};
    // Around each length of the header, compressed in both ways.
    for (const std::size_t size : {1u, 15u, 16u, 2047u, 2048u, 262143u, 262144u, 1u << 20}) {
      payloads.push_back(std::string(size, 'x'));
      payloads.push_back(random_text(size, size));
    }
    Budget budget(kBudgetBytes);
    std::string pack;
    ASSERT_OK_AND_ASSIGN(stream,
                         GitPackStream::create(hash, 2 * payloads.size(), budget, into(pack)));
    for (std::string payload : payloads) {
      ASSERT_THAT(stream.object(ObjectType::kBlob, payload.size(), as_bytes(zlib(payload))),
                  IsOk());
      payload += "in pieces";
      ASSERT_THAT(stream.begin_object(ObjectType::kBlob, payload.size()), IsOk());
      for (std::string_view left = payload; !left.empty();) {
        const std::string_view piece = left.substr(0, 100'000);
        ASSERT_THAT(stream.write(as_bytes(piece)), IsOk());
        ASSERT_THAT(stream.write({}), IsOk());
        left.remove_prefix(piece.size());
      }
      ASSERT_THAT(stream.end(), IsOk());
    }
    ASSERT_OK_AND_ASSIGN(bytes, stream.finish());
    EXPECT_EQ(bytes, pack.size());
    git.run_with_input({"index-pack", "--stdin", "--strict"}, pack);
    for (const std::string& payload : payloads) {
      for (const std::string& whole : {payload, payload + "in pieces"}) {
        const GitOid oid = git_oid(hash, ObjectType::kBlob, as_bytes(whole));
        EXPECT_EQ(git.run({"cat-file", "-s", oid.to_hex()}), std::to_string(whole.size()));
      }
    }
  }
}

// A program of Git's that appends a byte to a base of these many bytes (at most 65,535).
std::string append_byte(std::size_t base_bytes, char byte) {
  std::string program;
  for (std::size_t size : {base_bytes, base_bytes + 1}) {
    for (; size >= 128; size >>= 7) program += static_cast<char>(0x80 | (size & 0x7F));
    program += static_cast<char>(size);
  }
  program += '\xB0';
  program += static_cast<char>(base_bytes & 0xFF);
  program += static_cast<char>(base_bytes >> 8);
  return program + '\x01' + byte;
}

TEST(GitPackStreamTest, GitFindsBasesAtEveryDistance) {
  GitFixture git;
  Budget budget(kBudgetBytes);
  std::string pack;
  const std::string base = random_text(1'000, 1);
  // Increasing distances, across every length of their encoding.
  const std::vector<std::size_t> gaps = {0, 1, 50, 15'000, 30'000, 2'000'000, 300'000};
  ASSERT_OK_AND_ASSIGN(
      stream, GitPackStream::create(GitHash::kSha1, 1 + 3 * gaps.size(), budget, into(pack)));
  const std::uint64_t base_position = stream.position();
  EXPECT_EQ(base_position, 12u);
  ASSERT_THAT(stream.object(ObjectType::kBlob, base.size(), as_bytes(zlib(base))), IsOk());
  std::vector<std::string> made;
  std::string last = base;
  std::uint64_t last_position = base_position;
  for (const std::size_t gap : gaps) {
    const std::string between = random_text(gap, gap + 2);
    ASSERT_THAT(stream.object(ObjectType::kBlob, between.size(), as_bytes(zlib(between))), IsOk());
    const std::string program = append_byte(base.size(), static_cast<char>('a' + made.size()));
    made.push_back(base + static_cast<char>('a' + made.size()));
    ASSERT_THAT(stream.delta(base_position, program.size(), as_bytes(zlib(program))), IsOk());
    // And a chain.
    const std::string next = append_byte(last.size(), 'x');
    last += 'x';
    const std::uint64_t position = stream.position();
    ASSERT_THAT(stream.delta(last_position, next.size(), as_bytes(zlib(next))), IsOk());
    last_position = position;
  }
  ASSERT_OK_AND_ASSIGN(bytes, stream.finish());
  EXPECT_EQ(bytes, pack.size());
  git.run_with_input({"index-pack", "--stdin", "--strict"}, pack);
  made.push_back(last);
  for (const std::string& payload : made) {
    const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(payload));
    EXPECT_EQ(git.run({"cat-file", "-s", oid.to_hex()}), std::to_string(payload.size()));
  }
}

TEST(GitPackStreamTest, WhatTheSinkSaysComesBack) {
  Budget budget(kBudgetBytes);
  ASSERT_OK_AND_ASSIGN(stream,
                       GitPackStream::create(GitHash::kSha1, 1, budget, [](Bytes) -> Result<void> {
                         return fail(ErrorCode::kIo, "no room");
                       }));
  ASSERT_THAT(stream.object(ObjectType::kBlob, 1, as_bytes(zlib("x"))),
              IsOk());  // still in the buffer
  EXPECT_THAT(stream.finish(), FailsWith(ErrorCode::kIo, "no room"));
}

TEST(GitPackStreamTest, LimitsAreRefused) {
  Budget budget(kBudgetBytes);
  const auto ignore = [](Bytes) -> Result<void> { return {}; };
  EXPECT_THAT(GitPackStream::create(GitHash::kSha1, std::uint64_t{1} << 32, budget, ignore),
              FailsWith(ErrorCode::kLimitExceeded));
  Budget small(GitPackStream::kMemoryBytes - 1);
  EXPECT_THAT(GitPackStream::create(GitHash::kSha1, 1, small, ignore),
              FailsWith(ErrorCode::kLimitExceeded));
  EXPECT_EQ(budget.used_bytes(), 0u);
}

}  // namespace
}  // namespace bale
