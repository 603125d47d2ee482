// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// GitPackStream: writes objects in Git's own pack format, for `git index-pack --stdin`.
//
//   "PACK"  version u32 BE = 2  object count u32 BE
//   entry   type and size: bit 7 = more, bits 6..4 = type (1 commit, 2 tree, 3 blob, 4 tag,
//           6 delta), bits 3..0 = low bits of the size; then 7 bits a byte, low bits first
//           of a delta: how far back its base begins, 7 bits a byte, high bits first, bit 7 = more,
//           and one less in all bytes but the last (so each number has one form)
//           payload or delta program, compressed with zlib; the size is that of what was compressed
//   trailer SHA-1 or SHA-256 of all before it
//
// Memory: a buffer of 1 MiB, charged, and zlib's 300 KiB. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "base/budget.h"
#include "hash/git_hash.h"

struct z_stream_s;

namespace bale {

/// zlib's level for Git packs.
inline constexpr int kGitZlibLevel = 4;

class GitPackStream {
 public:
  using Sink = std::function<Result<void>(Bytes)>;

  /// The charge of a stream.
  static constexpr std::size_t kMemoryBytes = 1 << 20;

  /// Writes the header. kLimitExceeded for 2^32 objects or more, which Git's format cannot hold.
  [[nodiscard]] static Result<GitPackStream> create(GitHash hash, std::uint64_t object_count,
                                                    Budget& budget, Sink sink);

  GitPackStream(GitPackStream&&) noexcept;
  ~GitPackStream();

  /// The offset of the next entry in the pack.
  [[nodiscard]] std::uint64_t position() const { return bytes_ + filled_; }

  /// Writes an object of `size` bytes, compressed as `zlib`.
  Result<void> object(ObjectType type, std::uint64_t size, Bytes zlib);

  /// Writes a delta against the entry at `base_position`; `zlib` is its compressed program in Git's
  /// form, of `size` bytes. Requires base_position < position().
  Result<void> delta(std::uint64_t base_position, std::uint64_t size, Bytes zlib);

  /// Compresses and writes an object: begin, pieces that add up to `size`, end.
  Result<void> begin_object(ObjectType type, std::uint64_t size);
  Result<void> write(Bytes piece);
  Result<void> end();

  /// Writes the trailer. Returns the pack's size in bytes.
  Result<std::uint64_t> finish();

 private:
  struct DeflateDeleter {
    void operator()(z_stream_s* stream) const;
  };

  GitPackStream(GitHash hash, Sink sink) : hasher_(hash), sink_(std::move(sink)) {}

  Result<void> put(Bytes bytes);
  Result<void> flush();
  Result<void> put_header(unsigned type, std::uint64_t size);
  Result<void> deflate_piece(Bytes piece, int mode);

  Sha hasher_;
  Sink sink_;
  Buffer out_;  // the output buffer
  std::size_t filled_ = 0;
  std::unique_ptr<z_stream_s, DeflateDeleter> deflate_;
  std::uint64_t bytes_ = 0;
};

}  // namespace bale
