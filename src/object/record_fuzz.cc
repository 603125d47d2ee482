// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as a record: a decoded record can be encoded, decodes equal, and encodes to the same
// bytes.

#include <cstdint>
#include <string>

#include "bale/record.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bale::Result<bale::Record> record =
      bale::decode_record(std::as_bytes(std::span(data, size)));
  if (!record) return 0;
  const std::string text = bale::encode_record(*record).value();
  const bale::Result<bale::Record> again = bale::decode_record(bale::as_bytes(text));
  CHECK(again.has_value() && *again == *record);
  CHECK(bale::encode_record(*again).value() == text);
  return 0;
}
