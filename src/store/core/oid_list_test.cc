// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Stored lists of Git ids, and sets made of them.

#include "store/core/oid_list.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/error.h"
#include "store/core/oid_set.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

GitOid numbered(GitHash hash, int i) {
  return git_oid(hash, ObjectType::kBlob, as_bytes(std::to_string(i)));
}

class OidListTest : public testing::TestWithParam<GitHash> {
 protected:
  // Stores a blob as a pack of its own.
  ObjectId add_blob(const std::string& text) {
    Result<std::unique_ptr<StagedPack>> staged =
        StagedPack::create(fixture_.store(), GetParam(), {});
    EXPECT_THAT(staged, IsOk());
    const Result<ObjectId> id = (*staged)->add(
        git_oid(GetParam(), ObjectType::kBlob, as_bytes(text)), ObjectType::kBlob, as_bytes(text));
    EXPECT_THAT(id, IsOk());
    EXPECT_THAT((*staged)->install(), IsOk());
    EXPECT_THAT(fixture_.store().refresh(), IsOk());
    return *id;
  }

  Result<std::vector<GitOid>> read(const ObjectId& list) {
    std::vector<GitOid> oids;
    const Result<void> done =
        read_oid_list(fixture_.store(), list, context_, [&](const GitOid& oid) -> Result<void> {
          oids.push_back(oid);
          return {};
        });
    if (!done) return done.error();
    return oids;
  }

  Result<OidListWriter> create() {
    return OidListWriter::create(fixture_.store(), GetParam(), fixture_.path() + "/staging",
                                 operation_);
  }

  StoreFixture fixture_;
  ReadContext context_;
  const Operation operation_{};
};

TEST_P(OidListTest, ComesBackSortedHoweverLong) {
  // So many that the writer's memory does not hold them.
  constexpr int kCount = 60'000;
  ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture_.store(), GetParam(), {}));
  ASSERT_OK_AND_ASSIGN(writer, create());
  std::vector<GitOid> expected;
  for (int i = 0; i < kCount; ++i) {
    expected.push_back(numbered(GetParam(), i));
    ASSERT_THAT(writer.add(expected.back()), IsOk());
  }
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(writer.count(), static_cast<std::uint64_t>(kCount));
  EXPECT_NE(writer.shown().find(numbered(GetParam(), 0).to_hex()), std::string::npos);
  EXPECT_TRUE(writer.shown().ends_with(", ..."));
  ASSERT_OK_AND_ASSIGN(list, writer.store(*staged));
  ASSERT_THAT(staged->install(), IsOk());
  ASSERT_THAT(fixture_.store().refresh(), IsOk());
  EXPECT_EQ(list.count, static_cast<std::uint64_t>(kCount));
  ASSERT_TRUE(list.list);
  ASSERT_OK_AND_ASSIGN(oids, read(*list.list));
  EXPECT_TRUE(oids == expected);

  Budget budget(8 << 20);
  ASSERT_OK_AND_ASSIGN(set, OidSet::load(fixture_.store(), list, GetParam(), context_, budget));
  for (int i = 0; i < kCount; i += 97) EXPECT_TRUE(set.contains(numbered(GetParam(), i)));
  EXPECT_FALSE(set.contains(numbered(GetParam(), kCount)));
  const GitHash other = GetParam() == GitHash::kSha1 ? GitHash::kSha256 : GitHash::kSha1;
  EXPECT_FALSE(set.contains(numbered(other, 1)));
  Budget small(1000);
  EXPECT_THAT(OidSet::load(fixture_.store(), list, GetParam(), context_, small),
              FailsWith(ErrorCode::kLimitExceeded));
}

TEST_P(OidListTest, NothingIsNoList) {
  ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture_.store(), GetParam(), {}));
  ASSERT_OK_AND_ASSIGN(writer, create());
  EXPECT_EQ(writer.shown(), "");
  ASSERT_OK_AND_ASSIGN(list, writer.store(*staged));
  EXPECT_EQ(list, Record::OidList());
  Budget budget(1 << 20);
  ASSERT_OK_AND_ASSIGN(set, OidSet::load(fixture_.store(), list, GetParam(), context_, budget));
  EXPECT_FALSE(set.contains(numbered(GetParam(), 1)));
  EXPECT_FALSE(OidSet().contains(numbered(GetParam(), 1)));
}

TEST_P(OidListTest, SubtractLeavesWhatTheOtherHasNot) {
  ASSERT_OK_AND_ASSIGN(all, create());
  ASSERT_OK_AND_ASSIGN(some, create());
  for (int i = 0; i < 300; ++i) ASSERT_THAT(all.add(numbered(GetParam(), i)), IsOk());
  for (int i = 0; i < 600; i += 3) ASSERT_THAT(some.add(numbered(GetParam(), i)), IsOk());
  std::vector<GitOid> left;
  ASSERT_THAT(all.subtract(some,
                           [&](const GitOid& oid) -> Result<void> {
                             left.push_back(oid);
                             return {};
                           }),
              IsOk());
  std::vector<GitOid> expected;
  for (int i = 0; i < 300; ++i) {
    if (i % 3 != 0) expected.push_back(numbered(GetParam(), i));
  }
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(left, expected);
}

TEST_P(OidListTest, WhatIsNoListIsSaidToBeNone) {
  const std::string line = numbered(GetParam(), 1).to_hex() + "\n";
  const std::string other = numbered(GetParam(), 2).to_hex() + "\n";
  for (const std::string& text :
       {std::string("\n"), std::string("hello\n"), line + "\n", "x" + line,
        line + std::string(65, 'a') + "\n", line.substr(0, line.size() - 1)}) {
    EXPECT_THAT(read(add_blob(text)), FailsWith(ErrorCode::kCorrupt)) << text;
  }
  EXPECT_THAT(read(ObjectId()), FailsWith(ErrorCode::kCorrupt, ObjectId().to_hex()));
  // As a list these are well-formed, as a set they are not.
  Budget budget(1 << 20);
  for (const std::string& text : {line + line, std::max(line, other) + std::min(line, other)}) {
    const Record::OidList list{.count = 2, .list = add_blob(text)};
    EXPECT_THAT(OidSet::load(fixture_.store(), list, GetParam(), context_, budget),
                FailsWith(ErrorCode::kCorrupt));
  }
  EXPECT_EQ(budget.used_bytes(), 0u);
}

INSTANTIATE_TEST_SUITE_P(BothHashes, OidListTest, testing::Values(GitHash::kSha1, GitHash::kSha256),
                         [](const auto& hash) { return std::string(to_string(hash.param)); });

}  // namespace
}  // namespace bale
