// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ImportReceiver: the receiving half of an import. Reads the answers to an ImportLister's requests,
// checks each object's Git id, and adds it to the pack.

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

/// Not thread-safe, except that the lister may run on another thread. Memory: 1 MiB, whatever the
/// size of objects.
class ImportReceiver {
 public:
  /// All references must outlive the receiver. The lister is used only for progress. Received
  /// objects are added to `log`.
  ImportReceiver(const GitSource& source, StagedPack& pack, const ImportLister& lister,
                 LinkLog& log, const Operation& operation);

  /// Receives all objects, and reports progress. kIncomplete for an object that has disappeared
  /// since it was listed or does not match its id.
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
