// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The records that a check of a store goes by, in groups.
//
// What a record says was missing when it was made, or lies beyond its shallow boundary, is no
// damage in what that record reaches; and is in what others reach. So records that say the same of
// that are walked together, most of them in one group that lacks nothing; each other group apart.
//
// Memory: 48 bytes a record. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/record.h"
#include "bale/store.h"
#include "bale/store_verifier.h"
#include "base/budget.h"
#include "hash/blake3.h"
#include "store/core/oid_set.h"
#include "store/core/pack_set.h"
#include "store/verify/verify_findings.h"

namespace bale {

/// What a group of records was made without.
struct RecordAbsence {
  std::set<GitOid> shallow;  ///< commits whose parents are left out
  OidSet missing;
};

class VerifyRecords {
 public:
  struct Entry {
    std::uint32_t archive = 0;  ///< in names()
    std::uint64_t back = 0;     ///< how many records came after it
    ObjectId id;
  };

  using Group = std::vector<Entry>;  // never empty

  /// An archive and where its file leads. Those that were removed lead to a record that says so.
  struct Pointer {
    std::string name;
    Result<std::optional<ObjectId>> id;
  };

  /// The files of these archives, read now.
  [[nodiscard]] static std::vector<Pointer> read_pointers(const Snapshot& store,
                                                          const std::vector<std::string>& names);

  /// The context must outlive it.
  VerifyRecords(const Snapshot& store, ReadContext& context) : store_(store), context_(context) {}

  /// Walks all chains, and notes what is wrong with them.
  Result<void> read(const std::vector<Pointer>& pointers, VerifyFindings& findings);

  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }

  /// Archives with records that lack objects which the source lacked.
  [[nodiscard]] const std::vector<ArchiveMissing>& missing() const { return missing_; }

  [[nodiscard]] const std::string& archive(const Entry& entry) const {
    return names_[entry.archive];
  }

  /// "linux", "linux@3": for messages.
  [[nodiscard]] std::string shown(const Entry& entry) const;

  Result<Record> record(const Entry& entry);

  /// Charges the ids that are missing to `budget`.
  Result<RecordAbsence> absence(const Group& group, Budget& budget);

 private:
  void add(const Entry& entry, const Record& record);

  const Snapshot store_;
  ReadContext& context_;
  std::vector<std::string> names_;
  std::vector<Group> groups_;
  std::vector<ArchiveMissing> missing_;
  std::map<Digest, std::size_t> group_of_;  // by a hash of what its records lack
};

}  // namespace bale
