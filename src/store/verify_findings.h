// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// VerifyFindings: what a check of a store has found, on its way into the report. Of each object
// that is lost, one error and one entry among the lost, however many steps come upon it.
//
// Damage that was met where an object lies is known by its location at first; name_entries() finds
// the Git ids that lead there.
//
// Memory: what the report keeps, and 10,000 ids. Not thread-safe.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "bale/git_oid.h"
#include "bale/store.h"
#include "bale/store_verifier.h"
#include "store/pack_set.h"

namespace bale {

class VerifyFindings {
 public:
  static constexpr std::size_t kMost = 1000;  ///< errors, lost objects, sentences about debris

  explicit VerifyFindings(StoreReport& report) : report_(report) {}

  VerifyFindings(const VerifyFindings&) = delete;
  VerifyFindings& operator=(const VerifyFindings&) = delete;

  /// Damage goes into the report; anything else comes back, and ends the check.
  Result<void> note(const Error& error);

  /// Damage that somebody else has counted and not kept.
  void omit(std::uint64_t count) { report_.errors_omitted += count; }

  /// The same as note() for what an operation returned.
  Result<void> note_if_failed(const Result<void>& result) {
    return result ? result : note(result.error());
  }

  /// An object that is in none of the packs; `from` needs it.
  Result<void> missing(const GitOid& oid, std::optional<ObjectType> type, const std::string& from);

  /// An object that is there, and is not what it should be.
  Result<void> damaged(const GitOid& oid, const ObjectLocation& location, const Error& error);
  Result<void> damaged_entry(const ObjectLocation& location, const Error& error);

  [[nodiscard]] bool any_missing() const { return any_missing_; }

  void debris(std::string sentence);

  /// Objects may be missing only because Git indexes are lost: said of each from now on.
  void git_index_is_lost() { git_index_lost_ = true; }

  /// Names the objects whose entries are damaged: one pass over the tables of Git ids.
  void name_entries(const PackSet& packs);

 private:
  Result<void> lose(LostObject object, std::string message);

  StoreReport& report_;
  std::set<GitOid> lost_;  // those that were reported, as far as they are kept
  std::map<ObjectLocation, std::string> damaged_;  // entries, and what is wrong with them
  std::set<ObjectLocation> named_;                 // of these, those whose ids are known
  bool any_missing_ = false;
  bool git_index_lost_ = false;
};

}  // namespace bale
