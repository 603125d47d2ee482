// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Lists of Git ids that are too long for a record: a blob with a line of hex digits each, sorted.
//
//   OidListWriter list = TRY(OidListWriter::create(hash, scratch_directory, store, operation));
//   TRY(list.add(oid));                           // in any order, each once
//   record.missing = TRY(list.store(staged));
//   ...
//   TRY(read_oid_list(store, *record.missing.list, context, [&](const GitOid& oid) { ... }));
//
// Memory of a writer: 1 MiB, charged to a budget of its own, however long the list.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/progress.h"
#include "bale/record.h"
#include "bale/result.h"
#include "bale/store.h"
#include "base/budget.h"
#include "scratch/external_sorter.h"
#include "store/core/staged_pack.h"

namespace bale {

class OidListWriter {
 public:
  static constexpr std::uint64_t kMemoryBytes = 1 << 20;

  /// `operation` must outlive the writer.
  [[nodiscard]] static Result<OidListWriter> create(const Snapshot& store, GitHash hash,
                                                    const std::string& scratch_directory,
                                                    const Operation& operation);

  Result<void> add(const GitOid& oid);

  [[nodiscard]] std::uint64_t count() const { return sorter_->record_count(); }

  /// The first few that were added, for messages: "1234..., 5678..., ...".
  [[nodiscard]] std::string shown() const;

  /// Calls `use`, in order, for each id that is in this list and not in `other`. Uses both up.
  Result<void> subtract(OidListWriter& other,
                        const std::function<Result<void>(const GitOid&)>& use);

  /// Puts the list into the pack, unless it is empty. Call once.
  Result<Record::OidList> store(StagedPack& pack);

 private:
  explicit OidListWriter(GitHash hash)
      : hash_(hash), budget_(std::make_unique<Budget>(kMemoryBytes)) {}

  GitHash hash_;
  std::unique_ptr<Budget> budget_;
  std::optional<ExternalSorter<40>> sorter_;
  std::vector<GitOid> first_;
};

/// Calls `use` for each id of the list with this content hash. kCorrupt for a list that is none.
Result<void> read_oid_list(const Snapshot& store, const ObjectId& list, ReadContext& context,
                           const std::function<Result<void>(const GitOid&)>& use);

}  // namespace bale
