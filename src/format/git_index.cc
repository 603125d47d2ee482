// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/git_index.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/counted.h"
#include "base/endian.h"
#include "base/error.h"

namespace bale {
namespace {

constexpr std::string_view kGitIndexMagic{"BGIX", 4};
constexpr std::string_view kGitIndexTrailerMagic{"BALEGIX1", 8};
constexpr std::uint32_t kGitIndexVersion = 1;

}  // namespace

std::array<std::byte, kGitIndexHeaderBytes> encode_git_index_header(const GitIndexHeader& header) {
  std::array<std::byte, kGitIndexHeaderBytes> bytes{};
  std::memcpy(bytes.data(), kGitIndexMagic.data(), kGitIndexMagic.size());
  store_be<std::uint32_t>(bytes.data() + 4, kGitIndexVersion);
  store_be<std::uint32_t>(bytes.data() + 8, static_cast<std::uint32_t>(header.hash));
  store_be<std::uint64_t>(bytes.data() + kGitIndexCountPosition, header.record_count);
  return bytes;
}

Result<GitIndexHeader> decode_git_index_header(Bytes bytes, std::uint64_t file_bytes) {
  if (bytes.size() < kGitIndexHeaderBytes || as_text(bytes.first(4)) != kGitIndexMagic) {
    return fail(ErrorCode::kCorrupt, "not an index of Git object ids: it begins with other bytes");
  }
  const auto version = load_be<std::uint32_t>(bytes.data() + 4);
  if (version != kGitIndexVersion) {
    return fail(ErrorCode::kCorrupt, "an index of Git object ids of the unknown version {}",
                version);
  }
  const auto hash = load_be<std::uint32_t>(bytes.data() + 8);
  if (hash != 1 && hash != 2) {
    return fail(ErrorCode::kCorrupt, "an index of Git object ids of the unknown hash {}", hash);
  }
  GitIndexHeader header{static_cast<GitHash>(hash),
                        load_be<std::uint64_t>(bytes.data() + kGitIndexCountPosition)};
  const std::uint64_t around = kGitIndexHeaderBytes + kGitIndexTrailerBytes;
  const std::uint64_t stride = git_record_bytes(header.hash);
  if (load_be<std::uint32_t>(bytes.data() + 12) != 0 || file_bytes < around ||
      (file_bytes - around) % stride != 0 ||
      (file_bytes - around) / stride != header.record_count) {
    return fail(ErrorCode::kCorrupt, "{} cannot fill an index of {}",
                counted(header.record_count, "record"), counted(file_bytes, "byte"));
  }
  return header;
}

std::array<std::byte, 40> encode_git_index_trailer_start(const Digest& pack_trailer) {
  std::array<std::byte, 40> start;
  std::memcpy(start.data(), kGitIndexTrailerMagic.data(), kGitIndexTrailerMagic.size());
  std::copy(pack_trailer.begin(), pack_trailer.end(), start.begin() + 8);
  return start;
}

Result<IndexTrailer> decode_git_index_trailer(Bytes bytes) {
  if (bytes.size() < kGitIndexTrailerBytes) {
    return fail(ErrorCode::kCorrupt, "too short for an index of Git object ids");
  }
  bytes = bytes.last(kGitIndexTrailerBytes);
  if (as_text(bytes.first(8)) != kGitIndexTrailerMagic) {
    return fail(ErrorCode::kCorrupt, "the trailer begins with other bytes");
  }
  IndexTrailer trailer;
  std::copy_n(bytes.begin() + 8, 32, trailer.pack_trailer.begin());
  std::copy_n(bytes.begin() + 40, 32, trailer.checksum.begin());
  return trailer;
}

}  // namespace bale
