// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackDraft: builds a pack entry by entry, so that tests can give a reader packs that no builder
// would write. Also builds delta programs.
//
//   PackDraft draft;
//   draft.add({.id = a, .size = 3}, bytes_of("abc"));
//   put_pack(files, "/a.pack", draft.pack(), draft.index());

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bale/bytes.h"
#include "bale/object.h"
#include "format/container.h"
#include "format/entry.h"
#include "testing/pack_fixture.h"

namespace bale {

/// Not thread-safe.
class PackDraft {
 public:
  /// Appends an entry with the size of `stored` and otherwise the given header, however wrong.
  /// Returns its offset.
  std::uint64_t add(EntryHeader header, Bytes stored,
                    StoredSizeForm form = StoredSizeForm::kShortest);

  /// Adds a whole object, uncompressed.
  std::uint64_t add_raw(const ObjectId& id, ObjectType type, Bytes payload);

  /// Adds an object of `size` bytes that `program` rebuilds.
  std::uint64_t add_delta(const ObjectId& id, const ObjectId& base, std::uint64_t size,
                          Bytes program);

  /// The pack, with a correct checksum. `count`: the header's; the true one by default.
  [[nodiscard]] ByteVector pack(std::optional<std::uint64_t> count = std::nullopt) const;

  enum class Trailer : std::uint8_t { kWith, kWithout };

  /// An index of the entries so far, with or without bale's trailer. Of a repeated id it has the
  /// first entry.
  [[nodiscard]] ByteVector index(Trailer trailer = Trailer::kWith) const;

  /// Makes index() give another offset for an entry.
  void redirect(std::uint64_t from_offset, std::uint64_t to_offset);

 private:
  struct Placed {
    ObjectId id;
    std::uint64_t offset = 0;
  };

  std::vector<Placed> placed_;
  ByteVector entries_;
};

/// A program that rebuilds its base of `base_size` bytes (at most 65,535) followed by `suffix`.
[[nodiscard]] ByteVector append_program(std::size_t base_size, std::string_view suffix);

}  // namespace bale
