// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// An entry's header: what stands in a pack before each stored payload.
//
//   tagged id      0 + 32 bytes (content hash) or 1 + 16 bytes (change id)
//   type and size  first byte: bit 7 = more, bits 6..4 = type, bits 3..0 = low bits of the size;
//                  then 7 bits a byte, low bits first, bit 7 = more
//   stored size    varint
//   tagged base    only if the type is delta; its tag is 0
//
// Knows no files and no compression. Errors are kCorrupt and say what is wrong; the caller, who
// knows which file and offset it was, adds where.

#pragma once

#include <cstdint>
#include <optional>

#include "bale/bytes.h"
#include "bale/object.h"
#include "bale/result.h"
#include "format/varint.h"

namespace bale {

/// The types that stand in entries: the four of objects, and delta, whose object has the type of
/// the base.
enum class EntryType : std::uint8_t { kBlob = 0, kTree = 1, kState = 2, kAction = 3, kDelta = 4 };

/// The longest header: two ids and two numbers.
inline constexpr std::size_t kMaxEntryHeaderBytes = 33 + 10 + 10 + 33;

/// The shortest: a change id and two one-byte numbers.
inline constexpr std::size_t kMinEntryHeaderBytes = 17 + 1 + 1;

/// What an object may measure: the limits of every reader of the format.
inline constexpr std::uint64_t kMaxObjectBytes = std::uint64_t{1} << 30;
inline constexpr std::uint64_t kMaxDeltaObjectBytes = std::uint64_t{1} << 27;

/// Deltas in a row that a writer makes at most, and that a reader accepts at most.
inline constexpr int kMaxWrittenDepth = 50;
inline constexpr int kMaxReadDepth = 51;

struct EntryHeader {
  ObjectId id;
  EntryType type = EntryType::kBlob;
  std::uint64_t size = 0;         ///< bytes of the object, or of what the delta rebuilds
  std::uint64_t stored_size = 0;  ///< bytes of payload that follow the header
  ObjectId base;                  ///< meaningful only where type is kDelta
  std::size_t header_bytes = 0;   ///< set by decoding; ignored by encoding

  [[nodiscard]] bool is_delta() const { return type == EntryType::kDelta; }

  /// Requires !is_delta().
  [[nodiscard]] ObjectType object_type() const;
};

[[nodiscard]] constexpr EntryType entry_type(ObjectType type) {
  return static_cast<EntryType>(type);
}

enum class StoredSizeForm : std::uint8_t {
  kShortest,
  kPadded,  ///< 10 bytes, to be filled in later (see stored_size_position)
};

/// Writes the header to `to`, which has room for kMaxEntryHeaderBytes; returns its length. Requires
/// a base that is a content hash where the type is delta.
std::size_t encode_entry_header(const EntryHeader& header, StoredSizeForm form, std::byte* to);

/// Where the stored size begins in an encoded header without a base: it is the last field.
[[nodiscard]] inline std::size_t padded_size_position(std::size_t header_bytes) {
  return header_bytes - kMaxVarintBytes;
}

/// Reads the header that `bytes` begins with; `bytes` may go on after it. Checks every field by
/// itself: tags, types, numbers. Whether the payload fits in the file is for the caller to check.
Result<EntryHeader> decode_entry_header(Bytes bytes);

}  // namespace bale
