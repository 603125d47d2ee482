// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checking a store, or what one archive of it reaches.
//
//   auto report = bale::verify_store(store, {});
//   if (!report) return report.error();     // it could not be checked
//   if (!report->ok()) ...                  // it was, and something is damaged

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

struct StoreCheckOptions {
  std::optional<std::string> archive;  ///< only what this archive's records reach
  bool quick = false;                  ///< structure and checksums; no payload is decoded
  std::uint64_t memory_bytes = 64 << 20;
  Operation operation;
};

struct StoreReport {
  std::uint64_t objects = 0;         ///< checked
  std::uint64_t bytes = 0;           ///< of their payloads; 0 where none was decoded
  std::uint64_t packs = 0;           ///< looked at
  std::vector<Error> errors;         ///< what is wrong, and what it touches: the first 1,000
  std::uint64_t errors_omitted = 0;  ///< how many more there were

  [[nodiscard]] bool ok() const { return errors.empty(); }
};

/// The smallest memory_bytes for a store of moderate size; see Closure for what grows with it.
inline constexpr std::uint64_t kMinStoreCheckBytes = 16 << 20;

/// Quick: every pack's checksum and structure, its indexes, the records of every archive, and that
/// the tips of all refs are there. Full: moreover every object is decoded and compared with its id
/// and its Git id, and every link from every ref of every record is followed. Links that were
/// missing when an archive was made are not errors.
///
/// With an archive named, full checks what its records reach, wherever it lies; quick its records
/// and tips, and the packs as above. kNotFound if there is no such archive.
///
/// Memory: options.memory_bytes, whatever the store (kLimitExceeded where marking its objects needs
/// more, at one bit each).
Result<StoreReport> verify_store(const Store& store, const StoreCheckOptions& options);

}  // namespace bale
