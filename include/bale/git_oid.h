// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A Git object id: SHA-1 or SHA-256 of "type size", a zero byte and the payload.

#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "bale/bytes.h"
#include "bale/export.h"
#include "bale/object.h"
#include "bale/result.h"

namespace bale {

/// The hash of a Git repository. The values are those of .gitidx files.
enum class GitHash : std::uint8_t { kSha1 = 1, kSha256 = 2 };

/// "sha1" or "sha256".
[[nodiscard]] BALE_EXPORT std::string_view to_string(GitHash hash);

/// Parses "sha1" or "sha256"; kInvalidArgument for any other name.
[[nodiscard]] BALE_EXPORT Result<GitHash> git_hash_from_name(std::string_view name);

/// 20 or 32.
constexpr std::size_t oid_bytes(GitHash hash) {
  return hash == GitHash::kSha1 ? 20 : 32;
}

class BALE_EXPORT GitOid {
 public:
  /// The null id of SHA-1.
  GitOid() = default;

  /// kInvalidArgument unless `bytes` are as many as an id of this hash has.
  [[nodiscard]] static Result<GitOid> from_bytes(GitHash hash, Bytes bytes);

  /// Reads exactly 40 hex digits (SHA-1) or 64 (SHA-256), in any case.
  [[nodiscard]] static Result<GitOid> from_hex(std::string_view hex);

  [[nodiscard]] GitHash hash() const { return hash_; }

  [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(oid_bytes(hash_)); }

  /// Lower-case hex digits: 40 or 64.
  [[nodiscard]] std::string to_hex() const;

  auto operator<=>(const GitOid&) const = default;
  bool operator==(const GitOid&) const = default;

 private:
  friend struct KnownId;

  GitOid(GitHash hash, Bytes bytes);

  GitHash hash_ = GitHash::kSha1;
  std::array<std::byte, 32> bytes_{};  // SHA-1 leaves the last twelve zero
};

/// Git's word for a type: "blob", "tree", "commit" (state) or "tag" (action).
[[nodiscard]] BALE_EXPORT std::string_view git_type_name(ObjectType type);

/// The type for Git's word; kInvalidArgument for any other word.
[[nodiscard]] BALE_EXPORT Result<ObjectType> object_type_from_git(std::string_view name);

/// The id that Git gives this payload. Thread-safe.
[[nodiscard]] BALE_EXPORT GitOid git_oid(GitHash hash, ObjectType type, Bytes payload);

}  // namespace bale
