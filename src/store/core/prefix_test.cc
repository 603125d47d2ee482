// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Abbreviated ids.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "bale/store.h"
#include "store/core/staged_pack.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
  return text;
}

TEST(PrefixTest, AnyIdOfAnObjectLeadsToIt) {
  GitFixture git;
  git.write("a", "content");
  git.commit("first");
  StoreFixture fixture;
  ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
  Store& store = fixture.store();
  const GitOid blob = git.oid("HEAD:a");
  const ObjectId hash = content_hash(ObjectType::kBlob, as_bytes("content"));
  const ObjectLocation where = *store.snapshot().find(blob);
  for (const std::string& hex : {blob.to_hex(), hash.to_hex()}) {
    for (const std::size_t digits : {std::size_t{6}, std::size_t{7}, hex.size()}) {
      ASSERT_OK_AND_ASSIGN(found, store.snapshot().find_prefix(hex.substr(0, digits)));
      EXPECT_EQ(found.location, where);
      ASSERT_OK_AND_ASSIGN(same, store.snapshot().find_prefix(upper(hex.substr(0, digits))));
      EXPECT_EQ(same.location, where);
    }
  }
  ASSERT_OK_AND_ASSIGN(by_oid, store.snapshot().find_prefix(blob.to_hex()));
  EXPECT_EQ(by_oid.oid, blob);
  ASSERT_OK_AND_ASSIGN(by_hash, store.snapshot().find_prefix(hash.to_hex()));
  EXPECT_EQ(by_hash.oid, std::nullopt);
  ReadContext context;
  ASSERT_OK_AND_ASSIGN(commit,
                       store.snapshot().get(*store.snapshot().find(git.oid("HEAD")), context));
  ASSERT_OK_AND_ASSIGN(by_change, store.snapshot().find_prefix(commit.id.to_hex()));
  EXPECT_EQ(by_change.location, *store.snapshot().find(git.oid("HEAD")));
}

TEST(PrefixTest, WhatIsNoIdIsRefusedAndWhatIsUnknownIsNotFound) {
  GitFixture git;
  git.write("a", "content");
  git.commit("first");
  StoreFixture fixture;
  ASSERT_THAT(fixture.import(git.path(), "x"), IsOk());
  const std::string hex = git.oid("HEAD:a").to_hex();
  for (const std::string& text :
       {std::string(), std::string("12345"), hex.substr(0, 5), std::string("12345g"),
        std::string("HEADHEAD"), hex + std::string(30, '0'), " " + hex, hex + " "}) {
    EXPECT_THAT(fixture.store().snapshot().find_prefix(text),
                FailsWith(ErrorCode::kInvalidArgument))
        << text;
  }
  EXPECT_THAT(fixture.store().snapshot().find_prefix("000000"),
              FailsWith(ErrorCode::kNotFound, "000000"));
  EXPECT_THAT(fixture.store().snapshot().find_prefix(hex + "00"), FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(fixture.store().snapshot().find_prefix(std::string(64, 'f')),
              FailsWith(ErrorCode::kNotFound));
}

TEST(PrefixTest, AmbiguousOnesAreRefusedAndTheSameObjectInTwoPacksIsOne) {
  StoreFixture fixture;
  // Among some thousand blobs, two share their first six digits.
  std::map<std::string, std::string> by_prefix;
  std::string one;
  std::string other;
  for (int i = 0; one.empty(); ++i) {
    const std::string content = std::to_string(i);
    const std::string hex = content_hash(ObjectType::kBlob, as_bytes(content)).to_hex();
    const auto [place, added] = by_prefix.emplace(hex.substr(0, 6), content);
    if (added) continue;
    one = place->second;
    other = content;
  }
  const auto add = [&](const std::vector<std::string>& contents) {
    ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture.store(), GitHash::kSha1, {}));
    for (const std::string& content : contents) {
      const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(content));
      ASSERT_THAT(staged->add(oid, ObjectType::kBlob, as_bytes(content)), IsOk());
    }
    ASSERT_THAT(staged->install(), IsOk());
    ASSERT_THAT(fixture.store().refresh(), IsOk());
  };
  add({one});
  add({one, "something else"});
  const std::string hex = content_hash(ObjectType::kBlob, as_bytes(one)).to_hex();
  EXPECT_THAT(fixture.store().snapshot().find_prefix(hex.substr(0, 6)), IsOk());
  add({other});
  EXPECT_THAT(fixture.store().snapshot().find_prefix(hex.substr(0, 6)),
              FailsWith(ErrorCode::kInvalidArgument, "more than one"));
  EXPECT_THAT(fixture.store().snapshot().find_prefix(hex), IsOk());
}

}  // namespace
}  // namespace bale
