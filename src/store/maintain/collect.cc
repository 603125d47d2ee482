// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See bale/store_collect.h.
//
//   mark     what all archives reach (collect_roots.h); imports may run
//   plan     each pack: all of it needed, nothing, or a part
//   copy     the parts into new packs, which are installed
//   prove    with imports held back, if no archive has moved: that nothing needed would go, by a
//            walk of its own (collect_proof.h)
//   take     old packs go; where an archive has moved, all of this once more, with imports still
//            held back

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "bale/store_collect.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "store/core/locks.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"
#include "store/maintain/collect_proof.h"
#include "store/maintain/collect_roots.h"
#include "store/maintain/maintenance.h"
#include "store/maintain/pack_copier.h"

namespace bale {
namespace {

class Collector {
 public:
  Collector(Store& store, const CollectOptions& options) : store_(store), options_(options) {}

  Result<CollectSummary> run();

 private:
  // What becomes of the packs.
  struct Plan {
    std::vector<std::string> gone;                            // names, of which nothing is needed
    std::map<GitHash, std::vector<std::uint32_t>> rewritten;  // of which a part is
    std::uint64_t dead_bytes = 0;                             // of entries in rewritten packs
  };

  Result<bool> collect(std::unique_ptr<FileLock>& imports_out);
  Result<void> refuse_unread(const SoundPacks& sound) const;
  Result<Plan> plan(CollectRoots& roots, const std::string& scratch);
  Result<bool> is_kept(CollectRoots& roots, std::uint32_t number, const StoredEntry& entry,
                       const std::optional<GitOid>& oid) const;
  Result<void> copy(CollectRoots& roots, const Plan& plan);
  [[nodiscard]] static std::uint64_t store_bytes(const Snapshot& snapshot);

