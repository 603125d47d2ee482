// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// An entry's header, which precedes each stored payload in a pack.
//
//   tagged id      0 + 32 bytes (content hash) or 1 + 16 bytes (change id)
//   type and size  first byte: bit 7 = more, bits 6..4 = type, bits 3..0 = low bits of the size;
//                  then 7 bits a byte, low bits first, bit 7 = more
//   stored size    varint
//   tagged base    only if the type is delta; its tag is 0
//
// Independent of files and compression. Errors are kCorrupt and state the reason; the caller adds
// file and offset.

#pragma once

#include <cstdint>
#include <optional>

#include "bale/bytes.h"
#include "bale/object.h"
#include "bale/result.h"
#include "format/varint.h"

namespace bale {

/// The types of entries: the four of objects, and delta, whose object has the type of its base.
enum class EntryType : std::uint8_t { kBlob = 0, kTree = 1, kState = 2, kAction = 3, kDelta = 4 };

/// The longest header: two ids and two numbers.
inline constexpr std::size_t kMaxEntryHeaderBytes = 33 + 10 + 10 + 33;

/// The shortest: a change id and two one-byte numbers.
inline constexpr std::size_t kMinEntryHeaderBytes = 17 + 1 + 1;

/// The largest object: the limit of every reader of the format.
inline constexpr std::uint64_t kMaxObjectBytes = std::uint64_t{1} << 30;
inline constexpr std::uint64_t kMaxDeltaObjectBytes = std::uint64_t{1} << 27;

/// The longest delta chain that a writer makes, and that a reader accepts.
inline constexpr int kMaxWrittenDepth = 50;
inline constexpr int kMaxReadDepth = 51;

struct EntryHeader {
  ObjectId id;
  EntryType type = EntryType::kBlob;
  std::uint64_t size = 0;         ///< bytes of the object, after applying a delta
  std::uint64_t stored_size = 0;  ///< bytes of payload after the header
  ObjectId base;                  ///< only if type is kDelta
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

/// Writes the header to `to`, which has room for kMaxEntryHeaderBytes; returns its length. A
/// delta's base must be a content hash.
std::size_t encode_entry_header(const EntryHeader& header, StoredSizeForm form, std::byte* to);

/// The position of the stored size, the last field of a header without a base.
[[nodiscard]] inline std::size_t padded_size_position(std::size_t header_bytes) {
  return header_bytes - kMaxVarintBytes;
}

/// Reads the header at the start of `bytes`, which may continue after it. Checks each field: tags,
/// types, numbers. The caller checks that the payload fits in the file.
Result<EntryHeader> decode_entry_header(Bytes bytes);

}  // namespace bale
