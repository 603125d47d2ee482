// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as an object stream: every frame that decodes is encoded to the same bytes.

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "format/object_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bale;
  Bytes stream = std::as_bytes(std::span(data, size));
  while (!stream.empty()) {
    const Result<std::size_t> frame_bytes = object_frame_bytes(stream[0]);
    if (!frame_bytes || stream.size() < *frame_bytes) return 0;
    const Bytes frame = stream.first(*frame_bytes);
    const Result<StreamedObject> object = decode_object_frame(frame);
    if (!object) return 0;
    std::array<std::byte, kMaxObjectFrameBytes> again;
    const std::size_t length = encode_object_frame(*object, again.data());
    CHECK(std::ranges::equal(Bytes(again).first(length), frame));
    stream = stream.subspan(*frame_bytes);
    if (object->size > stream.size()) return 0;
    stream = stream.subspan(object->size);
  }
  return 0;
}
