// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as a damaged pack: what is salvaged is what its id says, and can be copied as it is.

#include <cstdint>
#include <span>
#include <string>

#include "bale/pack_builder.h"
#include "base/check.h"
#include "hash/blake3.h"
#include "pack/salvage/pack_salvager.h"
#include "testing/memory_file_system.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bale;
  MemoryFileSystem files;
  const auto file = files.create("/a.pack", CreateMode::kTruncate);
  CHECK(file.has_value() && (*file)->write_at(0, std::as_bytes(std::span(data, size))).has_value());
  auto salvager = PackSalvager::open(
      "/a.pack",
      {.memory_bytes = kMinSalvageBytes, .spare_vain_bytes = 64 << 20, .file_system = &files});
  CHECK(salvager.has_value());
  ReadContext context(kMinSalvageBytes / 2);
  std::uint64_t count = 0;
  std::uint64_t end = 0;
  const auto each = salvager->for_each([&](const SalvagedEntry& salvaged) -> Result<void> {
    ++count;
    CHECK(salvaged.entry.offset >= end);
    end = salvaged.entry.offset + salvaged.entry.entry_bytes;
    CHECK(end <= size);
    const auto object = salvager->get_at(salvaged, context);
    CHECK(object.has_value() && is_store_id(salvaged.entry.id, object->type, object->payload));
    const auto stored = salvager->stored_at(salvaged, UINT64_MAX, context);
    CHECK(stored.has_value() && stored->stored.size() == stored->stored_size);
    return {};
  });
  CHECK(each.has_value() && count == salvager->report().entries_whole);
  return 0;
}
