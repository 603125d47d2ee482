// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// StoredObjects: the objects of an import that the store already has. The import relies on them, so
// it checks them: their links must be listed as well (import_check.h), and a damaged one must be
// imported again.
//
//   StoredObjects stored = TRY(StoredObjects::create(store, options));
//   TRY(stored.add(oid, location));                        // in any order
//   TRY(stored.check(log, [&](const GitOid& damaged, bool) { return reader.request(damaged); }));
//
// They are read in pack order. Blobs have no links, so they are not read if the pack's checksum
// matches; it is checked if that is cheaper for the number of wanted objects.
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
  [[nodiscard]] static Result<StoredObjects> create(const Snapshot& store,
                                                    const StoredObjectsOptions& options);

  /// Adds an object at its location. `is_reached`: by a ref; otherwise its links do not count.
  Result<void> add(const GitOid& oid, const ObjectLocation& location, bool is_reached = true);

  /// Called with an unreadable object, and whether it is reached.
  using UseDamaged = std::function<Result<void>(const GitOid& oid, bool is_reached)>;

  /// Adds all readable objects to `log` and calls `use_damaged` for the others. Call once.
  Result<void> check(LinkLog& log, const UseDamaged& use_damaged);

 private:
  using Sorter = ExternalSorter<64>;

  StoredObjects(const Snapshot& store, const StoredObjectsOptions& options)
      : store_(store),
        options_(options),
        budget_(std::make_unique<Budget>(options.memory_bytes / 8)) {}

  [[nodiscard]] Result<bool> is_proven(std::uint32_t pack) const;
  Result<void> read_links(const GitOid& oid, const ObjectLocation& at, const EntryInfo& info,
                          LinkLog& log, ReadContext& context) const;
  Result<void> read_through(const GitOid& oid, const ObjectLocation& at,
                            ReadContext& context) const;

  Snapshot store_;
  StoredObjectsOptions options_;
  std::unique_ptr<Budget> budget_;
  std::optional<Sorter> by_place_;
  std::map<std::uint32_t, std::uint64_t> wanted_;  // number of objects in each pack
};

}  // namespace bale
