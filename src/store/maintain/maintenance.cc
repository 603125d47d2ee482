// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/maintain/maintenance.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/try.h"
#include "format/container.h"
#include "format/git_index.h"
#include "store/core/catalog_builder.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"
#include "store/maintain/pack_copier.h"

namespace bale {

Result<SoundPacks> sound_packs(const Snapshot& store, const PackSet& packs,
                               const std::string& scratch_directory, std::uint64_t memory_bytes,
                               const Operation& operation) {
  SoundPacks sound;
  for (const PackSet::Damage& damage : packs.damage()) {
    if (damage.unreadable) sound.damaged.push_back(damage.error);
  }
  for (const std::uint32_t number : packs.numbers()) {
    const std::vector<Error> errors =
        TRY(pack_damage(store, number, scratch_directory, memory_bytes, operation));
    if (errors.empty()) {
      sound.numbers.push_back(number);
    } else {
      sound.damaged.push_back(errors.front());
    }
  }
  return sound;
}

Result<Snapshot> packs_without_catalog(const Store& store) {
  return snapshot_of(TRY(packs_of(store)->without_catalog()));
}

std::optional<ObjectLocation> looked_up(const PackSet& packs, const ObjectId& id,
                                        const std::optional<GitOid>& oid) {
  if (!oid) return packs.find(id);
  const auto found = packs.find(*oid);
  return found ? std::optional(found->location) : std::nullopt;
}

std::uint64_t pack_file_bytes(const Snapshot& store, const std::string& name) {
  const StoreLayout& layout = layout_of(store);
  std::uint64_t bytes = 0;
  for (const std::string& path : {layout.pack(name), layout.index(name), layout.git_index(name)}) {
    const Result<FileInfo> info = store.file_system().stat(path);
    if (info) bytes += info->size;
  }
  return bytes;
}

std::uint64_t bytes_with_indexes(const StoredEntry& entry, const std::optional<GitOid>& oid) {
  return entry.entry_bytes + record_bytes(entry.id.kind()) +
         (oid ? git_record_bytes(oid->hash()) : 0);
}

Result<void> remove_packs(const Snapshot& store, std::vector<std::string> names,
                          std::span<const std::string> made, bool sync) {
  std::erase_if(names, [&](const std::string& name) {
    return std::find(made.begin(), made.end(), name) != made.end();
  });
  if (names.empty()) return {};
  FileSystem& files = store.file_system();
  const StoreLayout& layout = layout_of(store);
  for (const std::string& name : names) TRY(files.remove_file(layout.pack(name)));
  // Indexes go when it is certain that their packs have gone: without one, a pack that a power cut
  // brought back would look as if it had lost its index.
  if (sync) TRY(files.sync_directory(layout.packs()));
  for (const std::string& name : names) {
    TRY(files.remove_file(layout.index(name)));
    const Result<void> removed = files.remove_file(layout.git_index(name));
    if (!removed && removed.error().code != ErrorCode::kNotFound) return removed.error();
  }
  return sync ? files.sync_directory(layout.packs()) : Result<void>();
}

Result<void> remove_debris(const Snapshot& store) {
  FileSystem& files = store.file_system();
  const StoreLayout& layout = layout_of(store);
  TRY(remove_staging_debris(files, layout));
  const std::vector<DirectoryEntry> entries = TRY(files.list(layout.packs()));
  std::set<std::string_view> names;
  for (const DirectoryEntry& entry : entries) names.insert(entry.name);
  for (const DirectoryEntry& entry : entries) {
    for (const std::string_view suffix : {".idx", ".gitidx"}) {
      if (!entry.name.ends_with(suffix)) continue;
      const std::string pack = entry.name.substr(0, entry.name.size() - suffix.size()) + ".pack";
      if (!names.contains(pack)) TRY(files.remove_file(layout.packs() + "/" + entry.name));
    }
  }
  return {};
}

void renew_catalog(Store& store, bool sync) {
  keep_catalog_up(store, sync);
  const std::shared_ptr<const PackSet> packs = packs_of(store);
  FileSystem& files = store.file_system();
  const std::string path = layout_of(store).catalog();
  if (packs->catalog() == nullptr && files.stat(path)) {
    const Result<void> read = store.refresh();
    if (read && packs_of(store)->catalog() == nullptr) {
      static_cast<void>(files.remove_file(path).has_value());
    }
  }
}

}  // namespace bale
