// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checking a pack whole, and making its index anew.
//
//   auto report = bale::verify_pack("objects.pack");
//   if (!report) return report.error();          // it could not be checked
//   for (const bale::Error& error : report->errors) ...   // it was: this is what is wrong

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/progress.h"
#include "bale/result.h"

namespace bale {

struct PackCheckOptions {
  std::string index_path;                 ///< empty: default_index_path(pack_path)
  std::uint64_t memory_bytes = 64 << 20;  ///< at least kMinPackCheckBytes
  std::string scratch_directory;          ///< for the sort; empty: where the index lies
  bool sync = true;                       ///< for make_index: durable before it takes its name
  bool decode = true;                     ///< for verify_pack: also decode every payload
  /// Threads that hash and decode beside the caller's; 0: as many as processors, and at most as
  /// memory allows. With 1, everything is done on the caller's thread. What is found does not
  /// depend on it.
  std::size_t lanes = 0;
  Operation operation;
  FileSystem* file_system = nullptr;  ///< null: posix_file_system()
};

inline constexpr std::uint64_t kMinPackCheckBytes = 8 << 20;

struct PackReport {
  std::uint64_t objects = 0;         ///< entries seen, duplicates included
  std::uint64_t bytes = 0;           ///< payload bytes decoded
  std::vector<Error> errors;         ///< what is wrong, each with file and offset: the first 1,000
  std::uint64_t errors_omitted = 0;  ///< how many more there were

  [[nodiscard]] bool ok() const { return errors.empty(); }
};

/// Checks everything that can be wrong: the pack's checksum, each entry's header and payload, each
/// delta's base and chain, the index's checksum and each of its records against the pack. Bases are
/// found through an index of its own making where the pack's is damaged or missing.
///
/// An Error means that the check could not be made: files that cannot be read, memory that does not
/// do, interruption. A pack or index that is missing is kNotFound only for the pack; a missing
/// index is reported. Memory: options.memory_bytes, whatever the pack.
Result<PackReport> verify_pack(const std::string& pack_path, const PackCheckOptions& options = {});

struct IndexReport {
  std::uint64_t objects = 0;     ///< entries in the pack
  std::uint64_t duplicates = 0;  ///< of them, those whose id an earlier one has
  std::uint64_t index_bytes = 0;
};

/// Makes the index of a pack from the pack alone, replacing one that is there. kCorrupt, and no
/// index, if the pack's checksum, structure or a delta's base is not right. Memory as above.
Result<IndexReport> make_index(const std::string& pack_path, const PackCheckOptions& options = {});

}  // namespace bale
