// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ImportReceiver: the receiving half of an import. Takes the answers to an ImportLister's requests,
// checks each against its Git id, and gives it to the pack.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bale/git_oid.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "git/import/import_lister.h"
#include "git/source/object_reader.h"
#include "git/source/source.h"
#include "store/core/staged_pack.h"

namespace bale {

struct ReceivedTotals {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::uint64_t huge_objects = 0;  ///< above 1 GiB
};

/// Not thread-safe, but for the lister, which may run on another thread. Memory: 1 MiB, whatever
/// the size of objects.
class ImportReceiver {
 public:
  /// All must outlive the receiver. The lister is only looked at, for progress. What comes is added
  /// to `log`.
  ImportReceiver(const GitSource& source, StagedPack& pack, const ImportLister& lister,
                 LinkLog& log, const Operation& operation);

  /// Takes everything there is, and tells the operation's progress meanwhile. kIncomplete for an
  /// object that has gone since it was listed or is not what its id says.
  Result<void> run(ObjectReader& reader);

  [[nodiscard]] const ReceivedTotals& totals() const { return totals_; }

 private:
  Result<void> receive(const SourceObject& object, ObjectReader& reader);
  Result<void> receive_in_pieces(const SourceObject& object, ObjectReader& reader);
  [[nodiscard]] Result<void> check_is_no_record(const SourceObject& object, Bytes beginning) const;
  [[nodiscard]] Error not_its_id(const GitOid& said, const GitOid& is) const;
  void report_progress() const;

  const GitSource& source_;
  StagedPack& pack_;
  const ImportLister& lister_;
  LinkLog& log_;
  const Operation& operation_;
  std::vector<std::byte> payload_;
  ReceivedTotals totals_;
};

}  // namespace bale
