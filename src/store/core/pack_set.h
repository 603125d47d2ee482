// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackSet: what a Snapshot is made of: the packs of a store as they were at one moment, and where
// ids lead in them.
//
//   std::shared_ptr<const PackSet> packs = packs_of(snapshot);
//   if (const auto found = packs->find(oid)) use(found->location);
//
// Most packs are in the catalog, where one look-up serves them all. All packs of a store that has
// no more than 64 stay open for as long as the set lives, so that nothing in it can be missed.
// Those that came since the catalog was written are kept open and searched one by one, newest
// first. Of an id that several packs have, all look-ups lead to one and the same entry.
//
// A place in the tables of Git ids (table, position) is the key of whatever is kept for each
// object: closures have a bit for each.
//
// Thread-safe. It never changes; what it remembers (whether the catalog is sound, which packs came
// after it) saves work only.

#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bale/git_oid.h"
#include "bale/snapshot.h"
#include "store/core/catalog_view.h"
#include "store/core/pack_shelf.h"

namespace bale {

class PackSet : public std::enable_shared_from_this<PackSet> {
 public:
  /// The packs that are whole in packs/: those with a .pack and an .idx, newest first. Reads the
  /// catalog if all the packs it names are among them; opens those it does not have. With more than
  /// 64 of those it makes a catalog of its own, in an unlinked file: so that files open at a time
  /// are bounded. Packs that are damaged, that have no .idx, or that the system does not let us
  /// read, are left out and reported by damage(). Where a pack goes meanwhile, it looks again.
  /// kCorrupt where packs/ is missing.
  [[nodiscard]] static Result<std::shared_ptr<const PackSet>> read(
      std::shared_ptr<PackShelf> shelf);

  /// Those that can be read, newest first, by their numbers on the shelf.
  [[nodiscard]] const std::vector<std::uint32_t>& numbers() const { return numbers_; }

  [[nodiscard]] PackShelf& shelf() const { return *shelf_; }

  /// Of numbers(), those that are not in the store's catalog.
  [[nodiscard]] std::size_t uncataloged_count() const {
    return own_catalog_ ? numbers_.size() : loose_.size();
  }

  /// Of those, how many are so large that searching them costs a good part of what the catalog
  /// costs, and the records that these have together.
  struct LargeBeside {
    std::size_t packs = 0;
    std::uint64_t records = 0;
  };

  [[nodiscard]] LargeBeside large_beside_catalog() const;

  /// The store's, or this set's own.
  [[nodiscard]] const CatalogView* catalog() const { return catalog_ ? &*catalog_ : nullptr; }

  /// What is wrong with a pack that cannot be opened, with the Git index of one, or the catalog.
  struct Damage {
    std::string pack;         ///< its name; empty for the catalog
    bool unreadable = false;  ///< the pack itself; otherwise only what could be made anew
    Error error;

    /// The system refuses to read it (no permission, an I/O error): what it holds is unknown, and
    /// not lost.
    [[nodiscard]] bool is_inaccessible() const {
      return !pack.empty() && error.code == ErrorCode::kIo;
    }
  };

  [[nodiscard]] const std::vector<Damage>& damage() const { return damage_; }

  /// The first of damage() that is_inaccessible(); null if there is none.
  [[nodiscard]] const Damage* inaccessible() const;

  /// Whether ids that are not found are in none of the packs: false where the catalog's checksum is
  /// wrong. Its first call reads the catalog from end to end.
  [[nodiscard]] bool catalog_is_sound() const;

  /// The same packs without the catalog: all are opened, or, if they are many, in a catalog of this
  /// set's own. `why`, if there is one, is among its damage().
  [[nodiscard]] Result<std::shared_ptr<const PackSet>> without_catalog(
      const std::optional<Error>& why = {}) const;

  /// This set, or without_catalog() where the catalog's checksum is wrong. For what concludes that
  /// an id which is not found is in none of the packs.
  [[nodiscard]] Result<std::shared_ptr<const PackSet>> proven() const;

  /// The packs of the store as they are now; or, unless `again`, as they were at the last call.
  [[nodiscard]] Result<std::shared_ptr<const PackSet>> later(bool again) const;

  /// Pack `number`, opened if need be: see PackShelf.
  [[nodiscard]] Result<std::shared_ptr<const StoredPack>> open(std::uint32_t number) const;

  struct Place {
    std::shared_ptr<const StoredPack> pack;
    std::uint64_t offset = 0;
  };

  /// The pack of a location. Where it was collected before it was opened: where later packs have
  /// the object with this id, if one is known. All reading by ids goes through here, so nobody else
  /// needs to look again.
  [[nodiscard]] Result<Place> open_at(const ObjectLocation& location, const LookupId& id) const;

