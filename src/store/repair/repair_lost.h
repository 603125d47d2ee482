// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// LostSearch: what the archives of a store reach and what is in none of its packs.
//
//   LostSearch search(store, options);
//   TRY(search.run());
//   for (const GitOid& oid : search.oids()) ...
//
// What an archive was made without, as its records say, is not lost. Only the first objects of what
// is lost show: what they lead to nobody knows before they are back.
//
// Memory: options.memory_bytes, and 100 bytes for each of most_lost. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bale/progress.h"
#include "bale/store.h"
#include "bale/store_repair.h"
#include "store/core/closure.h"
#include "store/core/oid_set.h"

namespace bale {

struct LostSearchOptions {
  std::uint64_t memory_bytes = 48 << 20;
  std::string scratch_directory;
  std::size_t most_lost = 100'000;                            ///< more are not kept: see more()
  const std::map<std::string, ObjectId>* pointers = nullptr;  ///< that count instead of the files
  const Operation* operation = nullptr;                       ///< required
};

class LostSearch {
 public:
  /// Store and operation must outlive it.
  LostSearch(const Snapshot& store, LostSearchOptions options);

  /// Reads all records and follows all links. Once.
  Result<void> run();

  [[nodiscard]] const std::set<GitOid>& oids() const { return oids_; }

  /// Records and lists of ids, which are asked for by the store's own ids; and by which hash Git
  /// knows the archive's objects.
  [[nodiscard]] const std::map<ObjectId, GitHash>& ids() const { return ids_; }

  /// The records among ids(), and where they were missed: one an archive at most.
  [[nodiscard]] const std::vector<LostRecord>& records() const { return records_; }

  /// Whether there are more than most_lost.
  [[nodiscard]] bool more() const { return more_; }

  /// Objects that are there and cannot be followed: Git's own, malformed.
  [[nodiscard]] const std::vector<Error>& unreadable() const { return unreadable_; }

  /// Whether a link to an id that is not in the store is one to something lost, and not to what an
  /// archive was made without.
  [[nodiscard]] bool is_wanted(const GitOid& oid) const;

  /// Whether an archive ends at this commit, and its parents are not wanted.
  [[nodiscard]] bool is_boundary(const GitOid& commit) const { return shallow_.contains(commit); }

 private:
  Result<void> add_archive(const std::string& name);
  Result<void> add_record(const std::string& shown, const Record& record);
  Result<void> add_missing(const std::string& shown, const Record& record);
  Result<void> add_unreached();
  Result<void> lose(const GitOid& oid);
  void lose(const ObjectId& id, GitHash hash);
  Result<void> note(const Error& error);

  const Snapshot store_;
  const LostSearchOptions options_;
  ReadContext context_;
  ReadContext list_context_;  // for a list that is read while objects are looked at
  Budget missing_budget_;
  std::set<GitOid> shallow_;
  std::map<ObjectId, OidSet> missing_;  // by their lists, which many records share
  std::vector<std::pair<std::string, ObjectId>> unreached_;  // of which record, and its list
  std::optional<Closure> closure_;
  std::set<GitOid> oids_;
  std::map<ObjectId, GitHash> ids_;
  std::vector<LostRecord> records_;
  bool more_ = false;
  std::vector<Error> unreadable_;
};

}  // namespace bale
