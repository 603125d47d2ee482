// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Making a pack's Git index anew from the pack alone: each object is decoded once, in the order of
// the pack, and hashed as Git does. What is made is byte for byte what the import had made.
//
//   const auto hash = TRY(find_git_hash(pack, true, context));  // what the record in the pack says
//   TRY(rebuild_git_index(pack, *hash, "packs/<name>.gitidx", options));

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/pack_reader.h"
#include "bale/progress.h"
#include "bale/result.h"

namespace bale {

/// The least that rebuild_git_index() works with, where objects are small.
inline constexpr std::uint64_t kMinGitIndexRebuildBytes = 8 << 20;

struct GitIndexRebuildOptions {
  /// Half of it to decode, the rest to sort. At least kMinGitIndexRebuildBytes.
  std::uint64_t memory_bytes = 64 << 20;
  std::string scratch_directory;  ///< empty: beside the index
  /// Where the index stands for a moment before it replaces an older one: see CommitOptions.
  std::string staging_path;
  bool sync = true;                ///< make the file durable
  bool records_are_marked = true;  ///< see record_mark.h
  /// Told of each entry that cannot be decoded, or is not what its id says, and is therefore left
  /// out; may be empty. An Error ends the work and comes back.
  std::function<Result<void>(const Error&)> on_damage;
  Operation operation;
  FileSystem* file_system = nullptr;  ///< null: posix_file_system()
};

struct GitIndexRebuildReport {
  std::uint64_t objects = 0;  ///< entries that Git knows, and that are whole
  std::uint64_t records = 0;  ///< entries that are records, which Git does not know
  std::uint64_t damaged = 0;  ///< entries that were left out
  /// Whether an entry's header was damaged: where those after it begin is not known then, and they
  /// are left out too, uncounted.
  bool cut_short = false;
  std::uint64_t index_bytes = 0;
};

/// The hash that the first record in this pack names: by it the pack's objects are known to Git.
/// nullopt where no record names one. Reads all headers, and the actions. Damaged entries are
/// overlooked. What a record is: see record_mark.h.
[[nodiscard]] Result<std::optional<GitHash>> find_git_hash(const PackReader& pack,
                                                           bool records_are_marked,
                                                           ReadContext& context,
                                                           const Operation& operation = {});

/// Writes the Git index of `pack` to `path`: whole and durable, or not at all. Damage in the pack
/// is told and left out; kLimitExceeded, with the memory that would do, where an object does not
/// fit.
[[nodiscard]] Result<GitIndexRebuildReport> rebuild_git_index(
    const PackReader& pack, GitHash hash, const std::string& path,
    const GitIndexRebuildOptions& options = {});

}  // namespace bale
