// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Why git does not find an object: its file is unreadable, damaged, empty, or missing.
//
//   const auto search = TRY(MissingSearch::create(database, scratch_directory, operation));
//   for (oid, in order) TRY(search->add(oid));
//   const MissingCauses causes = TRY(search->finish());

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "git/source/object_database.h"

namespace bale {

/// Objects with one cause: how many, and the first of them in words.
struct CauseCount {
  static constexpr std::size_t kShown = 10;

  std::uint64_t count = 0;
  std::vector<std::string> first;

  void add(std::string words);

  /// "A; B; and 5 more".
  [[nodiscard]] std::string shown() const;
};

/// Objects in none of these are in no file of the database.
struct MissingCauses {
  CauseCount unreadable;  ///< "cannot open FILE: Permission denied"
  /// "FILE (object OID)": a loose file or a pack that should have it, or an index whose pack is
  /// gone.
  CauseCount damaged;
  CauseCount empty;  ///< "FILE"
};

/// Looks for loose files as ids are added; finish() searches the indexes of all packs and checks
/// their checksums, since a damaged one may hide objects. Time: reads all indexes, and one file per
/// id and object directory. Memory: 2.2 MiB; scratch: the ids. Not thread-safe.
class MissingSearch {
 public:
  /// `operation` must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<MissingSearch>> create(
      ObjectDatabase database, const std::string& scratch_directory, const Operation& operation);

  /// Ids come in ascending order, each once.
  Result<void> add(const GitOid& oid);

  /// Call once. kIncomplete for a damaged index, with its name; kIo.
  Result<MissingCauses> finish();

 private:
  MissingSearch(ObjectDatabase database, std::unique_ptr<File> spool, const Operation& operation)
      : database_(std::move(database)), spool_(std::move(spool)), operation_(operation) {}

  Result<bool> look_at_loose(const GitOid& oid);
  Result<void> look_into(const std::string& file, const GitOid& oid);
  Result<void> flush();
  Result<void> search_packs(std::size_t begin, std::size_t end);

  ObjectDatabase database_;
  std::unique_ptr<File> spool_;  // ids without a loose file, as bytes
  const Operation& operation_;
  std::vector<std::byte> buffer_;
  std::uint64_t spooled_bytes_ = 0;
  MissingCauses causes_;
};

}  // namespace bale
