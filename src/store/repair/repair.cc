// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See bale/store_repair.h. The order of the steps: what the later ones read, the earlier ones have
// mended. Each leaves a store that is no worse than before, and that the next repair understands.

#include <algorithm>
#include <optional>

#include "bale/store.h"
#include "bale/store_repair.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "store/core/catalog_view.h"
#include "store/core/known_losses.h"
#include "store/core/locks.h"
#include "store/core/staged_pack.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"
#include "store/maintain/maintenance.h"
#include "store/repair/repair_fetch.h"
#include "store/repair/repair_lost.h"
#include "store/repair/repair_packs.h"
#include "store/repair/repair_work.h"

namespace bale {
namespace {

constexpr std::uint64_t kMinRepairBytes = 48 << 20;
constexpr std::size_t kMostNamed = 1000;

Result<void> check_options(const RepairOptions& options) {
  if (options.level < kMinLevel || options.level > kMaxLevel) {
    return fail(ErrorCode::kInvalidArgument, "there is no compression level {} (use {} to {})",
                options.level, kMinLevel, kMaxLevel);
  }
  const std::uint64_t smallest = smallest_repair_memory_bytes(options.level);
  if (options.work.memory_bytes >= smallest) return {};
  return fail(ErrorCode::kInvalidArgument, "a repair needs at least {} of memory",
              memory_size(smallest));
}

// packs/ is locked before there is a Store: without its mark none can be opened.
Result<std::unique_ptr<FileLock>> lock_packs(RepairWork& work) {
  if (!TRY(work.is_there(work.layout.packs()))) {
    if (!TRY(work.is_there(work.layout.mark()))) {
      return fail(ErrorCode::kNotFound, "{}: there is no store, and no pack of one",
                  work.layout.root);
    }
    if (work.options.dry_run) {
      return fail(ErrorCode::kCorrupt, "{}: the directory of the packs is missing",
                  work.layout.packs());
    }
    work.note(fmt::format("{}: the directory was missing", work.layout.packs()));
    TRY(work.files.create_directory(work.layout.packs()));
    TRY(work.sync_directory(work.layout.root));
  }
  return wait_for_lock(work.files, work.layout.packs(), LockMode::kExclusive,
                       work.options.work.operation, "waiting for other maintenance of the store");
}

void tell_losses(RepairWork& work, const LostSearch& search) {
  RepairSummary& summary = work.summary;
  summary.objects_lost = search.oids().size() + search.ids().size();
  const auto name = [&](const std::string& id) {
    if (summary.lost.size() < kMostNamed) summary.lost.push_back(id);
  };
  for (const auto& [id, hash] : search.ids()) name(id.to_hex());
  for (const GitOid& oid : search.oids()) name(oid.to_hex());
  summary.records_lost = search.records();
  if (search.more()) work.note("there are more lost objects than were counted");
  for (const Error& error : search.unreadable()) {
    summary.unreadable.push_back({ErrorCode::kCorrupt, error.message, error.hint});
  }
}

// Round by round: what comes back may lead to more that is lost. Each round but the last one brings
// something, so it ends.
Result<void> mend_losses(RepairWork& work, Store& store) {
  std::optional<LostFetcher> fetcher;
  if (work.options.from != nullptr && !work.options.dry_run) fetcher.emplace(work, store);
  for (;;) {
    if (const auto* const unread = packs_of(store)->inaccessible()) return unread->error;
    const StagingArea scratch = TRY(work.scratch());
    LostSearch search(store, {.memory_bytes = work.options.work.memory_bytes / 2,
                              .scratch_directory = scratch.path(),
                              .pointers = work.options.dry_run ? &work.forecast.pointers : nullptr,
                              .operation = &work.options.work.operation});
    TRY(search.run());
    const bool fetched = fetcher && TRY(fetcher->fetch(search));
    if (!fetched) {
      tell_losses(work, search);
      if (work.options.dry_run && work.options.from != nullptr && work.summary.objects_lost > 0) {
        work.note(fmt::format("{}: not asked for what is lost: a dry run fetches nothing",
                              work.options.from->path()));
      }
      if (work.options.dry_run) return {};
      return write_known_losses(work.files, work.layout,
                                {.oids = search.oids(), .more = search.more()},
                                work.options.work.sync);
    }
    TRY(store.refresh());
  }
}

Result<void> repair_all(RepairWork& work) {
  const std::unique_ptr<FileLock> maintenance = TRY(lock_packs(work));
  if (!TRY(repair_layout(work))) {
    work.note("dry run stops here: packs and archives can be checked only after this is repaired");
    work.summary.losses_known = false;
    return {};
  }
  std::unique_ptr<FileLock> imports_out;
  bool changed = false;
  {
    const Store store = TRY(Store::open(work.layout.root, &work.files));
    if (!work.options.dry_run)
      imports_out = TRY(lock_out_imports(store, work.options.work.operation));
    changed = TRY(PackRepair(work, store).run());
  }
  TRY(repair_catalog(work, changed));
  if (!work.summary.inaccessible.empty()) {
    work.note(
        "archives and lost objects are not looked for: they may be in the files that cannot be "
        "read (let them be read, and repair again)");
    return {};
  }
  Store store = TRY(Store::open(work.layout.root, &work.files));
  TRY(repair_archives(work, store));
  if (work.options.dry_run && changed) {
    work.note(
        "missing objects not checked: this dry run changes no pack, and what archives reach "
        "depends on the packs (a verification names what is lost now)");
    work.summary.losses_known = false;
    return {};
  }
  TRY(mend_losses(work, store));
  if (work.options.dry_run) return {};
  renew_catalog(store, work.options.work.sync);
  return {};
}

}  // namespace

Result<void> repair_catalog(RepairWork& work, bool packs_changed) {
  const std::string path = work.layout.catalog();
  if (!TRY(work.is_there(path))) return {};
  if (TRY(work.files.stat(path)).kind != FileKind::kRegular) {
    work.note(fmt::format("{}: not a file", path));
    return work.set_aside(path, "catalog");
  }
  const Result<CatalogView> catalog = CatalogView::open(work.files, path);
  if (!catalog && !is_damage(catalog.error())) return catalog.error();
  const Result<void> checked = catalog ? catalog->check() : Result<void>(catalog.error());
  if (!checked && !is_damage(checked.error())) return checked.error();
  std::string why = checked ? "" : "it was damaged";
  for (std::uint32_t number = 0; checked && why.empty() && number < catalog->pack_count();
       ++number) {
    const std::string name = catalog->pack_name(number);
    if (!TRY(work.is_there(work.layout.pack(name)))) why = "it names packs that are gone";
  }
  if (why.empty() && packs_changed) why = "packs were mended";
  if (why.empty()) return {};
  work.note(fmt::format("{}: made anew if there are many packs: {}", path, why));
  if (work.options.dry_run) return {};
  TRY(work.files.remove_file(path));
  return work.sync_directory(work.layout.root);
}

std::uint64_t smallest_repair_memory_bytes(int level) {
  return std::max(kMinRepairBytes, 2 * StagedPack::smallest_memory_bytes(level));
}

Result<RepairSummary> repair_store(const std::string& path, const RepairOptions& options) {
  TRY(check_options(options));
  FileSystem& files =
      options.work.file_system != nullptr ? *options.work.file_system : posix_file_system();
  RepairWork work{.files = files, .layout = {path}, .options = options, .summary = {}};
  TRY(repair_all(work));
  return std::move(work.summary);
}

}  // namespace bale