  /// Calls `use` for every place in a pack to which that pack's own indexes lead from `oid`, or, if
  /// there is none or the pack has lost its Git index, from `id`, newest pack first, until it
  /// returns true. The catalog is not asked. Packs that
  /// cannot be opened are left out. Slow: for objects whose entry is damaged.
  void for_each_copy(const std::optional<GitOid>& oid, const std::optional<ObjectId>& id,
                     const std::function<bool(const ObjectLocation&)>& use) const;

  /// A set of those packs that are there now and whose names `is_wanted` takes, without the store's
  /// catalog.
  [[nodiscard]] Result<std::shared_ptr<const PackSet>> only(
      const std::function<bool(const std::string& name)>& is_wanted) const;

  // ---- Git ids

  struct Found {
    std::uint32_t table = 0;
    std::uint64_t position = 0;
    ObjectLocation location;
  };

  [[nodiscard]] std::optional<Found> find(const GitOid& oid) const;

  /// By either id; nullopt also for none.
  [[nodiscard]] std::optional<ObjectLocation> find(const LookupId& id) const;

  [[nodiscard]] std::uint32_t table_count() const {
    return static_cast<std::uint32_t>(tables_.size());
  }

  [[nodiscard]] std::uint64_t record_count(std::uint32_t table) const;

  [[nodiscard]] GitHash hash(std::uint32_t table) const { return tables_[table].hash; }

  [[nodiscard]] GitOid oid(std::uint32_t table, std::uint64_t position) const;

  /// nullopt for a record of a damaged catalog.
  [[nodiscard]] std::optional<ObjectLocation> location(std::uint32_t table,
                                                       std::uint64_t position) const;

  /// The first position in the table whose id is not below `oid`, an id of its hash.
  [[nodiscard]] std::uint64_t lower_bound(std::uint32_t table, const GitOid& oid) const;

  void release_table_pages(std::uint32_t table) const;

  // ---- ids of objects

  [[nodiscard]] std::optional<ObjectLocation> find(const ObjectId& id) const;

  /// Calls `use` for the records with ids of this kind from `first` on, in order, row by row (the
  /// catalog, then each other pack), while it returns true.
  void for_each_from(const ObjectId& first,
                     const std::function<bool(const ObjectId&, const ObjectLocation&)>& use) const;

 private:
  // A row of the catalog, or the Git index of a loose pack.
  struct Table {
    GitHash hash;
    std::uint32_t pack = 0;                   // a loose one's number
    const GitIndexView* git_index = nullptr;  // null for a row of the catalog
    bool stays_resident = false;
  };

  struct Loose {
    std::uint32_t number;
    std::shared_ptr<const StoredPack> pack;
    bool stays_resident = false;  // its indexes: they are small
  };

  explicit PackSet(std::shared_ptr<PackShelf> shelf) : shelf_(std::move(shelf)) {}

  struct Selection {
    bool use_catalog = true;                                 // the store's
    std::function<bool(const std::string& name)> is_wanted;  // empty: all
    std::optional<Error> damage;                             // to be reported
  };

  static Result<std::shared_ptr<const PackSet>> read(std::shared_ptr<PackShelf> shelf,
                                                     const Selection& selection);
  Result<bool> read_once(const Selection& selection, std::set<std::string>& gone);
  void add_unlisted_damage(const std::vector<DirectoryEntry>& entries);
  [[nodiscard]] bool is_there_still(const std::string& name) const;
  Result<bool> make_catalog(const std::vector<std::uint32_t>& numbers);
  Result<void> list(const Selection& selection, std::vector<std::string>& names);
  void use_catalog(const std::vector<std::string>& names);
  void make_tables();
  void count_lookup() const;

  [[nodiscard]] ObjectLocation of_catalog(const CatalogView::Found& found) const {
    return {catalog_numbers_[found.pack], found.offset};
  }

  [[nodiscard]] FileSystem& files() const { return shelf_->file_system(); }

  [[nodiscard]] const StoreLayout& layout() const { return shelf_->layout(); }

  const std::shared_ptr<PackShelf> shelf_;
  std::vector<std::uint32_t> numbers_;
  std::vector<Loose> loose_;
  std::vector<std::shared_ptr<const StoredPack>> pinned_;  // of the catalog's, if they are few
  std::optional<CatalogView> catalog_;
  std::vector<std::uint32_t> catalog_numbers_;  // of the catalog's packs, on the shelf
  std::vector<Table> tables_;
  std::vector<Damage> damage_;
  std::uint64_t index_bytes_ = 0;
  bool own_catalog_ = false;  // made by this set, a moment ago
  mutable std::once_flag catalog_checked_;
  mutable std::optional<Error> catalog_error_;
  mutable std::atomic<std::uint64_t> lookups_ = 0;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const PackSet> proven_;  // without the catalog, once it was found wrong
  mutable std::shared_ptr<const PackSet> later_;
};

}  // namespace bale
