// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// SalvageProver: says of bytes in a damaged pack whether they are an entry: whether what they
// decode to is what the id before them says.
//
// A header is cheap to look at; a payload is not, and a hostile file may be full of headers whose
// payloads overlap. So what is read and decoded in vain is counted, and limited: what is left is
// what one try may take at most. What is proven does not count: such entries do not overlap.
//
// Memory: the context's. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

#include "format/entry.h"
#include "pack/read/entry_decoder.h"

namespace bale {

/// Whether an entry could have this header, before anything else of it was looked at: sizes that
/// can belong together, and the kind of id that a store gives to this type.
[[nodiscard]] bool is_plausible(const EntryHeader& header);

class SalvageProver {
 public:
  struct Found {
    std::uint64_t offset = 0;
    EntryHeader header;

    [[nodiscard]] std::uint64_t end() const {
      return offset + header.header_bytes + header.stored_size;
    }
  };

  using WrongSink = std::function<Result<void>(const Found&)>;

  /// The pack and the context must outlive the prover. `on_wrong` is told of what can be decoded
  /// and is not what its id says, perhaps more than once; by chance that may be no entry at all.
  SalvageProver(const PackBytes& pack, ReadContext& context, std::uint64_t most_vain_bytes,
                WrongSink on_wrong)
      : pack_(pack),
        decoder_(pack),
        context_(read_memory(context)),
        most_vain_bytes_(most_vain_bytes),
        on_wrong_(std::move(on_wrong)) {}

  /// The entry at `offset`, if there is one: proven if it is no delta; of a delta, that its program
  /// makes as many bytes as the header says.
  Result<std::optional<Found>> try_at(std::uint64_t offset);

  /// Bytes that were read and decoded in vain so far.
  [[nodiscard]] std::uint64_t vain_bytes() const { return vain_bytes_; }

  [[nodiscard]] bool ran_out() const { return vain_bytes_ >= most_vain_bytes_; }

  void allow_more(std::uint64_t bytes) { most_vain_bytes_ += bytes; }

  /// How many could not be looked at in the context's memory.
  [[nodiscard]] std::uint64_t too_large() const { return too_large_; }

 private:
  Result<bool> begins_like_frames(const Found& found) const;
  Result<bool> prove_whole(const Found& found);
  Result<bool> check_program(const Found& found);

  const PackBytes& pack_;
  EntryDecoder decoder_;
  ReadMemory& context_;
  std::uint64_t most_vain_bytes_;
  WrongSink on_wrong_;
  std::uint64_t vain_bytes_ = 0;
  std::uint64_t too_large_ = 0;
};

}  // namespace bale