  Store& store_;
  const CollectOptions& options_;
  std::optional<Snapshot> snapshot_;
  std::shared_ptr<const PackSet> packs_;  // of snapshot_
  std::vector<std::uint32_t> sound_;
  std::set<std::uint32_t> sound_set_;
  CollectSummary summary_;
};

Result<CollectSummary> Collector::run() {
  const std::unique_ptr<FileLock> lock =
      TRY(options_.dry_run ? lock_to_look(store_, options_.work.operation)
                           : lock_for_maintenance(store_, options_.work.operation));
  std::unique_ptr<FileLock> imports_out;
  while (!TRY(collect(imports_out))) summary_ = {};
  imports_out.reset();
  if (options_.dry_run) return summary_;
  TRY(store_.refresh());
  renew_catalog(store_, options_.work.sync);
  TRY(store_.refresh());
  summary_.bytes_after = store_bytes(store_);
  return summary_;
}

std::uint64_t Collector::store_bytes(const Snapshot& snapshot) {
  std::uint64_t bytes = 0;
  for (const std::uint32_t number : snapshot.pack_numbers()) {
    bytes += pack_file_bytes(snapshot, snapshot.pack_name(number));
  }
  return bytes;
}

// False where an archive moved on meanwhile: then imports are held back, and it can be done again.
Result<bool> Collector::collect(std::unique_ptr<FileLock>& imports_out) {
  // While it looks, half of the memory is for marks; while it copies, the other half is the copy's.
  std::optional<StagingArea> scratch;
  scratch.emplace(TRY(options_.dry_run
                          ? StagingArea::create_to_look(store_.file_system(), layout_of(store_))
                          : StagingArea::create(store_.file_system(), layout_of(store_))));
  std::optional<CollectRoots> roots;
  TRY(store_.refresh());
  roots.emplace(store_.snapshot(), options_.work.memory_bytes / 2, scratch->path(),
                options_.work.operation);
  TRY(roots->read_pointers());
  snapshot_ = TRY(packs_without_catalog(store_));
  packs_ = packs_of(*snapshot_);
  SoundPacks sound = TRY(sound_packs(*snapshot_, *packs_, scratch->path(),
                                     options_.work.memory_bytes, options_.work.operation));
  TRY(refuse_unread(sound));
  sound_ = std::move(sound.numbers);
  sound_set_ = std::set(sound_.begin(), sound_.end());
  summary_.damaged = std::move(sound.damaged);
  summary_.bytes_before = store_bytes(*snapshot_);

  TRY(roots->mark(*snapshot_));
  summary_.lost_archives = roots->lost_archives();
  summary_.damaged.insert(summary_.damaged.end(), roots->damaged().begin(), roots->damaged().end());
  const Plan plan_made = TRY(plan(*roots, scratch->path()));
  if (options_.dry_run) return true;
  TRY(copy(*roots, plan_made));
  if (imports_out == nullptr) {
    imports_out = TRY(lock_out_imports(store_, options_.work.operation));
    if (!TRY(roots->still_true())) return false;
  }
  roots.reset();
  std::vector<std::string> names = plan_made.gone;
  for (const auto& [hash, numbers] : plan_made.rewritten) {
    for (const std::uint32_t number : numbers) names.push_back(snapshot_->pack_name(number));
  }
  std::erase_if(names, [&](const std::string& name) {
    return std::find(summary_.packs_made.begin(), summary_.packs_made.end(), name) !=
           summary_.packs_made.end();
  });
  std::set<std::string> staying(summary_.packs_made.begin(), summary_.packs_made.end());
  for (const std::uint32_t number : sound_) staying.insert(snapshot_->pack_name(number));
  TRY(prove_collection(TRY(packs_without_catalog(store_)), {names.begin(), names.end()}, staying,
                       {.memory_bytes = options_.work.memory_bytes,
                        .scratch_directory = scratch->path(),
                        .operation = &options_.work.operation}));
  scratch.reset();
  TRY(remove_packs(store_, names, summary_.packs_made, options_.work.sync));
  TRY(remove_debris(store_));
  return true;
}

// Nobody knows which archives have their records in a pack that cannot be opened or read, nor what
// these need of the other packs.
Result<void> Collector::refuse_unread(const SoundPacks& sound) const {
  const auto refuse = [](const Error& error) {
    return fail(
        error, "{}; nothing is removed {}", error.message,
        error.code == ErrorCode::kIo ? "while a pack cannot be read" : "from a damaged store");
  };
  for (const PackSet::Damage& damage : packs_->damage()) {
    if (damage.unreadable || damage.is_inaccessible()) return refuse(damage.error);
  }
  for (const Error& error : sound.damaged) {
    if (error.code == ErrorCode::kIo) return refuse(error);
  }
  return {};
}

Result<Collector::Plan> Collector::plan(CollectRoots& roots, const std::string& scratch) {
  Plan plan;
  std::uint64_t gone_bytes = 0;
  for (const std::uint32_t number : packs_->numbers()) {
    if (!sound_set_.contains(number)) {
      summary_.objects_kept += TRY(snapshot_->pack(number))->entry_count();
    }
  }
  for (const std::uint32_t number : sound_) {
    if (roots.stays_whole(number)) {
      summary_.objects_kept += TRY(snapshot_->pack(number))->entry_count();
      continue;
    }
    PackWalk walk = TRY(PackWalk::create(
        *snapshot_, number,
        {.memory_bytes = std::max(kMinPackWalkBytes, options_.work.memory_bytes / 4),
         .scratch_directory = scratch,
         .operation = &options_.work.operation}));
    std::uint64_t kept = 0;
    std::uint64_t dead = 0;
    std::uint64_t dead_bytes = 0;
    while (const auto entry = TRY(walk.next())) {
      if (TRY(is_kept(roots, number, entry->stored, entry->oid))) {
        ++kept;
      } else {
        ++dead;
        dead_bytes += bytes_with_indexes(entry->stored, entry->oid);
      }
      options_.work.operation.progress(
          {.phase = "looking at packs", .objects = summary_.objects_kept + kept});
    }
    summary_.objects_kept += kept;
    summary_.objects_removed += dead;
    if (kept == 0) {
      plan.gone.push_back(snapshot_->pack_name(number));
      gone_bytes += pack_file_bytes(*snapshot_, plan.gone.back());
      ++summary_.packs_removed;
    } else if (dead > 0) {
      plan.rewritten[walk.pack().git_index->hash()].push_back(number);
      plan.dead_bytes += dead_bytes;
      ++summary_.packs_rewritten;
    }
  }
  summary_.bytes_after =
      summary_.bytes_before - std::min(summary_.bytes_before, gone_bytes + plan.dead_bytes);
  return plan;
}

// An entry that is needed, unless look-ups lead to another one, which is sound, and so kept. It is
// looked up as those do who need it: a blob that came under SHA-1 and under SHA-256 is two entries
// with one id, and neither stands for the other.
Result<bool> Collector::is_kept(CollectRoots& roots, std::uint32_t number, const StoredEntry& entry,
                                const std::optional<GitOid>& oid) const {
  if (!TRY(roots.is_needed(entry.id, oid))) return false;
  const std::optional<ObjectLocation> found = looked_up(*packs_, entry.id, oid);
  if (!found || *found == ObjectLocation{number, entry.offset}) return true;
  return !sound_set_.contains(found->pack);
}

Result<void> Collector::copy(CollectRoots& roots, const Plan& plan) {
  for (const auto& [hash, numbers] : plan.rewritten) {
    PackCopier copier(*snapshot_, {.hash = hash,
                                   .level = options_.level,
                                   .memory_bytes = options_.work.memory_bytes / 2,
                                   .lanes = options_.work.lanes,
                                   .sync = options_.work.sync,
                                   .operation = options_.work.operation});
    for (const std::uint32_t number : numbers) {
      TRY(copier.copy(number, [&](const StoredEntry& entry, const std::optional<GitOid>& oid) {
        return is_kept(roots, number, entry, oid);
      }));
    }
    TRY(copier.finish());
    for (const InstalledPack& pack : copier.totals().packs) {
      summary_.packs_made.push_back(pack.name);
    }
  }
  return {};
}

}  // namespace

std::uint64_t smallest_collect_memory_bytes(int level) {
  return 2 * std::max<std::uint64_t>(smallest_copy_memory_bytes(level, false), 16 << 20);
}

Result<CollectSummary> collect_store(Store& store, const CollectOptions& options) {
  if (options.level < kMinLevel || options.level > kMaxLevel) {
    return fail(ErrorCode::kInvalidArgument, "there is no compression level {} (use {} to {})",
                options.level, kMinLevel, kMaxLevel);
  }
  const std::uint64_t smallest = smallest_collect_memory_bytes(options.level);
  if (options.work.memory_bytes < smallest) {
    return fail(ErrorCode::kInvalidArgument, "collecting needs at least {} of memory",
                memory_size(smallest));
  }
  return Collector(store, options).run();
}

}  // namespace bale
