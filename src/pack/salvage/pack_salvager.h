// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackSalvager: finds every whole entry of a pack that is damaged, cut off, or holds what belongs
// in no pack; before, between and after the damage. No index is needed.
//
//   PackSalvager salvager = TRY(PackSalvager::open("broken.pack", options));
//   TRY(salvager.for_each([&](const SalvagedEntry& entry) -> Result<void> {
//     ... builder.add_stored(TRY(salvager.stored_at(entry, most_bytes, context)));
//   }));
//
// What it gives is proven: decoded, with its bases where it is a delta, it is what its id says by
// the rules of a store (is_store_id()). Entries under other ids are not found.
//
// open() reads the file once, and again where there are deltas. It takes time linear in the file's
// bytes, whatever they are: what is tried in vain is limited to 8 times those bytes and
// SalvageOptions::spare_vain_bytes; when that is used up it gives up searching, and says so.
//
// Memory: options.memory_bytes, half of it to decode; afterwards a few hundred bytes, and indexes
// that are mapped from scratch; 48 bytes a block that cannot be read, 3 MiB at most. Scratch: 42
// bytes an entry, and up to five times as much for the sort and three indexes. Not thread-safe;
// reading entries is, with a context a thread.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/pack_reader.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "pack/salvage/salvage_finder.h"

namespace bale {

inline constexpr std::uint64_t kMinSalvageBytes = 8 << 20;

struct SalvageOptions {
  std::uint64_t memory_bytes = 64 << 20;  ///< at least kMinSalvageBytes
  std::string scratch_directory;          ///< empty: where the pack lies
  /// An index that may tell where entries are; it may be damaged, stale, missing or another
  /// pack's. Empty: none is asked. A right one makes searching fast.
  std::string index_path;
  /// Enough for a few of the largest objects to be tried and found wrong.
  std::uint64_t spare_vain_bytes = std::uint64_t{4} << 30;
  Operation operation;
  FileSystem* file_system = nullptr;  ///< null: posix_file_system()
};

struct SalvageReport {
  std::optional<std::uint64_t> entries_declared;  ///< by the pack's header, if that is whole
  std::uint64_t entries_whole = 0;                ///< what for_each() gives
  /// Deltas whose program is whole, but could not be rebuilt: a base was lost, or was not what it
  /// should be, or the delta itself is damaged. for_each_lost() names them.
  std::uint64_t deltas_lost = 0;
  std::uint64_t bytes_skipped = 0;  ///< in which there is no entry; the trailer is not counted
  std::vector<SalvageGap> damage;   ///< where they are: the first 1,000
  /// In blocks of 4 KiB that the disk does not give. What they hold is lost, as if it were zeros.
  std::uint64_t bytes_unreadable = 0;
  bool gave_up = false;          ///< there may be more
  std::uint64_t vain_bytes = 0;  ///< read and decoded in vain
  /// Entries, or what looked like ones, that could not be decoded in this memory.
  std::uint64_t too_large = 0;
};

struct SalvagedEntry {
  /// Without its payload.
  StoredEntry entry;
  /// Of a delta: that what it was rebuilt on is not what its base's id says, or may not be; a part
  /// that is right may have done. To be stored whole, by get_at().
  bool base_lost = false;
  bool by_twin = false;  ///< for the salvager: how it was rebuilt
};

class PackSalvager {
 public:
  /// Finds and proves. An Error means that this could not be done: files that cannot be opened,
  /// memory that does not do, interruption. Damage is none, nor are up to 256 MiB of the pack that
  /// cannot be read. What can be read now and cannot later is an Error of the functions below.
  [[nodiscard]] static Result<PackSalvager> open(const std::string& path,
                                                 const SalvageOptions& options = {});

  PackSalvager(PackSalvager&&) noexcept;
  PackSalvager& operator=(PackSalvager&&) noexcept;
  ~PackSalvager();

  [[nodiscard]] const SalvageReport& report() const;

  using EntrySink = std::function<Result<void>(const SalvagedEntry&)>;

  /// Every entry that is proven, in the order of offsets; of an id that repeats, each. An Error of
  /// `sink` ends it and comes back. bale puts bases before their deltas; other writers may not.
  Result<void> for_each(const EntrySink& sink);

  /// The deltas that are lost, by their headers, which are not proven.
  Result<void> for_each_lost(const EntrySink& sink);

  /// Reading what for_each() gave: see the functions of the same names of PackReader.
  Result<StoredEntry> stored_at(const SalvagedEntry& entry, std::uint64_t most_stored_bytes,
                                ReadContext& context) const;
  Result<void> read_stored(const SalvagedEntry& entry, ReadContext& context,
                           const PackReader::PayloadSink& sink) const;
  Result<ObjectView> get_at(const SalvagedEntry& entry, ReadContext& context) const;
  Result<ObjectType> read_at(const SalvagedEntry& entry, ReadContext& context,
                             const PackReader::PayloadSink& sink) const;

 private:
  class Impl;
  explicit PackSalvager(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace bale
