// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// EntryDecoder: from an offset in a pack to an object: headers, decompression, chains of deltas.
//
// Everything it reads is untrusted: every field is checked before it is used, nothing is read
// outside the file, and no buffer is larger than what the context's budget grants. Errors name the
// file and the offset.
//
// Thread-safe, with a context a thread. Pack and index must outlive the decoder.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bale/pack_reader.h"
#include "format/entry.h"
#include "pack/read/index_view.h"
#include "pack/read/pack_bytes.h"
#include "pack/read/read_context.h"

namespace bale {

class EntryDecoder {
 public:
  EntryDecoder(const PackBytes& pack, const IndexView& index) : pack_(&pack), index_(&index) {}

  /// One that knows no bases: every delta is corrupt.
  explicit EntryDecoder(const PackBytes& pack) : pack_(&pack) {}

  /// The header of the entry at `offset`, whose payload is known to lie inside the file.
  Result<EntryHeader> header(std::uint64_t offset, ReadMemory& context) const;

  /// The entry's facts; follows a delta's chain by headers alone.
  Result<EntryInfo> info(std::uint64_t offset, ReadMemory& context) const;

  /// The object. The view is valid until the context's next use. kLimitExceeded, with the memory
  /// that would do, whatever was read with this context before.
  Result<ObjectView> get(std::uint64_t offset, ReadMemory& context) const;

  /// The same where the header is at hand, as header() gave it.
  Result<ObjectView> get(std::uint64_t offset, const EntryHeader& header,
                         ReadMemory& context) const;

  /// The object that the index says lies at `offset`. kCorrupt where another one does.
  Result<ObjectView> get(const ObjectId& id, std::uint64_t offset, ReadMemory& context) const;

  /// The header that the index says lies at `offset`. kCorrupt where it is another id's.
  Result<EntryHeader> header_of(const ObjectId& id, std::uint64_t offset,
                                ReadMemory& context) const;

  /// The entry as it lies in the file, with its payload where that has no more than
  /// `most_stored_bytes`. The view is valid until the context's next use.
  Result<StoredEntry> stored(std::uint64_t offset, std::uint64_t most_stored_bytes,
                             ReadMemory& context) const;

  /// Its stored payload in pieces.
  Result<void> read_stored(std::uint64_t offset, ReadMemory& context,
                           const PackReader::PayloadSink& sink) const;

  /// Whether these frames hold so many bytes of content. `offset` is that of their entry.
  Result<void> check_frames(std::uint64_t offset, Bytes frames, std::uint64_t content_bytes,
                            ReadMemory& context) const;

  /// The object in pieces; what is not a delta takes little memory at any size.
  Result<ObjectType> read(std::uint64_t offset, ReadMemory& context,
                          const PackReader::PayloadSink& sink) const;
  Result<ObjectType> read(std::uint64_t offset, const EntryHeader& header, ReadMemory& context,
                          const PackReader::PayloadSink& sink) const;

 private:
  Result<EntryHeader> read_header(std::uint64_t offset, ReadMemory& context) const;
  Result<ObjectType> read_in_pieces(std::uint64_t offset, const EntryHeader& header,
                                    ReadMemory& context, const PackReader::PayloadSink& sink) const;

  // A delta of a chain: what is needed to apply it.
  struct Link {
    std::uint64_t offset = 0;
    EntryHeader header;
  };

  [[nodiscard]] Error too_little_memory(std::uint64_t offset, ReadMemory& context) const;
  Result<ObjectView> decode(std::uint64_t offset, const EntryHeader& header,
                            ReadMemory& context) const;
  Result<ObjectView> decode_frugally(std::uint64_t offset, const EntryHeader& header,
                                     ReadMemory& context) const;
  std::optional<ObjectView> get_plain(const ObjectId& id, std::uint64_t offset,
                                      ReadMemory& context) const;
  void remember(std::uint64_t offset, ObjectType type, Bytes payload, ReadMemory& context) const;
  [[nodiscard]] Error corrupt(std::uint64_t offset, std::string_view what) const;
  Result<Bytes> bytes(std::uint64_t offset, std::uint64_t size, ReadMemory& context) const;
  Result<std::uint64_t> base_offset(const Link& delta) const;
  Result<Bytes> whole(std::uint64_t offset, const EntryHeader& header, ReadMemory::Use use,
                      ReadMemory& context) const;
  Result<Bytes> decompress(std::uint64_t offset, Bytes stored, std::uint64_t size,
                           ReadMemory::Use use, ReadMemory& context) const;
  Result<std::uint64_t> program_room(const Link& link, Bytes stored) const;
  Result<Bytes> program(const Link& link, ReadMemory& context) const;
  Result<ObjectView> rebuild(std::uint64_t offset, const EntryHeader& header,
                             ReadMemory& context) const;

  const PackBytes* pack_;
  const IndexView* index_ = nullptr;
};

}  // namespace bale
