// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/container.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/counted.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"

namespace bale {
namespace {

constexpr std::string_view kPackMagic{"LMPK", 4};
constexpr std::string_view kIndexMagic{"LMI\0", 4};
constexpr std::string_view kIndexTrailerMagic{"BALEIDX1", 8};
constexpr std::uint32_t kPackVersion = 2;

FileHeader encode_header(std::string_view magic, std::uint64_t count) {
  FileHeader header;
  std::memcpy(header.data(), magic.data(), magic.size());
  store_be<std::uint32_t>(header.data() + 4, kPackVersion);
  store_be<std::uint64_t>(header.data() + kCountPosition, count);
  return header;
}

Result<std::uint64_t> decode_header(Bytes bytes, std::string_view magic, std::string_view what) {
  if (bytes.size() < kHeaderBytes) {
    return fail(ErrorCode::kCorrupt, "too short for {} ({})", what, counted(bytes.size(), "byte"));
  }
  if (as_text(bytes.first(4)) != magic) {
    return fail(ErrorCode::kCorrupt, "not {}: it begins with other bytes", what);
  }
  const auto version = load_be<std::uint32_t>(bytes.data() + 4);
  if (version != kPackVersion) {
    return fail(ErrorCode::kCorrupt, "{} of version {}, and only version {} can be read", what,
                version, kPackVersion);
  }
  return load_be<std::uint64_t>(bytes.data() + kCountPosition);
}

}  // namespace

FileHeader encode_pack_header(std::uint64_t entry_count) {
  return encode_header(kPackMagic, entry_count);
}

FileHeader encode_index_header(std::uint64_t record_count) {
  return encode_header(kIndexMagic, record_count);
}

Result<std::uint64_t> decode_pack_header(Bytes bytes) {
  return decode_header(bytes, kPackMagic, "a pack");
}

Result<IndexLayout> decode_index_layout(Bytes header, Bytes tail, std::uint64_t file_bytes) {
  const Result<std::uint64_t> decoded = decode_header(header, kIndexMagic, "an index");
  if (!decoded) return decoded.error();
  const std::uint64_t count = *decoded;
  IndexLayout layout;
  std::uint64_t area = file_bytes - kHeaderBytes;
  if (area >= kIndexTrailerBytes && decode_index_trailer(tail).has_value()) {
    layout.has_trailer = true;
    area -= kIndexTrailerBytes;
  }
  // 41 h + 25 c = area and h + c = count, so 16 h = area - 25 count.
  if (count > area / kChangeRecordBytes) {
    return fail(ErrorCode::kCorrupt, "the index says {}, and has room for {} at most",
                counted(count, "record"), area / kChangeRecordBytes);
  }
  const std::uint64_t excess = area - count * kChangeRecordBytes;
  constexpr std::uint64_t kStrideDifference = kHashRecordBytes - kChangeRecordBytes;
  if (excess % kStrideDifference != 0 || excess / kStrideDifference > count) {
    return fail(ErrorCode::kCorrupt, "{} cannot fill {} of index", counted(count, "record"),
                counted(area, "byte"));
  }
  layout.hash_count = excess / kStrideDifference;
  layout.change_count = count - layout.hash_count;
  return layout;
}

std::array<std::byte, 40> encode_index_trailer_start(const Digest& pack_trailer) {
  std::array<std::byte, 40> start;
  std::memcpy(start.data(), kIndexTrailerMagic.data(), kIndexTrailerMagic.size());
  std::copy(pack_trailer.begin(), pack_trailer.end(), start.begin() + 8);
  return start;
}

std::optional<IndexTrailer> decode_index_trailer(Bytes bytes) {
  if (bytes.size() < kIndexTrailerBytes) return std::nullopt;
  bytes = bytes.last(kIndexTrailerBytes);
  if (as_text(bytes.first(8)) != kIndexTrailerMagic) return std::nullopt;
  IndexTrailer trailer;
  std::copy_n(bytes.begin() + 8, 32, trailer.pack_trailer.begin());
  std::copy_n(bytes.begin() + 40, 32, trailer.checksum.begin());
  return trailer;
}

SortRecord make_sort_record(const ObjectId& id, std::uint64_t offset) {
  SortRecord record{};
  record[0] = static_cast<std::byte>(id.kind());
  std::copy(id.bytes().begin(), id.bytes().end(), record.begin() + 1);
  store_be<std::uint64_t>(record.data() + 33, offset);
  return record;
}

ObjectId sort_record_id(const SortRecord& record) {
  const auto kind = static_cast<IdKind>(record[0]);
  return known_id<ObjectId>(kind, Bytes(record).subspan(1, id_bytes(kind)));
}

std::uint64_t sort_record_offset(const SortRecord& record) {
  return load_be<std::uint64_t>(record.data() + 33);
}

}  // namespace bale
