// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// EntryBlock: what one piece of work of the build pipeline carries: a row of encoded entries, or a
// piece of a payload that is too large for one.
//
//   buffer  | entry | entry | entry | ...   free   ... | starts of the entries, u32 each |
//
// The caller of a builder encodes each object here as if it were stored raw, so a block of objects
// that nobody compresses is already what goes into the pack. Entries worth a try are marked; a
// BlockEncoder makes another block of it, in which they are compressed where that helps.
//
// A piece is up to 1 MiB of one payload. The first has the entry's header before it, its id and its
// stored size still zero; the last says what they are.
//
// Memory: the buffer, which the block does not own. Not thread-safe.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "bale/bytes.h"
#include "bale/object.h"
#include "format/entry.h"
#include "pack/deltas/base_search.h"

namespace bale {

class EntryBlock {
 public:
  /// A row of entries is handed over once it has so many bytes, or so many entries: large enough
  /// that handing over costs nothing, small enough to stay in a core's cache.
  static constexpr std::size_t kFullBytes = 256 << 10;
  static constexpr std::size_t kMaxEntries = 4096;

  /// What the buffer of a block must measure: a frame's worth of payload that did not shrink; and
  /// with a search, room for deltas.
  [[nodiscard]] static std::size_t buffer_bytes(bool with_search = false);

  enum class Treatment : std::uint8_t { kAsItIs, kTryToCompress };

  /// Where one entry's header lies before a payload in pieces.
  struct PieceStart {
    IdKind kind = IdKind::kContentHash;
    std::size_t header_bytes = 0;
    bool stored_size_open = false;  ///< else only the id is
  };

  struct PieceEnd {
    ObjectId id;
    std::uint64_t object_bytes = 0;  ///< of all pieces, not compressed
    std::optional<ObjectId> base;    ///< of a delta
  };

  EntryBlock() = default;

  /// With a search, of which a block has at most so many entries as it has room for.
  explicit EntryBlock(MutableBytes buffer, BlockSearch* search = nullptr)
      : buffer_(buffer), search_(search) {}

  /// Empties it.
  void clear();

  /// Whether an entry with so many bytes of payload may join. An empty block takes any up to 1 MiB.
  [[nodiscard]] bool has_room(std::uint64_t payload_bytes) const;

  [[nodiscard]] bool is_full() const {
    return bytes_ >= kFullBytes || entry_count_ == most_entries();
  }

  /// Appends an entry. Requires has_room(payload.size()) and header.stored_size == payload.size().
  void append(const EntryHeader& header, Bytes payload, Treatment treatment);

  /// Appends an entry whose payload and id follow. Returns where the payload goes.
  MutableBytes append_open(const EntryHeader& header, Treatment treatment);

  /// Gives the entry that was appended last its id, of the same kind as before.
  void set_last_id(const ObjectId& id);

  /// What is known of bases for the entry that was appended last. Requires search() != nullptr.
  void set_last_hints(const EntryHints& hints);

  /// Moves the entry that was appended last, whose payload is still being filled in, to `other`,
  /// which is empty. Returns where its payload goes now.
  MutableBytes move_last_entry(EntryBlock& other);

  /// Begins the first piece of a payload: writes its entry's header, whose id is still open, and
  /// its stored size if that is padded; deltas' must not be.
  void begin_payload(const EntryHeader& header, StoredSizeForm stored_size_form);

  void continue_payload() { is_piece_ = true; }

  /// How many bytes of payload the piece has room for: up to 1 MiB in all.
  [[nodiscard]] std::size_t piece_room() const;
  void append_piece(Bytes bytes);

  /// Says that the payload ends with this piece, and what stands in its header.
  void end_payload(const EntryHeader& header);

  /// Appends a frame without content.
  void append_empty_frame();

  [[nodiscard]] Bytes bytes() const { return buffer_.first(bytes_); }

  [[nodiscard]] std::size_t entry_count() const { return entry_count_; }

  /// One encoded entry, and what to do with it.
  [[nodiscard]] Bytes entry(std::size_t number) const;
  [[nodiscard]] std::size_t entry_start(std::size_t number) const;
  [[nodiscard]] Treatment treatment(std::size_t number) const;

  /// What one entry says of its object, where it is stored as it came.
  struct Payload {
    ObjectId id;
    ObjectType type = ObjectType::kBlob;
    std::size_t at = 0;  ///< in bytes()
    Bytes bytes;
  };

  /// Requires an entry that is not a delta.
  [[nodiscard]] Payload payload(std::size_t number) const;

  /// Keeps a program that makes the object of an entry, behind the entries; nothing more can be
  /// appended then. Nothing where there is no room: a large object takes most of it.
  std::optional<Bytes> keep_program(Bytes program);

  /// Of bases for the entries: null where none are looked for.
  [[nodiscard]] BlockSearch* search() const { return search_; }

  [[nodiscard]] bool wants_compression() const { return wants_compression_; }

  void want_compression() { wants_compression_ = true; }

  [[nodiscard]] bool has_deltas() const { return has_deltas_; }

  [[nodiscard]] bool is_piece() const { return is_piece_; }

  [[nodiscard]] const std::optional<PieceStart>& piece_start() const { return piece_start_; }

  [[nodiscard]] const std::optional<PieceEnd>& piece_end() const { return piece_end_; }

  /// Bytes of payload as they are stored.
  [[nodiscard]] std::uint64_t stored_bytes() const { return stored_bytes_; }

  // For the encoder, which makes this block, empty before, of another one. Of a row of entries it
  // takes runs as they are, and writes others into free_bytes(); of a piece, the content.

  /// Takes over what `from` says of itself, its search (which goes the other way round), and a
  /// payload's header if it begins with one.
  void begin_encoding(EntryBlock& from);

  void note_delta() { has_deltas_ = true; }

  /// Takes entries [first, last) as they are.
  void copy_entries(const EntryBlock& from, std::size_t first, std::size_t last);

  /// Everything after bytes().
  [[nodiscard]] MutableBytes free_bytes();

  /// What free_bytes() begins with is an entry, or the piece's content now; its payload has become
  /// smaller by so much.
  void add_encoded_entry(std::size_t entry_bytes, std::int64_t saved_bytes);
  void add_encoded_piece(std::size_t stored_bytes, std::int64_t saved_bytes);

 private:
  [[nodiscard]] std::size_t most_entries() const {
    return search_ != nullptr ? BlockSearch::kMostEntries : kMaxEntries;
  }

  void add_start(Treatment treatment);
  [[nodiscard]] std::byte* start_slot(std::size_t number) const;

  MutableBytes buffer_;
  BlockSearch* search_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t entry_count_ = 0;
  std::size_t header_bytes_of_last_ = 0;
  std::size_t program_bytes_ = 0;
  std::uint64_t stored_bytes_ = 0;
  bool wants_compression_ = false;
  bool has_deltas_ = false;
  bool is_piece_ = false;
  std::optional<PieceStart> piece_start_;
  std::optional<PieceEnd> piece_end_;
};

}  // namespace bale
