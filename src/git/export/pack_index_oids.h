// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackIndexOids: reads the sorted object ids of a Git pack from its index.
//
//   FF 74 4F 63  version u32 BE = 2  256 x u32 BE: how many ids have a first byte of at most 0..255
//   ids          20 or 32 bytes each, sorted
//   (checksums, offsets and trailers follow, which are not read here)
//
// Memory: a buffer of 64 KiB, charged. Not thread-safe.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/result.h"
#include "base/budget.h"
#include "io/buffered.h"
#include "io/stream.h"

namespace bale {

class PackIndexOids {
 public:
  /// kCorrupt for a file that is not an index of version 2.
  [[nodiscard]] static Result<std::unique_ptr<PackIndexOids>> open(FileSystem& file_system,
                                                                   const std::string& path,
                                                                   GitHash hash, Budget& budget);

  [[nodiscard]] std::uint32_t count() const { return count_; }

  /// The next id; nullopt at the end. kCorrupt if the file ends before.
  Result<std::optional<GitOid>> next();

 private:
  PackIndexOids(GitHash hash, std::unique_ptr<File> file)
      : hash_(hash), file_(std::move(file)), stream_(*file_) {}

  GitHash hash_;
  std::unique_ptr<File> file_;
  FileInputStream stream_;
  std::optional<BufferedReader> reader_;
  std::uint32_t count_ = 0;
  std::uint32_t given_ = 0;
};

}  // namespace bale
