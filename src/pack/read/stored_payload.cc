// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/read/stored_payload.h"

#include <algorithm>

#include "base/check.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/delta.h"

namespace bale {
namespace {

// A whole object is raw where both sizes are equal, a program where it does not look like zstd.
bool is_packed(const StoredEntry& entry) {
  return entry.is_delta() ? starts_with_zstd_magic(entry.stored) : entry.stored_size != entry.size;
}

}  // namespace

Result<std::uint64_t> program_bound(Bytes stored, std::uint64_t object_size) {
  if (!starts_with_zstd_magic(stored)) return 0;
  const std::uint64_t content = TRY(content_bound(stored));
  return std::min(content, max_program_bytes(object_size));
}

Result<std::uint64_t> unpacked_bound(const StoredEntry& entry) {
  if (entry.is_delta()) return program_bound(entry.stored, entry.size);
  return is_packed(entry) ? entry.size : 0;
}

Result<Bytes> unpack(const StoredEntry& entry, Decompressor& decompressor, MutableBytes room) {
  CHECK(entry.stored.size() == entry.stored_size);
  if (!is_packed(entry)) return entry.stored;
  if (entry.is_delta()) {
    const std::size_t size = TRY(decompressor.decompress_at_most(entry.stored, room));
    return Bytes(room).first(size);
  }
  if (entry.size > room.size()) {
    return fail(ErrorCode::kCorrupt, "it has {}, and there is room for {}",
                counted(entry.size, "byte"), room.size());
  }
  TRY(decompressor.decompress(entry.stored, room.first(entry.size)));
  return Bytes(room).first(entry.size);
}

}  // namespace bale
