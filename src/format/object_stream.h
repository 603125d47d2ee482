// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The object stream, input of `bale pack build`. Objects back to back, each
//
//   id kind   1 byte     0 content hash, 1 change id
//   id        32 or 16 bytes
//   type      1 byte     0 blob, 1 tree, 2 state, 3 action
//   size      u64 LE
//   payload   `size` bytes
//   [path]    u16 LE and that many bytes, only in a stream with path hints
//
// A stream that ends between objects is complete; one that ends inside an object is an error.

#pragma once

#include <cstdint>

#include "bale/bytes.h"
#include "bale/object.h"
#include "bale/result.h"

namespace bale {

struct StreamedObject {
  ObjectId id;
  ObjectType type = ObjectType::kBlob;
  std::uint64_t size = 0;
};

/// Bytes of the frame's header for the id kind in its first byte; kCorrupt for an unknown kind.
Result<std::size_t> object_frame_bytes(std::byte id_kind);

/// Decodes a header of exactly object_frame_bytes(frame[0]) bytes. kCorrupt for an unknown type.
Result<StreamedObject> decode_object_frame(Bytes frame);

/// The longest header.
inline constexpr std::size_t kMaxObjectFrameBytes = 1 + 32 + 1 + 8;

/// Writes a header to `to`, which has room for kMaxObjectFrameBytes; returns its length.
std::size_t encode_object_frame(const StreamedObject& object, std::byte* to);

}  // namespace bale
