// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "hash/git_hash.h"

#include <openssl/sha.h>

#include <array>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/known_id.h"
#include "testing/matchers.h"

namespace bale {
namespace {

constexpr const char* kEmptyBlobSha1 = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
constexpr const char* kEmptyTreeSha1 = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
constexpr const char* kEmptyBlobSha256 =
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813";
constexpr const char* kEmptyTreeSha256 =
    "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321";

// By OpenSSL's one-shot functions, over header and payload concatenated.
std::string reference_oid(GitHash hash, const std::string& text) {
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  std::array<std::byte, 32> digest{};
  auto* out = reinterpret_cast<unsigned char*>(digest.data());
  if (hash == GitHash::kSha1) {
    ::SHA1(data, text.size(), out);
  } else {
    ::SHA256(data, text.size(), out);
  }
  return known_id<GitOid>(hash, Bytes(digest).first(oid_bytes(hash))).to_hex();
}

TEST(GitHashTest, NamesGoBothWays) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    ASSERT_OK_AND_ASSIGN(found, git_hash_from_name(to_string(hash)));
    EXPECT_EQ(found, hash);
  }
  EXPECT_EQ(to_string(GitHash::kSha1), "sha1");
  EXPECT_EQ(to_string(GitHash::kSha256), "sha256");
  EXPECT_THAT(git_hash_from_name("md5"), FailsWith(ErrorCode::kInvalidArgument, "md5"));
  EXPECT_THAT(git_hash_from_name("SHA1"), FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(git_hash_from_name(""), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(GitTypeTest, NamesGoBothWays) {
  for (const ObjectType type :
       {ObjectType::kBlob, ObjectType::kTree, ObjectType::kState, ObjectType::kAction}) {
    ASSERT_OK_AND_ASSIGN(found, object_type_from_git(git_type_name(type)));
    EXPECT_EQ(found, type);
  }
  EXPECT_EQ(git_type_name(ObjectType::kState), "commit");
  EXPECT_EQ(git_type_name(ObjectType::kAction), "tag");
  EXPECT_THAT(object_type_from_git("state"), FailsWith(ErrorCode::kInvalidArgument, "state"));
  EXPECT_THAT(object_type_from_git("ofs-delta"), FailsWith(ErrorCode::kInvalidArgument));
}

TEST(GitOidTest, HexGoesBothWaysInAnyCase) {
  ASSERT_OK_AND_ASSIGN(sha1, GitOid::from_hex("E69DE29bb2d1d6434b8b29ae775ad8c2e48c5391"));
  EXPECT_EQ(sha1.hash(), GitHash::kSha1);
  EXPECT_EQ(sha1.bytes().size(), 20u);
  EXPECT_EQ(sha1.to_hex(), kEmptyBlobSha1);
  ASSERT_OK_AND_ASSIGN(sha256, GitOid::from_hex(kEmptyBlobSha256));
  EXPECT_EQ(sha256.hash(), GitHash::kSha256);
  EXPECT_EQ(sha256.bytes().size(), 32u);
  EXPECT_EQ(sha256.to_hex(), kEmptyBlobSha256);
  EXPECT_EQ(GitOid().to_hex(), std::string(40, '0'));
}

TEST(GitOidTest, HexOfAnotherLengthOrOtherDigitsIsRefused) {
  const std::string hex = kEmptyBlobSha256;
  for (std::size_t length = 0; length <= 70; ++length) {
    std::string text = (hex + "000000").substr(0, length);
    if (length == 40 || length == 64) {
      EXPECT_THAT(GitOid::from_hex(text), IsOk());
      text.back() = 'g';
    }
    EXPECT_THAT(GitOid::from_hex(text), FailsWith(ErrorCode::kInvalidArgument)) << length;
  }
}

TEST(GitOidTest, BytesOfAnotherLengthAreRefused) {
  const std::array<std::byte, 33> bytes{};
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    const std::size_t right = oid_bytes(hash);
    for (const std::size_t size : {std::size_t{0}, right - 1, right + 1}) {
      EXPECT_THAT(GitOid::from_bytes(hash, Bytes(bytes).first(size)),
                  FailsWith(ErrorCode::kInvalidArgument, std::to_string(size)));
    }
    ASSERT_OK_AND_ASSIGN(oid, GitOid::from_bytes(hash, Bytes(bytes).first(right)));
    EXPECT_EQ(oid.hash(), hash);
  }
}

TEST(GitOidTest, EmptyObjectsHaveTheKnownIds) {
  EXPECT_EQ(git_oid(GitHash::kSha1, ObjectType::kBlob, {}).to_hex(), kEmptyBlobSha1);
  EXPECT_EQ(git_oid(GitHash::kSha1, ObjectType::kTree, {}).to_hex(), kEmptyTreeSha1);
  EXPECT_EQ(git_oid(GitHash::kSha256, ObjectType::kBlob, {}).to_hex(), kEmptyBlobSha256);
  EXPECT_EQ(git_oid(GitHash::kSha256, ObjectType::kTree, {}).to_hex(), kEmptyTreeSha256);
}

TEST(GitOidTest, IsTheHashOfHeaderAndPayload) {
  const std::vector<std::pair<ObjectType, std::string>> types = {{ObjectType::kBlob, "blob"},
                                                                 {ObjectType::kTree, "tree"},
                                                                 {ObjectType::kState, "commit"},
                                                                 {ObjectType::kAction, "tag"}};
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    for (const auto& [type, name] : types) {
      for (const std::size_t size : {1u, 9u, 10u, 63u, 64u, 12345u}) {
        const std::string payload(size, 'x');
        const std::string header = name + " " + std::to_string(size) + std::string(1, '\0');
        EXPECT_EQ(git_oid(hash, type, as_bytes(payload)).to_hex(),
                  reference_oid(hash, header + payload))
            << name << " of " << size;
      }
    }
  }
}

TEST(GitOidTest, ThreadsDoNotDisturbEachOther) {
  const std::string expected = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("a")).to_hex();
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&expected] {
      for (int round = 0; round < 200; ++round) {
        EXPECT_EQ(git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes("a")).to_hex(), expected);
        EXPECT_NE(git_oid(GitHash::kSha256, ObjectType::kBlob, as_bytes("a")).to_hex(), expected);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(ShaTest, HashesPiecesAndStartsOverAfterReset) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    Sha sha(hash);
    sha.update(as_bytes("left behind"));
    sha.reset();
    sha.update(as_bytes("a"));
    sha.update({});
    sha.update(as_bytes("bc"));
    EXPECT_EQ(sha.finish().to_hex(), reference_oid(hash, "abc"));
    sha.reset();
    EXPECT_EQ(sha.finish().to_hex(), reference_oid(hash, ""));
  }
}

