// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Git's hashes, streamed: SHA-1 and SHA-256, plain (pack trailers) and as object ids. The rest of
// bale/git_oid.h is defined here too.
//
// A hasher owns one context of OpenSSL's, which reset() uses again: hashing millions of small
// objects with one hasher does not allocate. OpenSSL failing on a context that it made (it cannot,
// short of memory) stops the program.

#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "bale/bytes.h"
#include "bale/git_oid.h"
#include "bale/object.h"

namespace bale {

/// SHA-1 or SHA-256 of bytes that come in pieces. Movable; a moved-from one may only be destroyed
/// or assigned to. Thread-compatible.
class Sha {
 public:
  explicit Sha(GitHash hash);

  [[nodiscard]] GitHash hash() const { return hash_; }

  void update(Bytes data);

  /// The hash of everything since the start or the last reset(). Once; then reset() comes first.
  [[nodiscard]] GitOid finish();

  /// Forgets everything but the kind of hash.
  void reset();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  GitHash hash_;
  bool finished_ = false;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// The id that Git gives to a payload that comes in pieces. Movable and thread-compatible like Sha.
class GitHasher {
 public:
  /// `size_bytes` is the payload's size: it is hashed first, so it must be known.
  GitHasher(GitHash hash, ObjectType type, std::uint64_t size_bytes);

  /// The same for Git's own word for the type: "blob", "commit", ... (of at most 16 bytes).
  GitHasher(GitHash hash, std::string_view git_type, std::uint64_t size_bytes);

  /// Starts over with another object under the same kind of hash.
  void reset(ObjectType type, std::uint64_t size_bytes);
  void reset(std::string_view git_type, std::uint64_t size_bytes);

  /// The next bytes of the payload.
  void update(Bytes data);

  /// The id. Requires that exactly the size's number of bytes came; then reset() comes first.
  [[nodiscard]] GitOid finish();

 private:
  void start(std::string_view git_type, std::uint64_t size_bytes);

  Sha sha_;
  std::uint64_t missing_bytes_ = 0;
};

}  // namespace bale
