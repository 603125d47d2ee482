// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ImportCheck: verifies that an import is complete before it becomes visible. Git lists the objects
// that a repository reaches; bale, which will export by its own parser, follows links by the
// objects' types. So the two are compared:
//
//   - each link of each object points to an object that was listed or is known to be missing;
//   - some link or ref points to each listed object.
//
// By induction from the refs, the listed objects are those that bale reaches, and all are stored.
//
//   ImportCheck check = TRY(ImportCheck::create(options));
//   thread A: check.listed().add_...      objects that the store has already, missing ones
//   thread B: check.received().add_...    objects as they come from the source
//   ImportCheckResult result = TRY(check.finish(store, incremental));
//
// A link may point to an object that Git did not list: Git treats a tree that another tree lists as
// a file as a file, and does not read it. The import lists such targets (`more_roots`) too.
//
// Memory: options.memory_bytes, all charged, however many objects and links. Scratch: 40 bytes an
// object, and for each link not shared with a recent object.

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

/// Objects and their links, as one thread processes them. Not thread-safe.
class LinkLog {
 public:
  [[nodiscard]] static Result<LinkLog> create(Budget& budget, const ImportCheckOptions& options,
                                              std::uint64_t memory_bytes);

  /// Adds the target of a ref, of any type.
  Result<void> add_tip(const GitOid& oid);

  /// Adds an existing object with its payload.
  Result<void> add_object(const GitOid& oid, ObjectType type, Bytes payload);

  /// The same in pieces, without other calls in between.
  Result<void> begin_object(const GitOid& oid, ObjectType type);
  Result<void> feed(Bytes piece);
  Result<void> end_object();

  /// Adds an object that need not be reached, and whose links may dangle.
  Result<void> add_unreached(const GitOid& oid);

  /// Adds an object that is known to be missing.
  Result<void> add_missing(const GitOid& oid);

  /// The number of objects that did not parse.
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
  Buffer recent_;  // recently added links
  std::uint64_t malformed_count_ = 0;
  GitOid current_;
  bool cut_ = false;
  std::optional<LinkStream> stream_;
};

struct ImportCheckResult {
  std::uint64_t mismatched_links = 0;  ///< links whose type differs from their target's
  /// Targets of links that were neither listed nor known to be missing: the first 100,000.
  std::set<GitOid> more_roots;
  /// A listed object that bale does not reach: Git and bale parse something differently.
  std::optional<GitOid> unlinked;
};

class ImportCheck {
 public:
  /// kLimitExceeded below kMinImportCheckBytes.
  [[nodiscard]] static Result<ImportCheck> create(const ImportCheckOptions& options);

  /// The log of the listing thread.
  [[nodiscard]] LinkLog& listed() { return *listed_; }

  /// The log of the receiving thread.
  [[nodiscard]] LinkLog& received() { return *received_; }

  /// Compares. Call once, when both threads are done. With `incremental`, the listing left out
  /// objects of an earlier import: a target that the store has need not be listed.
  Result<ImportCheckResult> finish(const Snapshot& store, bool incremental);

 private:
  explicit ImportCheck(const ImportCheckOptions& options)
      : options_(options), budget_(std::make_unique<Budget>(options.memory_bytes)) {}

  ImportCheckOptions options_;
  std::unique_ptr<Budget> budget_;
  std::optional<LinkLog> listed_;
  std::optional<LinkLog> received_;
};

}  // namespace bale
