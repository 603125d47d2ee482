// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Importing a Git repository into a store: all objects that its refs and HEAD reach, all its refs,
// HEAD and the shallow boundary, verbatim.
//
//   auto summary = bale::import_git(store, "/srv/linux.git", {.name = "linux"});
//   if (!summary) return summary.error();
//
// The `git` program reads the objects; nothing of the source's configuration is obeyed, no command
// is run and no network is touched on its behalf. Each object is checked against its Git id.
// Importing again under the same name stores only what is new and makes a new record; where nothing
// changed, nothing is written.
//
// Ending early, by an error, a signal or a crash, leaves the store as it was.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bale/object.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

struct GitImportOptions {
  std::string name;            ///< of the archive; empty: made from the path
  bool all_objects = false;    ///< also what no ref reaches
  bool allow_missing = false;  ///< record what the source lacks, instead of failing
  bool skip_bad_refs = false;  ///< leave out refs that are not well-formed, instead of failing
  /// Go on with the archive though the source seems to be another repository than its last one.
  bool new_source = false;
  bool deltas = true;  ///< store versions as deltas against each other
  int level = 3;       ///< of zstd: 1..22
  std::uint64_t memory_bytes = 64 << 20;
  std::size_t lanes = 0;  ///< threads that compress; 0: one a processor
  bool sync = true;       ///< false: fast and not safe against a power cut, for tests
  Operation operation;
};

struct GitImportSummary {
  std::string archive;
  /// The archive's newest record says all that there was to say: nothing was written.
  bool unchanged = false;
  /// The source is where the last one was and has none of its commits: it may be another one.
  bool replaced = false;
  ObjectId record;                ///< the newest one of the archive
  std::string pack;               ///< the name of the pack that was installed; empty if unchanged
  std::uint64_t objects = 0;      ///< what the archive reaches now
  std::uint64_t objects_new = 0;  ///< what of it was not in the store before
  std::uint64_t bytes_in = 0;     ///< payload bytes that were read
  std::uint64_t pack_bytes = 0;
  std::uint64_t index_bytes = 0;  ///< of .idx and .gitidx
  std::uint64_t deltas = 0;
  std::uint64_t objects_healed = 0;    ///< the store had them, damaged; they were stored again
  std::uint64_t mismatched_links = 0;  ///< links that claim another type than their target has
  std::uint64_t malformed = 0;  ///< objects that do not parse to their end; archived as they are
  std::uint64_t missing = 0;    ///< objects that the source should have had and did not
  std::uint64_t missing_empty = 0;  ///< of these: files of no bytes in the source, from a power cut
  std::string empty_files;          ///< the first few of those files, for messages
  std::vector<std::string> missing_refs;  ///< refs, and HEAD, that lead to a missing object
  std::vector<std::string> bad_refs;   ///< skipped: sentences that begin with a path; at most 1,000
  std::uint64_t bad_refs_omitted = 0;  ///< more of them
  std::uint64_t huge_objects = 0;      ///< above 1 GiB: only bale can read them back
  std::uint64_t children_peak_rss_bytes = 0;
};

/// The smallest memory_bytes at this level, with deltas or without.
[[nodiscard]] std::uint64_t smallest_import_memory_bytes(int level, bool deltas = true);

/// From so much memory_bytes on, objects of up to 1 MiB are stored as deltas; with less, objects of
/// up to 256 KiB. A history of larger files then takes several times the space.
[[nodiscard]] std::uint64_t full_search_import_memory_bytes(int level);

/// kNotFound or kInvalidArgument where `path` is no repository, kIncomplete where it lacks objects
/// (and allow_missing is false) or refs are not well-formed (and skip_bad_refs is false), kIo,
/// kInterrupted, kInvalidArgument for a name or options that do not do. Whatever the options: kIo
/// for a file of the source that cannot be read, kIncomplete for one that is damaged (a pack, its
/// index, an object that is not what its id says). Refreshes `store`.
///
/// kInvalidArgument also where the archive's last source was at another path and this one has none
/// of the commits that the archive's last refs led to (where these led to no commit: none of the
/// objects that they led to): then it is another repository of the same
/// name, unless options.new_source says otherwise. Paths are compared without symlinks; a mirror
/// that moved goes on.
///
/// Nothing is listed, and nothing written, where refs, HEAD and the shallow boundary are as the
/// archive's newest record has them and it lacks nothing. With all_objects, or where something was
/// missing, everything is listed, and a record is written if it would say anything new.
///
/// `objects` is exact. Where a listed object was in the store before, everything may have to be
/// listed again for that.
///
/// Memory: options.memory_bytes, and in proportion to the number of refs; not to the number or size
/// of objects. `git` has its own.
Result<GitImportSummary> import_git(Store& store, const std::string& path,
                                    const GitImportOptions& options);

}  // namespace bale
