// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackWalk: the entries of one pack as they lie in it, each with the Git id that leads to it. For
// maintenance, which takes entries over without decoding them.
//
//   PackWalk walk = TRY(PackWalk::create(store, number, {.memory_bytes = ...}));
//   while (const auto entry = TRY(walk.next())) use(entry->stored, entry->oid);
//
// A Git index leads from ids to offsets; here it is turned round, by an external sort.
//
// Memory: options.memory_bytes: half to sort, half to read, but
// kAnyObjectBytes to read at least. Not thread-safe.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/pack_reader.h"
#include "bale/progress.h"
#include "bale/store.h"
#include "base/budget.h"
#include "scratch/external_sorter.h"
#include "store/core/pack_shelf.h"

namespace bale {

struct PackWalkOptions {
  std::uint64_t memory_bytes = 8 << 20;  ///< at least kMinPackWalkBytes
  std::string scratch_directory;
  /// Stored payloads of at most so many bytes are read and given; 0: headers only.
  std::uint64_t most_stored_bytes = 0;
  const Operation* operation = nullptr;
};

inline constexpr std::uint64_t kMinPackWalkBytes = 4 << 20;

class PackWalk {
 public:
  struct Entry {
    StoredEntry stored;         ///< its payload is valid until the next next(), or use of context()
    std::optional<GitOid> oid;  ///< none for records, and for entries whose id an earlier one has
  };

  /// Store and operation must outlive it. kCorrupt for a pack without a Git index.
  [[nodiscard]] static Result<PackWalk> create(const Snapshot& store, std::uint32_t number,
                                               const PackWalkOptions& options);

  /// nullopt after the last entry.
  Result<std::optional<Entry>> next();

  [[nodiscard]] const StoredPack& pack() const { return *pack_; }

  [[nodiscard]] ReadContext& context() { return *context_; }

 private:
  PackWalk(std::shared_ptr<const StoredPack> pack, const PackWalkOptions& options)
      : pack_(std::move(pack)), options_(options) {}

  Result<void> turn_round(const Snapshot& store);
  Result<std::optional<GitOid>> oid_at(std::uint64_t offset);
  Result<void> next_oid();

  // Of both kinds of Git id: an offset, and the id behind it.
  using Sorter = ExternalSorter<40>;

  std::shared_ptr<const StoredPack> pack_;
  PackWalkOptions options_;
  std::unique_ptr<Budget> budget_;
  std::optional<Sorter> by_offset_;
  std::optional<Sorter::Record> waiting_;  // the next record of by_offset_
  std::optional<ReadContext> context_;
  std::uint64_t offset_ = 0;
  std::uint64_t entries_ = 0;
};

}  // namespace bale
