// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ImportCheck: proves that an import is whole before it is seen. Git's listing says what a
// repository reaches; bale reads the same objects with its own grammar, follows links by the types
// that objects have, and will export by that. So the two are compared:
//
//   - each link of each object leads to an object that was listed, or is known to be missing;
//   - each object that was listed is what some link or ref leads to.
//
// By induction from the refs, what was listed then is what bale reaches, and all of it is stored.
//
//   ImportCheck check = TRY(ImportCheck::create(options));
//   thread A: check.listed().add_...      objects that the store has already, missing ones
//   thread B: check.received().add_...    objects as they come from the source
//   ImportCheckResult result = TRY(check.finish(store, incremental));
//
// A link may lead to what Git did not list: Git takes a tree that another tree names as a file for
// a file, and does not look into it. Such targets are `more_roots`: the import lists those too.
//
// Memory: options.memory_bytes, all charged, however many objects and links; more is on scratch: 40
// bytes an object, and as much for a link that is not like one of the object before.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"
#include "base/budget.h"
#include "object/link_stream.h"
#include "scratch/external_sorter.h"

namespace bale {

struct ImportCheckOptions {
  std::uint64_t memory_bytes = 4 << 20;  ///< at least kMinImportCheckBytes
  FileSystem* file_system = nullptr;     ///< null: posix_file_system()
  std::string scratch_directory;
  const std::vector<GitOid>* shallow = nullptr;  ///< commits whose parents are left out; sorted
  const Operation* operation = nullptr;          ///< required
};

inline constexpr std::uint64_t kMinImportCheckBytes = 3 << 20;

/// Objects and their links, as one thread comes upon them. Not thread-safe.
class LinkLog {
 public:
  [[nodiscard]] static Result<LinkLog> create(Budget& budget, const ImportCheckOptions& options,
                                              std::uint64_t memory_bytes);

  /// Something that a ref leads to, whatever it is.
  Result<void> add_tip(const GitOid& oid);

  /// An object that is there, with its payload.
  Result<void> add_object(const GitOid& oid, ObjectType type, Bytes payload);

  /// The same in pieces. Nothing else may be called in between.
  Result<void> begin_object(const GitOid& oid, ObjectType type);
  Result<void> feed(Bytes piece);
  Result<void> end_object();

  /// An object that need not be reached, and whose links need not lead anywhere.
  Result<void> add_unreached(const GitOid& oid);

  /// An object that is known to be missing.
  Result<void> add_missing(const GitOid& oid);

  /// How many objects did not parse to their end.
  [[nodiscard]] std::uint64_t malformed_count() const { return malformed_count_; }

 private:
  friend class ImportCheck;
  using Sorter = ExternalSorter<40>;

  LinkLog() = default;

  Result<void> add_link(const Link& link);
  Result<void> add_node(const GitOid& oid, std::uint8_t what);

  const std::vector<GitOid>* shallow_ = nullptr;
  std::optional<Sorter> nodes_;
  std::optional<Sorter> links_;
  Buffer recent_;  // links that were added a moment ago
  std::uint64_t malformed_count_ = 0;
  GitOid current_;
  bool cut_ = false;
  std::optional<LinkStream> stream_;
};

struct ImportCheckResult {
  std::uint64_t mismatched_links = 0;  ///< links that claim another type than their target has
  /// Targets of links that were neither listed nor known to be missing. The first 100,000.
  std::set<GitOid> more_roots;
  /// An object that was listed, and that nothing leads to: Git and bale read something differently.
  std::optional<GitOid> unlinked;
};

class ImportCheck {
 public:
  /// kLimitExceeded below kMinImportCheckBytes.
  [[nodiscard]] static Result<ImportCheck> create(const ImportCheckOptions& options);

  /// For the thread that lists.
  [[nodiscard]] LinkLog& listed() { return *listed_; }

  /// For the thread that receives.
  [[nodiscard]] LinkLog& received() { return *received_; }

  /// Compares. Call once, when both threads are done. With `incremental`, the listing left out what
  /// an earlier import of the archive reached: a target that the store has need not be listed.
  Result<ImportCheckResult> finish(const Store& store, bool incremental);

 private:
  explicit ImportCheck(const ImportCheckOptions& options)
      : options_(options), budget_(std::make_unique<Budget>(options.memory_bytes)) {}

  ImportCheckOptions options_;
  std::unique_ptr<Budget> budget_;
  std::optional<LinkLog> listed_;
  std::optional<LinkLog> received_;
};

}  // namespace bale
