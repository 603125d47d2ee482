// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/store_verbs.h"

#include <optional>
#include <utility>

#include "bale/archive_changes.h"
#include "bale/store_collect.h"
#include "bale/store_repack.h"
#include "bale/store_repair.h"
#include "base/error.h"
#include "base/try.h"
#include "store/core/catalog_builder.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

using Step = std::function<Result<void>(Store&)>;

Step importing(std::string name, int version) {
  return [=](Store& store) { return import_small(store, name, version); };
}

Step removing(std::string name) {
  return [=](Store& store) -> Result<void> {
    TRY(remove_archive(store, name));
    return {};
  };
}

Step pruning(std::string name, std::uint64_t keep) {
  return [=](Store& store) -> Result<void> {
    TRY(prune_archive(store, name, keep));
    return {};
  };
}

Step undoing(std::string name) {
  return [=](Store& store) -> Result<void> {
    TRY(undo_archive_change(store, name, {.work = {.memory_bytes = smallest_undo_memory_bytes()}}));
    return {};
  };
}

Result<void> cataloging(Store& store) {
  return write_catalog(store.file_system(), layout_of(store), *packs_of(store), {.operation = {}});
}

Step repacking(RepackOptions options) {
  return [=](Store& store) -> Result<void> {
    RepackOptions one_lane = options;
    one_lane.level = 1;
    one_lane.work.lanes = 1;
    one_lane.work.memory_bytes = smallest_repack_memory_bytes(one_lane);
    TRY(repack_store(store, one_lane));
    return {};
  };
}

Result<void> collecting(Store& store) {
  TRY(collect_store(
      store, {.level = 1, .work = {.memory_bytes = smallest_collect_memory_bytes(1), .lanes = 1}}));
  return {};
}

Result<void> repairing(Store& store) {
  const RepairSummary summary =
      TRY(repair_store(store.path(), {.level = 1,
                                      .work = {.memory_bytes = smallest_repair_memory_bytes(1),
                                               .lanes = 1,
                                               .file_system = &store.file_system()}}));
  if (!summary.inaccessible.empty()) {
    return summary.inaccessible.front();
  }
  if (summary.whole()) return {};
  return fail(ErrorCode::kCorrupt, "repair could not mend all");
}

/// Removes files that can be rebuilt: one pack's index, another's Git index, an archive's pointer.
Result<void> damaging(Store& store) {
  FileSystem& files = store.file_system();
  const StoreLayout& layout = layout_of(store);
  TRY(files.remove_file(
      layout.index(store.snapshot().pack_name(store.snapshot().pack_numbers().front()))));
  TRY(files.remove_file(
      layout.git_index(store.snapshot().pack_name(store.snapshot().pack_numbers().back()))));
  TRY(files.remove_file(layout.archive("c")));
  TRY(files.sync_directory(layout.packs()));
  return files.sync_directory(layout.archives());
}

Step in_turn(std::vector<Step> steps) {
  return [=](Store& store) -> Result<void> {
    for (const Step& step : steps) TRY(step(store));
    return {};
  };
}

/// The store's archives, with one changed.
ArchiveVersions but(const std::string& name, std::vector<int> versions) {
  ArchiveVersions archives = verb_store_archives();
  archives[name] = std::move(versions);
  return archives;
}

ArchiveVersions without(const std::string& name) {
  ArchiveVersions archives = verb_store_archives();
  archives.erase(name);
  return archives;
}

}  // namespace

ArchiveVersions verb_store_archives() {
  return {{"a", {2, 1}}, {"b256", {1}}, {"c", {3, 2}}};
}

Result<void> make_verb_store(FileSystem& files) {
  TRY(Store::init(kVerbStore, &files));
  Store store = TRY(Store::open(kVerbStore, &files));
  // Eight packs: one more, and an import writes the catalog.
  for (const Step& step :
       {importing("a", 1), importing("a", 2), importing("b256", 1), importing("c", 2),
        importing("c", 3), importing("gone", 1), importing("gone", 2), removing("gone")}) {
    TRY(step(store));
  }
  return {};
}

std::vector<StoreVerb> store_verbs() {
  return {
      {"Import", importing("new", 2), but("new", {2}), {}},
      {"ImportBesideCatalog", importing("new", 2), but("new", {2}), cataloging},
      {"ImportOfManyFrames", importing("big", 1), but("big", {1}), cataloging},
      {"ImportAgain", importing("a", 4), but("a", {4, 2, 1}), cataloging},
      {"ImportUnchanged", importing("a", 2), but("a", {2, 2, 1}), {}},
      {"ImportOfARemovedName", importing("gone", 3), but("gone", {3}), {}},
      {"ImportIntoANameOfParts", importing("new/x/y", 2), but("new/x/y", {2}), cataloging},
      {"Remove", removing("a"), without("a"), {}},
      {"Prune", pruning("a", 1), but("a", {2}), cataloging},
      {"Undo", undoing("gone"), but("gone", {2, 1}), cataloging},
      {"Catalog", cataloging, verb_store_archives(), {}},
      {"CatalogAgain", cataloging, verb_store_archives(), cataloging},
      {"Repack", repacking({}), verb_store_archives(), {}},
      {"RepackBesideCatalog", repacking({}), verb_store_archives(), cataloging},
      {"RepackToBases", repacking({.find_bases = true}), verb_store_archives(), cataloging},
      {"RepackIntoSeveral", repacking({.max_pack_bytes = 2'000}), verb_store_archives(), {}},
      {"Collect", collecting, verb_store_archives(), {}},
      {"CollectBesideCatalog", in_turn({removing("c"), collecting}), without("c"), cataloging},
      {"CollectAfterRepack", collecting, verb_store_archives(), repacking({})},
      {"RepairOfNothing", repairing, verb_store_archives(), cataloging},
      {"Repair", repairing, verb_store_archives(), damaging, /*mends=*/true},
      {"RepairBesideCatalog", repairing, verb_store_archives(), in_turn({cataloging, damaging}),
       /*mends=*/true},
  };
}

Result<void> prepare_store(FileSystem& files, const StoreVerb& verb) {
  if (!verb.prepare) return {};
  Store store = TRY(Store::open(kVerbStore, &files));
  return verb.prepare(store);
}

Result<void> recover_store(FileSystem& files, const StoreVerb& verb) {
  return verb.mends ? run_verb(files, verb) : Result<void>();
}

Result<void> run_verb(FileSystem& files, const StoreVerb& verb) {
  Store store = TRY(Store::open(kVerbStore, &files));
  return verb.run(store);
}

}  // namespace bale
