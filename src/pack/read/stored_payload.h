// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What a stored payload is: zstd frames, or the payload as it is. For whoever has an entry's bytes
// (StoredEntry of bale/pack_reader.h) and unpacks them with a Decompressor and memory of its own,
// on a lane say.
//
// The bytes are untrusted. Messages do not name file or offset. Thread-safe, with a Decompressor a
// thread.

#pragma once

#include <cstdint>

#include "bale/bytes.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "codec/zstd.h"

namespace bale {

/// The most bytes that a delta program, stored so, can have: what to allocate for it. `object_size`
/// is that of the object which it rebuilds. kCorrupt if it is no zstd where it must be.
Result<std::uint64_t> program_bound(Bytes stored, std::uint64_t object_size);

/// The most bytes that unpack() needs room for: none where the payload is stored as it is.
Result<std::uint64_t> unpacked_bound(const StoredEntry& entry);

/// The payload of an entry that is no delta, or else the delta program: entry.stored itself, or its
/// content, at the beginning of `room`. Requires entry.stored to be there. kCorrupt if it is
/// damaged, or makes more than `room` holds.
Result<Bytes> unpack(const StoredEntry& entry, Decompressor& decompressor, MutableBytes room);

}  // namespace bale
