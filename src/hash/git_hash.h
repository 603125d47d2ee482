// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Git's hashes, streamed: SHA-1 and SHA-256, plain (pack trailers) and as object ids. The rest of
// bale/git_oid.h is defined here too.
//
// A hasher owns an OpenSSL context, which reset() reuses: hashing millions of small objects with
// one hasher does not allocate. An OpenSSL failure (possible only without memory) ends the program.

#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "bale/bytes.h"
#include "bale/git_oid.h"
#include "bale/object.h"

namespace bale {

/// SHA-1 or SHA-256 of a stream. Movable; a moved-from one may only be destroyed or assigned to.
/// Thread-compatible.
class Sha {
 public:
  explicit Sha(GitHash hash);

  [[nodiscard]] GitHash hash() const { return hash_; }

  void update(Bytes data);

  /// The hash of everything since the start or the last reset(). Call reset() before any further
  /// use.
  [[nodiscard]] GitOid finish();

  /// Starts over with the same kind of hash.
  void reset();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  GitHash hash_;
  bool finished_ = false;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// The Git id of a streamed payload. Movable and thread-compatible like Sha.
class GitHasher {
 public:
  /// `size_bytes` is the payload's size, which is hashed first.
  GitHasher(GitHash hash, ObjectType type, std::uint64_t size_bytes);

  /// The same with Git's name of the type: "blob", "commit", ... (at most 16 bytes).
  GitHasher(GitHash hash, std::string_view git_type, std::uint64_t size_bytes);

  /// Starts over with another object under the same kind of hash.
  void reset(ObjectType type, std::uint64_t size_bytes);
  void reset(std::string_view git_type, std::uint64_t size_bytes);

  /// The next bytes of the payload.
  void update(Bytes data);

  /// The id. Requires that exactly `size_bytes` were passed. Call reset() before any further use.
  [[nodiscard]] GitOid finish();

 private:
  void start(std::string_view git_type, std::uint64_t size_bytes);

  Sha sha_;
  std::uint64_t missing_bytes_ = 0;
};

}  // namespace bale
