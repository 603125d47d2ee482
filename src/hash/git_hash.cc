// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A Git id is the hash of a header and the payload:
//
//   "blob" | "tree" | "commit" | "tag", a space, the size in decimal, a zero byte, the payload
//
// OpenSSL 3 looks an algorithm up by name, under a lock, each time a context is set up; so both are
// fetched once, and contexts are reused.
#include "hash/git_hash.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/check.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/known_id.h"

namespace bale {
namespace {

constexpr std::size_t kMaxTypeBytes = 16;
constexpr std::size_t kMaxSizeDigits = 20;

// Never freed: contexts refer to it, on threads that may outlive main's objects.
const EVP_MD* algorithm(GitHash hash) {
  static const EVP_MD* const kSha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  const EVP_MD* found = hash == GitHash::kSha1 ? kSha1 : kSha256;
  CHECK(found != nullptr);
  return found;
}

// One per thread and kind, so that git_oid() of a small object does not allocate.
GitHasher& hasher_of_this_thread(GitHash hash) {
  if (hash == GitHash::kSha1) {
    thread_local GitHasher sha1(GitHash::kSha1, ObjectType::kBlob, 0);
    return sha1;
  }
  thread_local GitHasher sha256(GitHash::kSha256, ObjectType::kBlob, 0);
  return sha256;
}

}  // namespace

std::string_view to_string(GitHash hash) {
  switch (hash) {
    case GitHash::kSha1:
      return "sha1";
    case GitHash::kSha256:
      return "sha256";
  }
  CHECK(false);
}

Result<GitHash> git_hash_from_name(std::string_view name) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    if (name == to_string(hash)) return hash;
  }
  return fail(ErrorCode::kInvalidArgument, "'{}' is not a hash of Git's (sha1 or sha256)", name);
}

GitOid::GitOid(GitHash hash, Bytes bytes) : hash_(hash) {
  CHECK(bytes.size() == oid_bytes(hash));
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

Result<GitOid> GitOid::from_bytes(GitHash hash, Bytes bytes) {
  if (bytes.size() == oid_bytes(hash)) return GitOid(hash, bytes);
  return fail(ErrorCode::kInvalidArgument, "a Git object id of {} has {} bytes, not {}",
              to_string(hash), oid_bytes(hash), bytes.size());
}

Result<GitOid> GitOid::from_hex(std::string_view hex) {
  GitOid oid;
  oid.hash_ = hex.size() == 2 * oid_bytes(GitHash::kSha256) ? GitHash::kSha256 : GitHash::kSha1;
  if (!parse_hex(hex, MutableBytes(oid.bytes_).first(oid_bytes(oid.hash_)))) {
    return fail(ErrorCode::kInvalidArgument,
                "'{}' is not a Git object id (40 hex digits for SHA-1, 64 for SHA-256)", hex);
  }
  return oid;
}

std::string GitOid::to_hex() const {
  return bale::to_hex(bytes());
}

std::string_view git_type_name(ObjectType type) {
  switch (type) {
    case ObjectType::kBlob:
      return "blob";
    case ObjectType::kTree:
      return "tree";
    case ObjectType::kState:
      return "commit";
    case ObjectType::kAction:
      return "tag";
  }
  CHECK(false);
}

Result<ObjectType> object_type_from_git(std::string_view name) {
  for (const ObjectType type :
       {ObjectType::kBlob, ObjectType::kTree, ObjectType::kState, ObjectType::kAction}) {
    if (name == git_type_name(type)) return type;
  }
  return fail(ErrorCode::kInvalidArgument,
              "'{}' is not a type of Git's (blob, tree, commit or tag)", name);
}

GitOid git_oid(GitHash hash, ObjectType type, Bytes payload) {
  GitHasher& hasher = hasher_of_this_thread(hash);
  hasher.reset(type, payload.size());
  hasher.update(payload);
  return hasher.finish();
}

Sha::Sha(GitHash hash) : hash_(hash), context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr);
  CHECK(EVP_DigestInit_ex2(context_.get(), algorithm(hash), nullptr) == 1);
}

void Sha::update(Bytes data) {
  CHECK(!finished_);
  CHECK(EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1);
}

GitOid Sha::finish() {
  CHECK(!finished_);
  finished_ = true;
  std::array<std::byte, 32> digest{};
  unsigned digest_bytes = 0;
  CHECK(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                           &digest_bytes) == 1);
  return known_id<GitOid>(hash_, Bytes(digest).first(digest_bytes));
}

void Sha::reset() {
  finished_ = false;
  CHECK(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1);  // the algorithm stays
}

GitHasher::GitHasher(GitHash hash, ObjectType type, std::uint64_t size_bytes)
    : GitHasher(hash, git_type_name(type), size_bytes) {}

GitHasher::GitHasher(GitHash hash, std::string_view git_type, std::uint64_t size_bytes)
    : sha_(hash) {
  start(git_type, size_bytes);
}

void GitHasher::reset(ObjectType type, std::uint64_t size_bytes) {
  reset(git_type_name(type), size_bytes);
}

void GitHasher::reset(std::string_view git_type, std::uint64_t size_bytes) {
  sha_.reset();
  start(git_type, size_bytes);
}

void GitHasher::start(std::string_view git_type, std::uint64_t size_bytes) {
  CHECK(git_type.size() <= kMaxTypeBytes);
  char header[kMaxTypeBytes + 1 + kMaxSizeDigits + 1];
  std::memcpy(header, git_type.data(), git_type.size());
  char* end = header + git_type.size();
  *end++ = ' ';
  end = std::to_chars(end, std::end(header), size_bytes).ptr;
  *end++ = '\0';
  sha_.update(as_bytes({header, static_cast<std::size_t>(end - header)}));
  missing_bytes_ = size_bytes;
}

void GitHasher::update(Bytes data) {
  CHECK(data.size() <= missing_bytes_);
  missing_bytes_ -= data.size();
  sha_.update(data);
}

GitOid GitHasher::finish() {
  CHECK(missing_bytes_ == 0);
  return sha_.finish();
}

}  // namespace bale
