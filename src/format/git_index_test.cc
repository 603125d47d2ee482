// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/git_index.h"

#include <algorithm>

#include "testing/matchers.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

std::uint64_t size_of(GitHash hash, std::uint64_t records) {
  return kGitIndexHeaderBytes + records * git_record_bytes(hash) + kGitIndexTrailerBytes;
}

TEST(GitIndexTest, HeadersReadBack) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    for (const std::uint64_t count : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{70'000}}) {
      ASSERT_OK_AND_ASSIGN(header, decode_git_index_header(encode_git_index_header({hash, count}),
                                                           size_of(hash, count)));
      EXPECT_EQ(header.hash, hash);
      EXPECT_EQ(header.record_count, count);
    }
  }
}

TEST(GitIndexTest, EveryFlippedBitOfTheHeaderIsCorrupt) {
  const auto good = encode_git_index_header({GitHash::kSha1, 3});
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      auto bad = good;
      bad[i] ^= static_cast<std::byte>(1 << bit);
      EXPECT_THAT(decode_git_index_header(bad, size_of(GitHash::kSha1, 3)),
                  FailsWith(ErrorCode::kCorrupt))
          << i << ' ' << bit;
    }
  }
}

TEST(GitIndexTest, ACountThatDoesNotFillTheFileIsCorrupt) {
  const auto header = encode_git_index_header({GitHash::kSha256, 3});
  for (std::uint64_t size = 0; size < 2 * size_of(GitHash::kSha256, 3); ++size) {
    const bool right = size == size_of(GitHash::kSha256, 3);
    EXPECT_EQ(decode_git_index_header(header, size).has_value(), right) << size;
  }
  for (std::size_t length = 0; length < header.size(); ++length) {
    EXPECT_THAT(decode_git_index_header(Bytes(header).first(length), size_of(GitHash::kSha256, 3)),
                FailsWith(ErrorCode::kCorrupt));
  }
}

TEST(GitIndexTest, TrailersReadBackAndOtherMagicIsCorrupt) {
  Digest pack_trailer;
  pack_trailer.fill(std::byte{3});
  ByteVector bytes(kGitIndexTrailerBytes, std::byte{4});
  const auto start = encode_git_index_trailer_start(pack_trailer);
  std::copy(start.begin(), start.end(), bytes.begin());
  ASSERT_OK_AND_ASSIGN(trailer, decode_git_index_trailer(bytes));
  EXPECT_EQ(trailer.pack_trailer, pack_trailer);
  EXPECT_EQ(trailer.checksum[31], std::byte{4});
  EXPECT_THAT(decode_git_index_trailer(Bytes(bytes).first(71)), FailsWith(ErrorCode::kCorrupt));
  bytes[0] = std::byte{0};
  EXPECT_THAT(decode_git_index_trailer(bytes), FailsWith(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace bale
