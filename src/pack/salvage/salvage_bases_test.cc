// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Deltas on a base that is damaged: many take nothing from the part that is, and readers rebuild
// them. So they must come out of a salvage, too.

#include <set>
#include <vector>

#include "base/try.h"
#include "hash/blake3.h"
#include "pack/salvage/pack_salvager.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

ByteVector with_end(const ByteVector& text, std::string_view end) {
  ByteVector bytes = text;
  for (const char c : end) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

TEST(SalvageBasesTest, WhatLeansOnTheWholePartOfADamagedBaseComesBack) {
  const ByteVector text = prose(100, 1);
  const ByteVector base = with_end(text, "0123456789");
  ByteVector damaged = base;
  damaged.back() ^= std::byte{1};
  const ObjectId base_id = content_hash(ObjectType::kBlob, base);
  const ObjectId right = content_hash(ObjectType::kBlob, with_end(text, "end"));
  const ObjectId further = content_hash(ObjectType::kBlob, with_end(text, "endmore"));
  const ObjectId wrong = content_hash(ObjectType::kBlob, with_end(base, "x"));
  for (const bool with_lost : {false, true}) {
    PackDraft draft;
    draft.add_raw(base_id, ObjectType::kBlob, damaged);
    draft.add_delta(right, base_id, 103, append_program(100, "end"));
    draft.add_delta(further, right, 107, append_program(103, "more"));
    if (with_lost) draft.add_delta(wrong, base_id, 111, append_program(110, "x"));
    MemoryFileSystem files;
    ASSERT_THAT(write_file(files, "/a.pack", draft.pack()), IsOk());
    ASSERT_OK_AND_ASSIGN(salvager, PackSalvager::open("/a.pack", {.file_system = &files}));
    EXPECT_EQ(salvager.report().entries_whole, 2u);
    EXPECT_EQ(salvager.report().deltas_lost, with_lost ? 1u : 0u);
    std::vector<SalvagedEntry> entries;
    ReadContext context;
    ASSERT_THAT(salvager.for_each([&](const SalvagedEntry& entry) -> Result<void> {
      const ObjectView object = TRY(salvager.get_at(entry, context));
      EXPECT_EQ(store_id(object.type, object.payload), entry.entry.id);
      entries.push_back(entry);
      return {};
    }),
                IsOk());
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(entries[0].entry.id, right);
    EXPECT_TRUE(entries[0].base_lost);
    EXPECT_EQ(entries[1].entry.id, further);
    EXPECT_FALSE(entries[1].base_lost);
  }
}

}  // namespace
}  // namespace bale
