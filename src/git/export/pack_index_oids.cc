// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/export/pack_index_oids.h"

#include <array>

#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"

namespace bale {
namespace {

constexpr std::uint32_t kMagic = 0xFF744F63;
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kFanoutEnd = 8 + 256 * 4;

}  // namespace

Result<std::unique_ptr<PackIndexOids>> PackIndexOids::open(FileSystem& file_system,
                                                           const std::string& path, GitHash hash,
                                                           Budget& budget) {
  std::unique_ptr<File> file = TRY(file_system.open(path));
  std::unique_ptr<PackIndexOids> oids(new PackIndexOids(hash, std::move(file)));
  oids->reader_ = TRY(BufferedReader::create(oids->stream_, budget, {.name = path}));
  std::array<std::byte, kFanoutEnd> header;
  TRY(oids->reader_->read_exact(header));
  if (load_be<std::uint32_t>(header.data()) != kMagic ||
      load_be<std::uint32_t>(header.data() + 4) != kVersion) {
    return fail(ErrorCode::kCorrupt, "{}: no index of a Git pack, or of another version", path);
  }
  oids->count_ = load_be<std::uint32_t>(header.data() + kFanoutEnd - 4);
  return oids;
}

Result<std::optional<GitOid>> PackIndexOids::next() {
  if (given_ == count_) return std::nullopt;
  ++given_;
  std::array<std::byte, 32> bytes;
  const MutableBytes oid = MutableBytes(bytes).first(oid_bytes(hash_));
  TRY(reader_->read_exact(oid));
  return known_id<GitOid>(hash_, oid);
}

}  // namespace bale
