// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// StoredObjects: the part of an import that the store has already. An import counts on these
// objects without bringing them, so it looks at them: what they link to must be listed as well
// (import_check.h), and one whose entry is damaged must be brought after all.
//
//   StoredObjects stored = TRY(StoredObjects::create(store, options));
//   TRY(stored.add(oid, location));                        // in any order
//   TRY(stored.check(log, [&](const GitOid& damaged, bool) { return reader.request(damaged); }));
//
// They are read in the order of the packs. Blobs have no links, so those of a pack whose bytes are
// proven by its checksum are not read; whether proving it is cheaper is decided by how many objects
// of it are wanted.
//
// Memory: options.memory_bytes, an eighth to sort and the rest to read. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "bale/git_oid.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"
#include "base/budget.h"
#include "git/import/import_check.h"
#include "scratch/external_sorter.h"

namespace bale {

struct StoredObjectsOptions {
  std::uint64_t memory_bytes = 6 << 20;  ///< at least kMinStoredObjectsBytes
  std::string scratch_directory;
  const Operation* operation = nullptr;  ///< required
};

inline constexpr std::uint64_t kMinStoredObjectsBytes = 4 << 20;

class StoredObjects {
 public:
  /// Store and operation must outlive it.
  [[nodiscard]] static Result<StoredObjects> create(const Store& store,
                                                    const StoredObjectsOptions& options);

  /// An object, and where look-ups lead. `is_reached`: by a ref; otherwise its links do not count.
  Result<void> add(const GitOid& oid, const ObjectLocation& location, bool is_reached = true);

  /// Called with an object that cannot be read, and whether it is reached.
  using UseDamaged = std::function<Result<void>(const GitOid& oid, bool is_reached)>;

  /// Adds all to `log`, but for those that cannot be read, which `use_damaged` is called for. Call
  /// once.
  Result<void> check(LinkLog& log, const UseDamaged& use_damaged);

 private:
  using Sorter = ExternalSorter<64>;

  StoredObjects(const Store& store, const StoredObjectsOptions& options)
      : store_(&store),
        options_(options),
        budget_(std::make_unique<Budget>(options.memory_bytes / 8)) {}

  [[nodiscard]] Result<bool> is_proven(std::uint32_t pack) const;
  Result<void> read_links(const GitOid& oid, const ObjectLocation& at, const EntryInfo& info,
                          LinkLog& log, ReadContext& context) const;
  Result<void> read_through(const GitOid& oid, const ObjectLocation& at,
                            ReadContext& context) const;

  const Store* store_;
  StoredObjectsOptions options_;
  std::unique_ptr<Budget> budget_;
  std::optional<Sorter> by_place_;
  std::map<std::uint32_t, std::uint64_t> wanted_;  // how many objects of each pack
};

}  // namespace bale
