// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// EntryWriter: one append-only stream of entries, from the pack's header to its trailer.
//
// It knows the pack's grammar and what may follow what; it knows nothing of how payloads are
// compressed, nor of files but the one it is given. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bale/file_system.h"
#include "bale/result.h"
#include "base/budget.h"
#include "format/container.h"
#include "format/entry.h"
#include "pack/hashed_writer.h"

namespace bale {

inline constexpr std::size_t kPackWriteBufferBytes = 256 << 10;

class EntryWriter {
 public:
  /// Writes the header. With a declared count it is whole at once; else the count is filled in by
  /// finish().
  [[nodiscard]] static Result<EntryWriter> create(File& file, std::uint64_t file_offset,
                                                  Budget& budget,
                                                  std::optional<std::uint64_t> declared_count);

  /// Appends a whole entry. Requires header.stored_size == stored.size(). Returns its offset.
  Result<std::uint64_t> append(const EntryHeader& header, Bytes stored);

  /// Begins an entry whose payload follows in pieces, and whose id is known in the end. Its stored
  /// size may be known then too (nullopt). Returns its offset.
  Result<std::uint64_t> begin(IdKind kind, ObjectType type, std::uint64_t size,
                              std::optional<std::uint64_t> stored_size);
  Result<void> append_payload(Bytes piece);

  /// Ends it, and fills in its id and its stored size. Requires an id of the kind begun with.
  Result<void> end(const ObjectId& id);

  /// Stored bytes of the entry that is open.
  [[nodiscard]] std::uint64_t open_payload_bytes() const {
    return out_.position() - payload_position_;
  }

  /// Hands everything on to the file. Returns how many bytes from the pack's first will not change
  /// any more.
  Result<std::uint64_t> flush();

  struct Finished {
    Digest trailer;  ///< BLAKE3 of all before it
    Digest name;     ///< BLAKE3 of the whole pack
    std::uint64_t pack_bytes = 0;
  };

  /// Fills in the count, appends the trailer and hands everything on to the file.
  Result<Finished> finish();

  [[nodiscard]] std::uint64_t entry_count() const { return entry_count_; }

 private:
  explicit EntryWriter(HashedWriter out) : out_(std::move(out)) {}

  HashedWriter out_;
  std::optional<Hole> count_hole_;
  std::optional<Hole> id_hole_;  // open while a payload is fed
  std::optional<Hole> size_hole_;
  std::uint64_t entry_count_ = 0;
  std::uint64_t payload_position_ = 0;  // where the open entry's payload begins
};

}  // namespace bale
