// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Exporting an archive as a bare Git repository: the same objects, refs, HEAD and shallow boundary.
//
//   auto summary = bale::export_git(store, "linux", "/tmp/linux.git", {});

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

struct GitExportOptions {
  std::uint64_t record_back = 0;  ///< which record: 0 is the newest
  std::uint64_t memory_bytes = 64 << 20;
  std::size_t lanes = 0;  ///< threads that compress; 0: one a processor
  Operation operation;
};

struct GitExportSummary {
  std::uint64_t objects = 0;
  std::uint64_t deltas = 0;     ///< of these, went as the deltas that they are in the store
  std::uint64_t bytes_out = 0;  ///< of the Git pack that was written
  std::uint64_t missing = 0;    ///< objects that the archive was made without
  std::vector<std::string> missing_refs;  ///< refs, and HEAD, that lead to one of these
  std::uint64_t children_peak_rss_bytes = 0;
};

inline constexpr std::uint64_t kMinExportBytes = 24 << 20;

/// Writes `out`, which must not be there or be an empty directory; it appears whole or not at all.
/// Objects are not decoded: deltas stay deltas. Git hashes every one of them, and the ids that it
/// finds are compared with those that the archive reaches, so what is there is right.
/// kNotFound where there is no such archive or record, kCorrupt where an object that it reaches
/// cannot be read or is another than its ids say, kInvalidArgument for an archive of something else
/// than Git, or `out` not empty.
/// Memory: options.memory_bytes; `git index-pack` has its own.
Result<GitExportSummary> export_git(const Store& store, const std::string& name,
                                    const std::string& out, const GitExportOptions& options);

}  // namespace bale
