// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Importing a Git repository into a store: all objects that its refs and HEAD reach, all its refs,
// HEAD and the shallow boundary, verbatim.
//
//   auto summary = bale::import_git(store, "/srv/linux.git", {.name = "linux"});
//   if (!summary) return summary.error();
//
// The `git` program reads the objects. It ignores the source's configuration, runs none of its
// commands and uses no network. Each object is checked against its Git id. A second import under
// the same name stores only new objects and adds a record; if nothing changed, it writes nothing.
//
// An error, a signal or a crash leaves the store unchanged.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bale/export.h"
#include "bale/object.h"
#include "bale/result.h"
#include "bale/store.h"
#include "bale/work_options.h"

namespace bale {

struct GitImportOptions {
  std::string name{};          ///< of the archive; empty: made from the path
  bool all_objects = false;    ///< also what no ref reaches
  bool allow_missing = false;  ///< record what the source lacks, instead of failing
  bool skip_bad_refs = false;  ///< leave out refs that are not well-formed, instead of failing
  /// Continue the archive although the source seems to be another repository than the last one.
  bool new_source = false;
  bool deltas = true;  ///< store versions as deltas against each other
  int level = 3;       ///< of zstd: 1..22
  WorkOptions work{};
};

struct GitImportSummary {
  std::string archive;
  /// The source matches the archive's newest record; nothing was written.
  bool unchanged = false;
  /// The source has the path of the last one but none of its commits: it may be another repository.
  bool replaced = false;
  ObjectId record;                ///< the newest one of the archive
  std::string pack;               ///< the name of the pack that was installed; empty if unchanged
  std::uint64_t objects = 0;      ///< that the archive reaches now
  std::uint64_t objects_new = 0;  ///< of these, not in the store before
  std::uint64_t bytes_in = 0;     ///< payload bytes read
  std::uint64_t pack_bytes = 0;
  std::uint64_t index_bytes = 0;  ///< of .idx and .gitidx
  std::uint64_t deltas = 0;
  std::uint64_t objects_healed = 0;       ///< stored again because the store's copy was damaged
  std::uint64_t mismatched_links = 0;     ///< links whose type differs from their target's
  std::uint64_t malformed = 0;            ///< objects that do not parse; archived as they are
  std::uint64_t missing = 0;              ///< objects that the source lacked
  std::uint64_t missing_empty = 0;        ///< of these, empty files in the source, from a power cut
  std::string empty_files;                ///< the first few of those files, for messages
  std::vector<std::string> missing_refs;  ///< refs, and HEAD, that point to a missing object
  std::vector<std::string> bad_refs;   ///< skipped: sentences that begin with a path; at most 1,000
  std::uint64_t bad_refs_omitted = 0;  ///< more of them
  std::uint64_t huge_objects = 0;      ///< above 1 GiB: only bale can read them back
  std::uint64_t children_peak_rss_bytes = 0;
};

/// The smallest memory_bytes at this level, with or without deltas.
[[nodiscard]] BALE_EXPORT std::uint64_t smallest_import_memory_bytes(int level, bool deltas = true);

/// With at least this much memory_bytes, objects of up to 1 MiB are stored as deltas; with less,
/// only those of up to 256 KiB, and a history of larger files takes several times the space.
[[nodiscard]] BALE_EXPORT std::uint64_t full_search_import_memory_bytes(int level);

/// kNotFound or kInvalidArgument if `path` is not a repository, kIncomplete if it lacks objects
/// (unless allow_missing) or has malformed refs (unless skip_bad_refs), kInvalidArgument for an
/// invalid name or option, kInterrupted, kIo. Whatever the options: kIo for an unreadable file of
/// the source, kIncomplete for a damaged one (a pack, its index, an object that does not match its
/// id). Refreshes `store`.
///
/// kInvalidArgument also if the archive's last source had another path and this one has none of the
/// commits (if there were none: none of the objects) of the archive's last refs. It is then another
/// repository of the same name; options.new_source accepts it. Paths are compared with symlinks
/// resolved; a mirror that moved is accepted.
///
/// If refs, HEAD and the shallow boundary equal those of the newest record and it lacks no objects,
/// nothing is listed or written. With all_objects, or if objects were missing, all objects are
/// listed, and a record is written only if it differs.
///
/// `objects` is exact. For that, all objects may be listed a second time if the store already had
/// some of the new ones.
///
/// Memory: work.memory_bytes, and more in proportion to the number of refs, but not to the
/// number or size of objects; and that of the `git` child processes.
BALE_EXPORT Result<GitImportSummary> import_git(Store& store, const std::string& path,
                                                const GitImportOptions& options);

}  // namespace bale
