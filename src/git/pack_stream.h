// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// GitPackStream: writes objects in Git's own pack format, for `git index-pack --stdin`.
//
//   "PACK"  version u32 BE = 2  object count u32 BE
//   object  type and size: bit 7 = more, bits 6..4 = type (1 commit, 2 tree, 3 blob, 4 tag),
//           bits 3..0 = low bits of the size; then 7 bits a byte, low bits first
//           payload, compressed with zlib
//   trailer SHA-1 or SHA-256 of all before it
//
// Memory: two buffers of 1 MiB, charged, and zlib's 300 KiB. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "base/budget.h"
#include "hash/git_hash.h"

struct libdeflate_compressor;
struct z_stream_s;

namespace bale {

class GitPackStream {
 public:
  using Sink = std::function<Result<void>(Bytes)>;

  /// Payloads up to this size are compressed at once, larger ones as they come.
  static constexpr std::size_t kWholeBytes = 1 << 20;

  /// Writes the header. kLimitExceeded for 2^32 objects or more, which Git's format cannot hold.
  [[nodiscard]] static Result<GitPackStream> create(GitHash hash, std::uint64_t object_count,
                                                    Budget& budget, Sink sink);

  GitPackStream(GitPackStream&&) noexcept;
  ~GitPackStream();

  /// One object of at most kWholeBytes.
  Result<void> object(ObjectType type, Bytes payload);

  /// One object in pieces that add up to `size`.
  Result<void> begin(ObjectType type, std::uint64_t size);
  Result<void> write(Bytes piece);
  Result<void> end();

  /// Writes the trailer. Returns how many bytes there were in all.
  Result<std::uint64_t> finish();

 private:
  struct DeflateDeleter {
    void operator()(z_stream_s* stream) const;
  };

  struct CompressorDeleter {
    void operator()(libdeflate_compressor* compressor) const;
  };

  GitPackStream(GitHash hash, Sink sink) : hasher_(hash), sink_(std::move(sink)) {}

  Result<void> put(Bytes bytes);
  Result<void> flush();
  Result<void> put_header(ObjectType type, std::uint64_t size);
  Result<void> deflate_piece(Bytes piece, int mode);

  Sha hasher_;
  Sink sink_;
  Buffer out_;  // compressed bytes on their way
  std::size_t filled_ = 0;
  Buffer compressed_;  // of one object
  std::unique_ptr<libdeflate_compressor, CompressorDeleter> compressor_;
  std::unique_ptr<z_stream_s, DeflateDeleter> deflate_;
  std::uint64_t bytes_ = 0;
};

}  // namespace bale