TEST(GitHasherTest, OneHasherServesManyObjects) {
  GitHasher hasher(GitHash::kSha1, ObjectType::kBlob, 0);
  EXPECT_EQ(hasher.finish().to_hex(), kEmptyBlobSha1);
  hasher.reset("tree", 0);
  EXPECT_EQ(hasher.finish().to_hex(), kEmptyTreeSha1);
  hasher.reset(ObjectType::kState, 5);
  hasher.update(as_bytes("he"));
  GitHasher moved = std::move(hasher);
  moved.update(as_bytes("llo"));
  EXPECT_EQ(moved.finish(), git_oid(GitHash::kSha1, ObjectType::kState, as_bytes("hello")));
}

TEST(GitHasherDeathTest, AnotherNumberOfBytesThanSaidStopsTheProgram) {
  GitHasher hasher(GitHash::kSha1, ObjectType::kBlob, 5);
  hasher.update(as_bytes("four"));
  EXPECT_DEATH(static_cast<void>(hasher.finish()), "missing_bytes_ == 0");
  EXPECT_DEATH(hasher.update(as_bytes("ab")), "missing_bytes_");
}

TEST(ShaDeathTest, FinishingTwiceStopsTheProgram) {
  Sha sha(GitHash::kSha1);
  static_cast<void>(sha.finish());
  EXPECT_DEATH(static_cast<void>(sha.finish()), "finished_");
}

}  // namespace
}  // namespace bale
