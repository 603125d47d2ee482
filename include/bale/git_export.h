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

#include "bale/export.h"
#include "bale/result.h"
#include "bale/store.h"
#include "bale/work_options.h"

namespace bale {

struct GitExportOptions {
  std::uint64_t record_back = 0;  ///< which record: 0 is the newest
  WorkOptions work{};
};

struct GitExportSummary {
  std::uint64_t objects = 0;
  std::uint64_t deltas = 0;               ///< of these, copied as the store's deltas
  std::uint64_t bytes_out = 0;            ///< of the Git pack that was written
  std::uint64_t missing = 0;              ///< objects that the archive was imported without
  std::vector<std::string> missing_refs;  ///< refs, and HEAD, that reach one of these
  std::uint64_t children_peak_rss_bytes = 0;
};

/// The smallest memory_bytes.
[[nodiscard]] constexpr std::uint64_t smallest_export_memory_bytes() {
  return 24 << 20;
}

/// Writes `out`, which must not exist or be an empty directory; it appears complete or not at all.
/// Deltas are copied without decoding. Git hashes every object, and its ids are compared with those
/// that the archive reaches, so the result is verified. kNotFound for an unknown archive or record,
/// kCorrupt if an object that it reaches cannot be read or does not match its id, kInvalidArgument
/// if the archive is not of a Git repository or `out` is not empty, kInterrupted, kIo. Memory:
/// work.memory_bytes, and that of the child process `git index-pack`.
BALE_EXPORT Result<GitExportSummary> export_git(const Snapshot& store, const std::string& name,
                                                const std::string& out,
                                                const GitExportOptions& options);

}  // namespace bale
