// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/pack_set.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/damage.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"
#include "io/path.h"
#include "store/core/catalog_writer.h"
#include "store/core/layout.h"

namespace bale {
namespace {

// The index pages that look-ups leave resident are given back now and then: each look-up touches
// about one group of pages that the system maps at once. The indexes of small packs stay: giving
// them back costs every look-up that misses a page fault for each.
constexpr std::uint64_t kPageGroupBytes = 64 << 10;
constexpr std::uint64_t kMostResidentBytes = 16 << 20;
constexpr std::uint64_t kSmallRecords = 2048;
constexpr std::uint64_t kMostSmallRecords = 1 << 16;

// Of a store with no more packs than that all stay open, so that its readers never miss one that is
// collected meanwhile.
constexpr std::size_t kMostPinned = 64;

// With more packs that no catalog has, each look-up is slow enough, and each Store would hold
// enough files open, that making a catalog pays at once.
constexpr std::size_t kMostLoose = 64;

// How often packs may be collected between a look-up and the opening of what it led to.
constexpr int kFindAttempts = 10;

// How often the directory is looked at again because a pack went while the set was read.
constexpr int kSetAttempts = 100;

// The names of packs that are there whole: both .pack and .idx.
std::vector<std::string> whole_packs(const std::vector<DirectoryEntry>& entries) {
  std::set<std::string_view> files;
  for (const DirectoryEntry& entry : entries) files.insert(entry.name);
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : entries) {
    if (!entry.name.ends_with(kPackSuffix)) continue;
    std::string name = entry.name.substr(0, entry.name.size() - kPackSuffix.size());
    if (files.contains(name + ".idx")) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

Result<std::shared_ptr<const PackSet>> PackSet::read(std::shared_ptr<PackShelf> shelf,
                                                     const Selection& selection) {
  std::set<std::string> gone;
  for (int attempt = 0; attempt < kSetAttempts; ++attempt) {
    const std::shared_ptr<PackSet> set(new PackSet(shelf));
    if (TRY(set->read_once(selection, gone))) return std::shared_ptr<const PackSet>(set);
  }
  return fail(ErrorCode::kIo, "{}: packs came and went {} times while they were opened",
              shelf->layout().packs(), kSetAttempts);
}

Result<std::shared_ptr<const PackSet>> PackSet::read(std::shared_ptr<PackShelf> shelf) {
  return read(std::move(shelf), {});
}

Result<std::shared_ptr<const PackSet>> PackSet::without_catalog(
    const std::optional<Error>& why) const {
  return read(shelf_, {.use_catalog = false, .is_wanted = {}, .damage = why});
}

Result<std::shared_ptr<const PackSet>> PackSet::only(
    const std::function<bool(const std::string& name)>& is_wanted) const {
  return read(shelf_, {.use_catalog = false, .is_wanted = is_wanted, .damage = {}});
}

Result<std::shared_ptr<const PackSet>> PackSet::proven() const {
  if (catalog_is_sound()) return shared_from_this();
  const std::lock_guard lock(mutex_);
  if (proven_ == nullptr) {
    proven_ = TRY(without_catalog(fail(
        ErrorCode::kCorrupt, "{}: its checksum is wrong, and it is not used", layout().catalog())));
  }
  return proven_;
}

Result<std::shared_ptr<const PackSet>> PackSet::later(bool again) const {
  const std::lock_guard lock(mutex_);
  if (later_ == nullptr || again) later_ = TRY(read(shelf_));
  return later_;
}

Result<std::shared_ptr<const StoredPack>> PackSet::open(std::uint32_t number) const {
  Result<std::shared_ptr<const StoredPack>> pack = shelf_->open(number);
  if (pack || pack.error().code != ErrorCode::kNotFound) return pack;
  return fail(ErrorCode::kNotFound, "{}: the pack was taken away meanwhile (try again)",
              layout().pack(shelf_->name(number)));
}

Result<PackSet::Place> PackSet::open_at(const ObjectLocation& location, const LookupId& id) const {
  Result<std::shared_ptr<const StoredPack>> pack = open(location.pack);
  if (pack) return Place{std::move(*pack), location.offset};
  if (pack.error().code != ErrorCode::kNotFound || !id.is_known()) return pack.error();
  for (int attempt = 0; attempt < kFindAttempts; ++attempt) {
    const std::shared_ptr<const PackSet> now = TRY(later(attempt > 0));
    const std::optional<ObjectLocation> found = now->find(id);
    if (!found && attempt > 0) break;
    if (!found) continue;
    Result<std::shared_ptr<const StoredPack>> there = open(found->pack);
    if (there) return Place{std::move(*there), found->offset};
    if (there.error().code != ErrorCode::kNotFound) return there.error();
  }
  return pack.error();
}

const PackSet::Damage* PackSet::inaccessible() const {
  const auto found = std::find_if(damage_.begin(), damage_.end(),
                                  [](const Damage& damage) { return damage.is_inaccessible(); });
  return found != damage_.end() ? &*found : nullptr;
}

bool PackSet::catalog_is_sound() const {
  if (!catalog_ || own_catalog_) return true;
  std::call_once(catalog_checked_, [this] {
    const Result<void> checked = catalog_->check_checksum();
    if (!checked) catalog_error_ = checked.error();
  });
  return !catalog_error_;
}

void PackSet::for_each_copy(const std::optional<GitOid>& oid, const std::optional<ObjectId>& id,
                            const std::function<bool(const ObjectLocation&)>& use) const {
  for (const std::uint32_t number : numbers_) {
    const Result<std::shared_ptr<const StoredPack>> pack = shelf_->open(number);
    if (!pack) continue;
    std::optional<std::uint64_t> by_oid;
    if (oid && (*pack)->git_index && (*pack)->git_index->hash() == oid->hash()) {
      if (const auto found = (*pack)->git_index->find(*oid)) by_oid = found->offset;
    }
    if (by_oid && use({number, *by_oid})) return;
    // A blob that came under ids of both hashes is two entries with one id of the store's own:
    // repair keeps each under its own Git id only.
    if (!id || (oid && (*pack)->git_index)) continue;
    const std::optional<std::uint64_t> by_id = (*pack)->reader.find(*id);
    if (by_id && by_id != by_oid && use({number, *by_id})) return;
  }
}

// A writer puts .idx before .pack, and maintenance takes .pack away before .idx: so what has only a
// .pack has lost its index. The listing alone does not tell: it may be older than the .idx.
void PackSet::add_unlisted_damage(const std::vector<DirectoryEntry>& entries) {
  std::set<std::string_view> listed;
  for (const DirectoryEntry& entry : entries) listed.insert(entry.name);
  for (const DirectoryEntry& entry : entries) {
    if (!entry.name.ends_with(kPackSuffix) || entry.kind == FileKind::kDirectory) continue;
    const std::string name = entry.name.substr(0, entry.name.size() - kPackSuffix.size());
    if (listed.contains(name + ".idx") || files().stat(layout().index(name)) ||
        !files().stat(layout().pack(name))) {
      continue;
    }
    damage_.push_back({name, true,
                       fail(ErrorCode::kCorrupt, {HintKind::kRepair}, "{}: {}", layout().pack(name),
                            name.ends_with(kDamagedMark) ? "a repair of the pack was interrupted"
                                                         : "the pack has no index")});
  }
}

// Newest first. A pack that went between the listing and the look at its age is an old one.
Result<void> PackSet::list(const Selection& selection, std::vector<std::string>& names) {
  const Result<std::vector<DirectoryEntry>> entries = files().list(layout().packs());
  if (!entries && entries.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kCorrupt, {HintKind::kRestoreBackup},
                "{}: the directory is missing, and with it all packs", layout().packs());
  }
  if (!entries) return entries.error();
  add_unlisted_damage(*entries);
  std::vector<std::pair<std::int64_t, std::string>> by_age;
  for (std::string& name : whole_packs(*entries)) {
    if (selection.is_wanted && !selection.is_wanted(name)) continue;
    const Result<FileInfo> info = files().stat(layout().pack(name));
    by_age.emplace_back(info ? -info->modified_ns : 0, std::move(name));
  }
  std::sort(by_age.begin(), by_age.end());
  for (auto& aged : by_age) names.push_back(std::move(aged.second));
  return {};
}

// Whether a pack of which a file is not found is in packs/ all the same: a link that leads nowhere.
bool PackSet::is_there_still(const std::string& name) const {
  return files().stat(layout().pack(name)) && files().stat(layout().index(name));
}

// False where a pack went while it was opened: another one with its objects may have come that the
// listing does not have. `gone`: those that went in earlier attempts.
Result<bool> PackSet::read_once(const Selection& selection, std::set<std::string>& gone) {
  if (selection.damage) damage_.push_back({"", false, *selection.damage});
  std::vector<std::string> names;
  TRY(list(selection, names));
  if (selection.use_catalog) use_catalog(names);
  const bool too_many_loose = names.size() - catalog_numbers_.size() > kMostLoose;
  if (too_many_loose) catalog_numbers_.clear();
  const std::set<std::uint32_t> cataloged(catalog_numbers_.begin(), catalog_numbers_.end());
  std::vector<std::uint32_t> to_catalog;
  for (const std::string& name : names) {
    const std::uint32_t number = shelf_->number_of(name);
    const bool in_catalog = cataloged.contains(number);
    if (in_catalog && names.size() > kMostPinned) {
      numbers_.push_back(number);
      continue;
    }
    Result<std::shared_ptr<const StoredPack>> pack = shelf_->open(number);
    if (!pack && pack.error().code == ErrorCode::kNotFound) {
      if (gone.insert(name).second || !is_there_still(name)) return false;
      pack = fail(ErrorCode::kIo, "{}", pack.error().message);
    }
    if (!pack && pack.error().code == ErrorCode::kIo) {
      damage_.push_back({name, true, pack.error()});
      continue;
    }
    if (in_catalog && (pack || is_unreadable(pack.error()))) {
      // What is damaged is told of when it is wanted, as with more packs.
      numbers_.push_back(number);
      if (pack) pinned_.push_back(std::move(*pack));
      continue;
    }
    if (!pack && is_unreadable(pack.error())) {
      damage_.push_back({name, true, pack.error()});
      continue;
    }
    if (!pack) return pack.error();
    if ((*pack)->git_index_error) damage_.push_back({name, false, *(*pack)->git_index_error});
    numbers_.push_back(number);
    if (too_many_loose && !(*pack)->git_index_error && has_digest_name(*shelf_, number)) {
      to_catalog.push_back(number);  // and is closed again when others are wanted
    } else {
      loose_.push_back({.number = number, .pack = std::move(*pack)});
    }
  }
  if (too_many_loose && !TRY(make_catalog(to_catalog))) return false;
  make_tables();
  return true;
}

// False where a pack went meanwhile.
Result<bool> PackSet::make_catalog(const std::vector<std::uint32_t>& numbers) {
  catalog_.reset();
  Result<CatalogView> own = make_private_catalog(files(), layout().staging(), *shelf_, numbers, {});
  if (!own && !files().stat(layout().staging())) {
    own = fail(ErrorCode::kIo, "{}", own.error().message);
  }
  if (!own && own.error().code == ErrorCode::kIo) {
    own = make_private_catalog(files(), temporary_directory(), *shelf_, numbers, {});
  }
  if (!own && own.error().code == ErrorCode::kNotFound) return false;
  catalog_ = TRY(std::move(own));
  catalog_numbers_ = numbers;
  own_catalog_ = true;
  return true;
}

// A catalog that names a pack which is gone says nothing of where else that pack's objects are.
void PackSet::use_catalog(const std::vector<std::string>& names) {
  Result<CatalogView> opened = CatalogView::open(files(), layout().catalog());
  if (!opened) {
    if (is_unreadable(opened.error())) damage_.push_back({"", false, opened.error()});
    return;
  }
  const std::set<std::string_view> there(names.begin(), names.end());
  std::vector<std::uint32_t> numbers;
  for (std::uint32_t i = 0; i < opened->pack_count(); ++i) {
    const std::string name = opened->pack_name(i);
    if (!there.contains(name)) return;
    numbers.push_back(shelf_->number_of(name));
  }
  catalog_ = std::move(*opened);
  catalog_numbers_ = std::move(numbers);
}

void PackSet::make_tables() {
  if (catalog_) {
    index_bytes_ += catalog_->file_bytes();
    tables_.push_back({.hash = GitHash::kSha1});
    tables_.push_back({.hash = GitHash::kSha256});
  }
  std::uint64_t small = 0;
  for (Loose& loose : loose_) {
    const std::uint64_t records = loose.pack->reader.record_count();
    loose.stays_resident = records <= kSmallRecords && small + records <= kMostSmallRecords;
    if (loose.stays_resident) small += records;
    if (!loose.pack->git_index) continue;
    index_bytes_ += loose.pack->git_index->file_bytes();
    tables_.push_back({loose.pack->git_index->hash(), loose.number, &*loose.pack->git_index,
                       loose.stays_resident});
  }
}

PackSet::LargeBeside PackSet::large_beside_catalog() const {
  LargeBeside large;
  for (const Loose& loose : loose_) {
    if (loose.stays_resident) continue;
    ++large.packs;
    large.records += loose.pack->reader.record_count();
  }
  return large;
}

// Called for each table that is searched, if its pages do not stay.
void PackSet::count_lookup() const {
  if (index_bytes_ <= kMostResidentBytes) return;
  if (lookups_.fetch_add(1) % (kMostResidentBytes / kPageGroupBytes) != 0) return;
  if (catalog_) catalog_->release_pages();
  for (const Loose& loose : loose_) {
    if (loose.stays_resident) continue;
    loose.pack->reader.release_pages();
    if (loose.pack->git_index) loose.pack->git_index->release_pages();
  }
}

std::optional<PackSet::Found> PackSet::find(const GitOid& oid) const {
  for (std::uint32_t table = 0; table < tables_.size(); ++table) {
    const Table& row = tables_[table];
    if (row.hash != oid.hash()) continue;
    if (!row.stays_resident) count_lookup();
    if (row.git_index == nullptr) {
      if (const auto found = catalog_->find(catalog_row(row.hash), oid.bytes())) {
        return Found{table, found->position, of_catalog(*found)};
      }
    } else if (const auto found = row.git_index->find(oid)) {
      return Found{table, found->position, {row.pack, found->offset}};
    }
  }
  return std::nullopt;
}

std::optional<ObjectLocation> PackSet::find(const LookupId& id) const {
  if (id.oid()) {
    const auto found = find(*id.oid());
    return found ? std::optional(found->location) : std::nullopt;
  }
  return id.id() ? find(*id.id()) : std::nullopt;
}

std::uint64_t PackSet::record_count(std::uint32_t table) const {
  const Table& row = tables_[table];
  return row.git_index != nullptr ? row.git_index->record_count()
                                  : catalog_->record_count(catalog_row(row.hash));
}

GitOid PackSet::oid(std::uint32_t table, std::uint64_t position) const {
  const Table& row = tables_[table];
  if (row.git_index != nullptr) return row.git_index->oid(position);
  return known_id<GitOid>(row.hash, catalog_->key(catalog_row(row.hash), position));
}

std::optional<ObjectLocation> PackSet::location(std::uint32_t table, std::uint64_t position) const {
  const Table& row = tables_[table];
  if (row.git_index != nullptr) return ObjectLocation{row.pack, row.git_index->offset(position)};
  const auto found = catalog_->record(catalog_row(row.hash), position);
  if (!found) return std::nullopt;
  return of_catalog(*found);
}

std::uint64_t PackSet::lower_bound(std::uint32_t table, const GitOid& oid) const {
  const Table& row = tables_[table];
  CHECK(row.hash == oid.hash());
  if (row.git_index != nullptr) return row.git_index->lower_bound(oid);
  return catalog_->lower_bound(catalog_row(row.hash), oid.bytes());
}

void PackSet::release_table_pages(std::uint32_t table) const {
  const Table& row = tables_[table];
  if (row.git_index != nullptr) {
    row.git_index->release_pages();
  } else {
    catalog_->release_pages();
  }
}

std::optional<ObjectLocation> PackSet::find(const ObjectId& id) const {
  if (catalog_) {
    count_lookup();
    if (const auto found = catalog_->find(catalog_row(id.kind()), id.bytes())) {
      return of_catalog(*found);
    }
  }
  for (const Loose& loose : loose_) {
    if (!loose.stays_resident) count_lookup();
    if (const auto offset = loose.pack->reader.find(id)) {
      return ObjectLocation{loose.number, *offset};
    }
  }
  return std::nullopt;
}

void PackSet::for_each_from(
    const ObjectId& first,
    const std::function<bool(const ObjectId&, const ObjectLocation&)>& use) const {
  const IdKind kind = first.kind();
  if (catalog_) {
    const CatalogRow row = catalog_row(kind);
    for (std::uint64_t i = catalog_->lower_bound(row, first.bytes());
         i < catalog_->record_count(row); ++i) {
      const auto found = catalog_->record(row, i);
      if (!found || !use(known_id<ObjectId>(kind, catalog_->key(row, i)), of_catalog(*found)))
        break;
    }
  }
  for (const Loose& loose : loose_) {
    const PackReader& reader = loose.pack->reader;
    for (std::uint64_t i = reader.lower_bound(first); i < reader.record_count(); ++i) {
      const Result<IndexRecord> record = reader.record(i);
      if (!record || record->id.kind() != kind) break;
      if (!use(record->id, {loose.number, record->offset})) break;
    }
  }
}

}  // namespace bale
