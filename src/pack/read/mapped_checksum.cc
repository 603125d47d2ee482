// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/read/mapped_checksum.h"

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "format/container.h"
#include "hash/blake3.h"

namespace bale {

Result<void> check_ending_checksum(Mapping& file, const std::string& path) {
  constexpr std::size_t kPieceBytes = 256 << 10;
  constexpr std::size_t kDigestBytes = sizeof(Digest);
  const Bytes bytes = file.bytes();
  CHECK(bytes.size() >= kDigestBytes);
  Blake3Hasher hasher;
  for (Bytes left = bytes.first(bytes.size() - kDigestBytes); !left.empty();) {
    const Bytes piece = left.first(std::min(left.size(), kPieceBytes));
    hasher.update(piece);
    left = left.subspan(piece.size());
    file.release_pages();
  }
  const Digest checksum = hasher.finish();
  if (std::equal(checksum.begin(), checksum.end(), bytes.last(kDigestBytes).begin())) return {};
  return fail(ErrorCode::kCorrupt, "{}: the checksum at the end does not match the content", path);
}

}  // namespace bale
