// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/pack_stream.h"

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

constexpr std::uint64_t kBudgetBytes = 4 << 20;

TEST(GitPackStreamTest, GitReadsEverySizeWholeAndInPieces) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    GitFixture git(hash);
    std::vector<std::string> payloads = {""};
    // Around each length of the header, and both ways to compress.
    for (const std::size_t size : {1u, 15u, 16u, 2047u, 2048u, 262143u, 262144u, 1u << 20}) {
      payloads.push_back(std::string(size, 'x'));
      payloads.push_back(random_text(size, size));
    }
    Budget budget(kBudgetBytes);
    std::string pack;
    ASSERT_OK_AND_ASSIGN(stream, GitPackStream::create(hash, 2 * payloads.size(), budget,
                                                       [&](Bytes bytes) -> Result<void> {
                                                         pack += as_text(bytes);
                                                         return {};
                                                       }));
    for (std::string payload : payloads) {
      ASSERT_THAT(stream.object(ObjectType::kBlob, as_bytes(payload)), IsOk());
      payload += "in pieces";
      ASSERT_THAT(stream.begin(ObjectType::kBlob, payload.size()), IsOk());
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

TEST(GitPackStreamTest, WhatTheSinkSaysComesBack) {
  Budget budget(kBudgetBytes);
  ASSERT_OK_AND_ASSIGN(stream,
                       GitPackStream::create(GitHash::kSha1, 1, budget, [](Bytes) -> Result<void> {
                         return fail(ErrorCode::kIo, "no room");
                       }));
  ASSERT_THAT(stream.object(ObjectType::kBlob, as_bytes("x")), IsOk());  // still in the buffer
  EXPECT_THAT(stream.finish(), FailsWith(ErrorCode::kIo, "no room"));
}

TEST(GitPackStreamTest, LimitsAreRefused) {
  Budget budget(kBudgetBytes);
  const auto ignore = [](Bytes) -> Result<void> { return {}; };
  EXPECT_THAT(GitPackStream::create(GitHash::kSha1, std::uint64_t{1} << 32, budget, ignore),
              FailsWith(ErrorCode::kLimitExceeded));
  Budget small(1 << 20);
  EXPECT_THAT(GitPackStream::create(GitHash::kSha1, 1, small, ignore),
              FailsWith(ErrorCode::kLimitExceeded));
  EXPECT_EQ(budget.used_bytes(), 0u);
}

}  // namespace
}  // namespace bale
