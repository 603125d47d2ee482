// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// CollectRoots: what the archives of a store reach, marked in a Closure, and which records stay.
// The half of a collection that decides; collect.cc does the rest, and collect_proof.h checks it.
//
//   CollectRoots roots(store, options);
//   TRY(roots.mark(sound_packs));
//   TRY(roots.is_needed(entry.id, entry.oid))
//
// An archive that reaches something missing or unreadable is damaged: what else it reaches is known
// only in two cases, in which the rest of the store can be collected.
//   - It can be counted. Each record says how many objects it reaches. If as many were found as the
//     record says, those that are lost included, nothing is hidden behind the lost ones. The count
//     of a record that goes on from another one is not believed by itself: then the lost ones must
//     be blobs, too, as the trees with them say.
//   - The archive has one record, whose import brought all its objects itself. They are in the pack
//     of that import, if that is still there, so that pack stays whole.
// Otherwise nothing can be collected.
//
// Records that were made without objects (shallow ones, and those of sources that lacked some) are
// checked one by one, each by what it declares: what one lacks must not hide a loss of another.
//
// Memory: `memory_bytes`: half for the closure, a quarter (7 MiB at least) to read, an eighth for
// ids known to be missing; 33 bytes a record; and 1 MiB for ids that a damaged archive has lost.
// Not thread-safe.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bale/progress.h"
#include "bale/store.h"
#include "store/core/closure.h"
#include "store/core/oid_set.h"

namespace bale {

class CollectRoots {
 public:
  /// The operation must outlive it; scratch goes to `scratch_directory`.
  CollectRoots(const Snapshot& store, std::uint64_t memory_bytes, std::string scratch_directory,
               const Operation& operation);

  /// Reads all pointers. Call before the packs are looked for: whatever the pointers lead to is in
  /// those then, also of an import that ends meanwhile.
  Result<void> read_pointers();

  /// Marks what the archives reach, and those whose pointer is lost and whose records are in the
  /// packs of this snapshot, sound or not. kCorrupt where a damaged archive may need objects of any
  /// pack.
  Result<void> mark(const Snapshot& snapshot);

  /// What is missing or unreadable in archives whose packs stay whole for it; one Error an archive.
  [[nodiscard]] const std::vector<Error>& damaged() const { return damaged_; }

  /// Whether the pack has the objects of an import of a damaged archive.
  [[nodiscard]] bool stays_whole(std::uint32_t pack) const { return whole_packs_.contains(pack); }

  /// Of an entry: whether any archive needs an object with these ids.
  Result<bool> is_needed(const ObjectId& id, const std::optional<GitOid>& oid);

  /// Archives without a pointer whose records are there, and which were not removed.
  [[nodiscard]] const std::vector<std::string>& lost_archives() const { return lost_archives_; }

  /// Whether no archive's pointer has changed since read_pointers().
  Result<bool> still_true() const;

 private:
  using Pointers = std::map<std::string, ObjectId>;

  Result<Pointers> pointers_now() const;
  Result<void> find_lost(const std::vector<std::uint32_t>& packs);
  [[nodiscard]] bool is_known_record(const ObjectLocation& at) const;
  Result<void> add_chain(const std::string& name, const ObjectId& newest);
  Result<void> add_record(const std::string& shown, const ArchiveRecord& entry);
  Result<void> add_lists(const std::string& shown, const Record& record);
  Result<void> check_partial(const std::string& shown, const ObjectId& id);
  Result<void> add_partial();
  Result<void> add_list(const std::string& shown, const ObjectId& list, GitHash hash);
  Result<void> add_unreached();
  Result<void> on_missing(const MissingLink& link);
  Result<bool> is_counted(const ObjectId& newest);
  Result<void> keep_own_packs(const std::string& name, const ObjectId& newest);

  Snapshot store_;
  std::uint64_t memory_bytes_;
  std::string scratch_directory_;
  const Operation& operation_;
  ReadContext context_;
  ReadContext list_context_;
  Budget missing_budget_;
  Pointers pointers_;
  std::set<ObjectId> records_;                               // that stay
  std::vector<std::pair<ObjectId, std::string>> partial_;    // records made without some objects
  std::vector<std::pair<GitOid, std::string>> alone_;        // lists, and who names them
  std::set<ObjectId> lists_;                                 // those of records that were added
  std::vector<std::pair<ObjectId, std::string>> unreached_;  // lists of what stays by itself
  std::set<std::string> removed_;  // archives whose pointers lead to removals
  std::vector<std::string> lost_archives_;
  std::optional<Error> doubt_;    // the first thing that the archive being walked lacks
  bool missing_is_fine_ = false;  // what is missing was looked for before
  std::vector<Error> damaged_;
  std::set<std::uint32_t> whole_packs_;
  std::optional<Closure> closure_;
};

}  // namespace bale
