// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Making an index from a pack alone: one pass over the pack, hashed by lanes, and one external
// sort.

#include <algorithm>
#include <optional>
#include <utility>

#include "bale/pack_builder.h"
#include "bale/pack_verifier.h"
#include "base/budget.h"
#include "base/error.h"
#include "base/lanes.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "io/atomic_file.h"
#include "io/path.h"
#include "pack/build/index_builder.h"
#include "pack/check/pack_scanner.h"
#include "pack/check/scan_plan.h"
#include "pack/read/pack_bytes.h"

namespace bale {

Result<IndexReport> make_index(const std::string& pack_path, const PackCheckOptions& options) {
  if (options.work.memory_bytes < smallest_verify_pack_memory_bytes()) {
    return fail(ErrorCode::kInvalidArgument, "indexing a pack needs at least {} of memory",
                memory_size(smallest_verify_pack_memory_bytes()));
  }
  FileSystem& file_system =
      options.work.file_system != nullptr ? *options.work.file_system : posix_file_system();
  const std::string index_path =
      options.index_path.empty() ? default_index_path(pack_path) : options.index_path;
  const ScanPlan plan = plan_index_scan(options);
  Lanes lanes(plan.lane_count);
  Budget budget(options.work.memory_bytes);
  const PackBytes pack = TRY(PackBytes::open(file_system, pack_path, PackAccess::kRead));
  PackScannerOptions scan = plan.scan;
  scan.operation = &options.work.operation;
  scan.lanes = &lanes;
  std::optional<PackScanner> scanner = TRY(PackScanner::create(pack, budget, std::move(scan)));
  IndexBuilder index = TRY(IndexBuilder::create(
      budget, {.memory_bytes = budget.free_bytes() - kIndexWriteBufferBytes,
               .file_system = &file_system,
               .scratch_directory = options.scratch_directory.empty() ? parent_directory(index_path)
                                                                      : options.scratch_directory,
               .operation = &options.work.operation,
               .lanes = &lanes,
               .bases_first = false}));
  IndexReport report;
  while (const ScannedEntry* entry = TRY(scanner->next())) {
    ++report.objects;
    TRY(index.add(entry->header.id, entry->offset));
    if (entry->header.is_delta()) TRY(index.add_base(entry->header.base, entry->offset));
  }
  scanner.reset();
  AtomicFile file = TRY(AtomicFile::create(file_system, index_path, Visibility::kHidden));
  const Result<IndexSummary> written = index.write(
      file.file(), budget, pack.trailer(), options.work.memory_bytes - kIndexWriteBufferBytes);
  if (!written && written.error().code == ErrorCode::kCorrupt) {
    return fail(ErrorCode::kCorrupt, "{}: {}", pack_path, written.error().message);
  }
  if (!written) return written.error();
  TRY(file.commit({.sync = options.work.sync}));
  report.duplicates = written->duplicates;
  report.index_bytes = written->index_bytes;
  return report;
}

}  // namespace bale
