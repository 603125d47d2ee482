// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See bale/store_repack.h. What is in the old packs is all in the new ones, so imports that found
// an object stored stay right; only taking packs away excludes them.

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "bale/store_repack.h"
#include "base/budget.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "store/core/locks.h"
#include "store/core/staged_pack.h"
#include "store/core/staging_area.h"
#include "store/core/store_impl.h"
#include "store/maintain/lineage_copier.h"
#include "store/maintain/maintenance.h"
#include "store/maintain/pack_copier.h"

namespace bale {
namespace {

class Repacker {
 public:
  Repacker(Store& store, const RepackOptions& options)
      : store_(store), options_(options), recompress_(options.recompress || options.find_bases) {}

  Result<RepackSummary> run();

 private:
  Result<void> choose(const std::vector<std::uint32_t>& sound);
  Result<void> plan_only();
  Result<void> copy(GitHash hash, const std::vector<std::uint32_t>& inputs);
  [[nodiscard]] bool is_kept(std::uint32_t number, const StoredEntry& entry,
                             const std::optional<GitOid>& oid) const;
  Result<void> take_away();

  Store& store_;
  const RepackOptions& options_;
  const bool recompress_;
  std::string scratch_;
  std::optional<Snapshot> snapshot_;
  std::shared_ptr<const PackSet> packs_;  // of snapshot_
  std::map<GitHash, std::vector<std::uint32_t>> inputs_;
  std::map<std::uint32_t, GitHash> chosen_;  // all of inputs_
  RepackSummary summary_;
};

Result<RepackSummary> Repacker::run() {
  const std::unique_ptr<FileLock> lock =
      TRY(options_.dry_run ? lock_to_look(store_, options_.work.operation)
                           : lock_for_maintenance(store_, options_.work.operation));
  if (!options_.dry_run) TRY(make_staging(store_.file_system(), layout_of(store_)));
  scratch_ = scratch_place(store_.file_system(), layout_of(store_));
  snapshot_ = TRY(packs_without_catalog(store_));
  packs_ = packs_of(*snapshot_);
  summary_.packs_before = packs_->numbers().size();
  SoundPacks sound = TRY(sound_packs(*snapshot_, *packs_, scratch_, options_.work.memory_bytes,
                                     options_.work.operation));
  summary_.damaged = std::move(sound.damaged);
  TRY(choose(sound.numbers));
  summary_.packs_after = summary_.packs_before;
  if (chosen_.empty()) return summary_;
  if (options_.dry_run) {
    TRY(plan_only());
    return summary_;
  }
  for (const auto& [hash, inputs] : inputs_) TRY(copy(hash, inputs));
  TRY(take_away());
  TRY(store_.refresh());
  renew_catalog(store_, options_.work.sync);
  TRY(store_.refresh());
  summary_.packs_after = store_.snapshot().pack_count();
  return summary_;
}

// What is alone of its kind is as it should be, unless it is to be compressed anew; so is what is
// nearly as large as a pack may be.
Result<void> Repacker::choose(const std::vector<std::uint32_t>& sound) {
  for (const std::uint32_t number : sound) {
    const std::shared_ptr<const StoredPack> pack = TRY(open_pack(*snapshot_, number));
    const bool large =
        options_.max_pack_bytes > 0 && pack->reader.pack_bytes() > options_.max_pack_bytes / 4 * 3;
    if (large && !recompress_) continue;
    inputs_[pack->git_index->hash()].push_back(number);
  }
  std::erase_if(inputs_,
                [&](const auto& group) { return group.second.size() < 2 && !recompress_; });
  for (const auto& [hash, numbers] : inputs_) {
    for (const std::uint32_t number : numbers) {
      chosen_.emplace(number, hash);
      summary_.bytes_before += pack_file_bytes(*snapshot_, snapshot_->pack_name(number));
    }
  }
  return {};
}

// An entry is dropped where look-ups lead to another one that is copied too. One in a damaged pack,
// or in a pack that stays, does not count; nor does one that Git knows by the other kind of id.
bool Repacker::is_kept(std::uint32_t number, const StoredEntry& entry,
                       const std::optional<GitOid>& oid) const {
  // What neither a Git id nor the pack's own index leads to is the second of its id.
  if (!oid) {
    const auto pack = open_pack(*snapshot_, number);
    if (pack && (*pack)->reader.find(entry.id) != entry.offset) return false;
  }
  const std::optional<ObjectLocation> found = looked_up(*packs_, entry.id, oid);
  if (!found || *found == ObjectLocation{number, entry.offset}) return true;
  const auto other = chosen_.find(found->pack);
  return other == chosen_.end() || other->second != chosen_.at(number);
}

Result<void> Repacker::plan_only() {
  std::uint64_t dropped_bytes = 0;
  for (const auto& [hash, inputs] : inputs_) {
    std::uint64_t stored_bytes = 0;
    for (const std::uint32_t number : inputs) {
      PackWalk walk = TRY(PackWalk::create(
          *snapshot_, number,
          {.memory_bytes = std::max(kMinPackWalkBytes, options_.work.memory_bytes / 2),
           .scratch_directory = scratch_,
           .operation = &options_.work.operation}));
      while (const auto entry = TRY(walk.next())) {
        if (is_kept(number, entry->stored, entry->oid)) {
          ++summary_.objects;
          stored_bytes += entry->stored.stored_size;
        } else {
          ++summary_.duplicates;
          dropped_bytes += bytes_with_indexes(entry->stored, entry->oid);
        }
      }
    }
    const std::uint64_t packs =
        options_.max_pack_bytes == 0 ? 1 : stored_bytes / options_.max_pack_bytes + 1;
    summary_.packs_after = summary_.packs_after - inputs.size() + packs;
  }
  // Headers and trailers of packs and indexes are a few hundred bytes each.
  if (!recompress_) {
    summary_.bytes_after = summary_.bytes_before - std::min(summary_.bytes_before, dropped_bytes);
  }
  return {};
}

Result<void> Repacker::copy(GitHash hash, const std::vector<std::uint32_t>& inputs) {
  PackCopier copier(*snapshot_, {.hash = hash,
                                 .recompress = recompress_,
                                 .level = options_.level,
                                 .max_pack_bytes = options_.max_pack_bytes,
                                 .memory_bytes = options_.work.memory_bytes,
                                 .lanes = options_.work.lanes,
                                 .sync = options_.work.sync,
                                 .operation = options_.work.operation});
  if (options_.find_bases) {
    TRY(copy_by_lineage(*snapshot_, inputs, copier,
                        {.memory_bytes = options_.work.memory_bytes,
                         .keeps =
                             [this](std::uint32_t number, const PackWalk::Entry& entry) {
                               return is_kept(number, entry.stored, entry.oid);
                             },
                         .operation = &options_.work.operation}));
  } else {
    for (const std::uint32_t number : inputs) {
      TRY(copier.copy(
          number, [&](const StoredEntry& entry, const std::optional<GitOid>& oid) -> Result<bool> {
            return is_kept(number, entry, oid);
          }));
    }
  }
  TRY(copier.finish());
  summary_.objects += copier.totals().objects;
  summary_.duplicates += copier.totals().dropped;
  for (const InstalledPack& pack : copier.totals().packs) {
    summary_.packs_made.push_back(pack.name);
    summary_.bytes_after += pack_file_bytes(*snapshot_, pack.name);
  }
  return {};
}

Result<void> Repacker::take_away() {
  std::vector<std::string> names;
  for (const auto& [number, hash] : chosen_) names.push_back(snapshot_->pack_name(number));
  const std::unique_ptr<FileLock> lock = TRY(lock_out_imports(store_, options_.work.operation));
  TRY(remove_packs(store_, names, summary_.packs_made, options_.work.sync));
  return remove_debris(store_);
}

}  // namespace

std::uint64_t smallest_repack_memory_bytes(const RepackOptions& options) {
  const bool recompress = options.recompress || options.find_bases;
  return smallest_copy_memory_bytes(options.level, recompress);
}

std::uint64_t full_search_repack_memory_bytes(const RepackOptions& options) {
  // Half is the pack's, or what it needs at least.
  const std::uint64_t full = StagedPack::full_search_memory_bytes(options.level);
  const bool always = full == StagedPack::smallest_memory_bytes(options.level, true);
  return always ? smallest_repack_memory_bytes(options) : 2 * full;
}

Result<RepackSummary> repack_store(Store& store, const RepackOptions& options) {
  if (options.level < kMinLevel || options.level > kMaxLevel) {
    return fail(ErrorCode::kInvalidArgument, "there is no compression level {} (use {} to {})",
                options.level, kMinLevel, kMaxLevel);
  }
  const std::uint64_t smallest = smallest_repack_memory_bytes(options);
  if (options.work.memory_bytes < smallest) {
    return fail(ErrorCode::kInvalidArgument, "repacking at level {} needs at least {} of memory",
                options.level, memory_size(smallest));
  }
  return Repacker(store, options).run();
}

}  // namespace bale
