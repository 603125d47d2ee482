// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/read_check.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/try.h"

namespace bale {
namespace {

constexpr std::uint64_t kCheckPieceBytes = 1 << 20;
constexpr std::uint64_t kBlockBytes = 4096;

}  // namespace

Result<std::optional<Error>> read_failure(FileSystem& file_system, const std::string& path,
                                          const Operation& operation) {
  const Result<std::unique_ptr<File>> file = file_system.open(path);
  if (!file && file.error().code == ErrorCode::kIo) return std::optional(file.error());
  if (!file) return file.error();
  const Result<std::uint64_t> size = (*file)->size();
  if (!size) return size.error();
  std::vector<std::byte> piece(kCheckPieceBytes);
  for (std::uint64_t offset = 0; offset < *size; offset += kCheckPieceBytes) {
    if (operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const Result<std::size_t> got = (*file)->read_at(offset, piece);
    if (got) continue;
    if (got.error().code != ErrorCode::kIo) return got.error();
    // Which block of the piece it is.
    for (std::uint64_t at = offset; at < std::min(*size, offset + kCheckPieceBytes);
         at += kBlockBytes) {
      const Result<std::size_t> block =
          (*file)->read_at(at, MutableBytes(piece).first(kBlockBytes));
      if (block) continue;
      return std::optional(fail(ErrorCode::kIo, "{}: bytes from offset {} on cannot be read: {}",
                                path, at, block.error().message));
    }
    return std::optional(got.error());
  }
  return std::nullopt;
}

}  // namespace bale
