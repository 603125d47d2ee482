// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// GitIndexBuilder: collects the Git object ids of a pack's entries, in any order and any number,
// and writes the pack's .gitidx.
//
// Memory: `memory_bytes` for the sort, and the write buffer of write(). Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "bale/git_oid.h"
#include "base/budget.h"
#include "format/container.h"
#include "scratch/external_sorter.h"

namespace bale {

inline constexpr std::size_t kGitIndexWriteBufferBytes = 256 << 10;

class GitIndexBuilder {
 public:
  [[nodiscard]] static Result<GitIndexBuilder> create(Budget& budget, GitHash hash,
                                                      const SorterOptions& options);

  /// Requires an id of the builder's hash.
  Result<void> add(const GitOid& oid, std::uint64_t offset);

  /// Writes the index of the pack with this trailer to `file`. Of an id that was added twice, the
  /// first entry stays. Returns the file's bytes. Call once.
  Result<std::uint64_t> write(File& file, Budget& budget, const Digest& pack_trailer);

 private:
  using Sha1Sorter = ExternalSorter<20 + 8>;
  using Sha256Sorter = ExternalSorter<32 + 8>;

  explicit GitIndexBuilder(GitHash hash) : hash_(hash) {}

  template <typename Sorter>
  Result<std::uint64_t> write_sorted(Sorter& sorter, File& file, Budget& budget,
                                     const Digest& pack_trailer);

  GitHash hash_;
  std::optional<Sha1Sorter> sha1_;
  std::optional<Sha256Sorter> sha256_;
};

}  // namespace bale
