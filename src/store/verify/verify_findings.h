// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// VerifyFindings: what a check of a store has found, on its way into the report. Of each object
// that is lost, one error and one entry among the lost, however many steps come upon it.
//
// Damage that was met where an object lies is known by its location at first; name_entries() finds
// the Git ids that lead there. Lost objects beyond those that the report holds are logged on
// scratch (loss_log.h), and told of in the end.
//
// Memory: what the report keeps, 10,000 ids, and the log's. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bale/git_oid.h"
#include "bale/store.h"
#include "bale/store_verifier.h"
#include "store/core/pack_set.h"
#include "store/verify/loss_log.h"

namespace bale {

class VerifyFindings {
 public:
  static constexpr std::size_t kMost = 1000;  ///< errors, lost objects, sentences about debris

  explicit VerifyFindings(StoreReport& report) : report_(report) {}

  /// Where the log may sort, before anything is lost.
  void sort_in(const SorterOptions& scratch) { more_.sort_in(scratch); }

  VerifyFindings(const VerifyFindings&) = delete;
  VerifyFindings& operator=(const VerifyFindings&) = delete;

  /// Damage goes into the report; anything else comes back, and ends the check.
  Result<void> note(const Error& error);

  /// The same for what reading a file of the store came to: what the system refuses to read is a
  /// finding too, as kIo, and the check goes on.
  Result<void> note_read(const Error& error);

  /// Damage that somebody else has counted and not kept.
  void omit(std::uint64_t count) { report_.errors_omitted += count; }

  /// Notes damage of a pack if any object turns out to be missing: a check of one archive reports
  /// no other packs.
  void note_once_missing(Error error) { if_missing_.push_back(std::move(error)); }

  /// An object that is in none of the packs; `from` needs it. Where packs cannot be read it is not
  /// lost: such objects are only counted, and reported together in the end.
  Result<void> missing(const GitOid& oid, std::optional<ObjectType> type, const std::string& from);

  /// An object that is there, and is not what it should be, or cannot be read.
  Result<void> damaged(const GitOid& oid, const ObjectLocation& location, const Error& error);
  Result<void> damaged_entry(const ObjectLocation& location, const Error& error);

  /// Whether an object is in none of the packs, or was found to be damaged: one of the first
  /// 10,000.
  [[nodiscard]] bool is_lost(const PackSet& packs, const GitOid& oid) const {
    return lost_.contains(oid) || (!packs_unread_ && !packs.find(oid));
  }

  /// Whether an object can be read, from any pack, though the entry at this place is damaged: then
  /// it is not lost.
  using HasCopy = std::function<bool(const GitOid&, const ObjectLocation&)>;

  void look_for_copies(HasCopy has_copy) { has_copy_ = std::move(has_copy); }

  void debris(std::string sentence);

  /// There are packs that the system refuses to read.
  void packs_are_unread() { packs_unread_ = true; }

  /// Objects may be missing only because Git indexes are lost: said of each from now on.
  void git_index_is_lost() { git_index_lost_ = true; }

  /// Names the objects whose entries are damaged: a pass over the tables of Git ids for each 10,000
  /// of them.
  Result<void> name_entries(const PackSet& packs);

  /// Tells of the lost objects that the report does not hold, each once, and counts them. Call
  /// once, in the end. `on_lost` may be empty.
  Result<void> tell_others(const Snapshot& store,
                           const std::function<Result<void>(const LostObject&)>& on_lost);

 private:
  Result<void> lose(LostObject object, const std::optional<ObjectLocation>& damaged);
  [[nodiscard]] std::string why_missing() const;
  Result<void> note_causes();
  Result<void> tell_unseen();

  StoreReport& report_;
  std::set<GitOid> lost_;  // those that were reported, as far as they are kept
  std::map<ObjectLocation, std::string> damaged_;  // entries, and what is wrong with them
  std::set<ObjectLocation> named_;                 // of these, those whose ids are known
  std::vector<Error> if_missing_;                  // to be noted then
  LossLog more_;
  HasCopy has_copy_;
  std::set<GitOid> unseen_;  // missing, while packs are unread: the first of them
  bool packs_unread_ = false;
  bool git_index_lost_ = false;
};

}  // namespace bale
