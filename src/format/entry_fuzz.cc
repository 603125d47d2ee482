// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as an entry's header: a header that decodes can be encoded, in both forms, and decodes
// the same way again.

#include <array>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "format/entry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bale;
  const Result<EntryHeader> header = decode_entry_header(std::as_bytes(std::span(data, size)));
  if (!header) return 0;
  CHECK(header->header_bytes >= kMinEntryHeaderBytes && header->header_bytes <= size);
  for (const StoredSizeForm form : {StoredSizeForm::kShortest, StoredSizeForm::kPadded}) {
    std::array<std::byte, kMaxEntryHeaderBytes> bytes;
    const std::size_t length = encode_entry_header(*header, form, bytes.data());
    const Result<EntryHeader> again = decode_entry_header(Bytes(bytes).first(length));
    CHECK(again.has_value() && again->header_bytes == length);
    CHECK(again->id == header->id && again->type == header->type && again->size == header->size);
    CHECK(again->stored_size == header->stored_size && again->base == header->base);
  }
  return 0;
}
