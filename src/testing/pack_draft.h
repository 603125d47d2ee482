// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackDraft: a pack put together by hand, entry by entry, so that tests can hand a reader what no
// builder would write. Also delta programs put together by hand.
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
  /// Appends an entry; its stored size is that of `stored`, everything else is as the header says,
  /// however wrong. Returns its offset.
  std::uint64_t add(EntryHeader header, Bytes stored,
                    StoredSizeForm form = StoredSizeForm::kShortest);

  /// A whole object, stored as it is.
  std::uint64_t add_raw(const ObjectId& id, ObjectType type, Bytes payload);

  /// An object of `size` bytes that `program` rebuilds.
  std::uint64_t add_delta(const ObjectId& id, const ObjectId& base, std::uint64_t size,
                          Bytes program);

  /// The pack, under a right checksum. `count`: what the header says; the truth without it.
  [[nodiscard]] ByteVector pack(std::optional<std::uint64_t> count = std::nullopt) const;

  enum class Trailer : std::uint8_t { kWith, kWithout };

  /// An index of the entries so far: with the trailer that bale writes, or as others do. Of an id
  /// that repeats it has the first entry.
  [[nodiscard]] ByteVector index(Trailer trailer = Trailer::kWith) const;

  /// The offset that index() gives for an entry instead of the true one.
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
