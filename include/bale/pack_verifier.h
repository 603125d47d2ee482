// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checking a whole pack, and rebuilding its index.
//
//   auto report = bale::verify_pack("objects.pack");
//   if (!report) return report.error();          // it could not be checked
//   for (const bale::Error& error : report->errors) print(error.message);

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bale/export.h"
#include "bale/file_system.h"
#include "bale/result.h"
#include "bale/work_options.h"

namespace bale {

struct PackCheckOptions {
  std::string index_path{};         ///< empty: default_index_path(pack_path)
  std::string scratch_directory{};  ///< for the sort; empty: where the index lies
  bool decode = true;               ///< for verify_pack: also decode every payload
  WorkOptions work{};
};

/// The smallest memory_bytes, for make_index() too.
[[nodiscard]] constexpr std::uint64_t smallest_verify_pack_memory_bytes() {
  return 8 << 20;
}

struct PackReport {
  std::uint64_t objects = 0;         ///< entries seen, duplicates included
  std::uint64_t bytes = 0;           ///< payload bytes decoded
  std::vector<Error> errors;         ///< the first 1,000, each with file and offset
  std::uint64_t errors_omitted = 0;  ///< number of further errors

  [[nodiscard]] bool ok() const { return errors.empty(); }
};

/// Checks the pack's checksum, each entry's header and payload, each delta's base and chain, the
/// index's checksum and each of its records against the pack. If the index is damaged or missing,
/// bases are found through a temporary one.
///
/// An Error means that the pack could not be checked: kNotFound for a missing pack (a missing index
/// is reported instead), kInvalidArgument for too little memory, kInterrupted, kIo. Memory:
/// work.memory_bytes, whatever the pack.
BALE_EXPORT Result<PackReport> verify_pack(const std::string& pack_path,
                                           const PackCheckOptions& options = {});

struct IndexReport {
  std::uint64_t objects = 0;     ///< entries in the pack
  std::uint64_t duplicates = 0;  ///< of them, repetitions of an earlier id
  std::uint64_t index_bytes = 0;
};

/// Builds a pack's index from the pack, replacing an existing one. kCorrupt, without writing an
/// index, if the pack's checksum, its structure or a delta's base is wrong. Memory as above.
BALE_EXPORT Result<IndexReport> make_index(const std::string& pack_path,
                                           const PackCheckOptions& options = {});

}  // namespace bale
