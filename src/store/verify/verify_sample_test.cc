// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checks of a share of all objects.

#include <cmath>
#include <string>

#include "store/core/staged_pack.h"
#include "testing/damage_store.h"
#include "testing/matchers.h"

namespace bale {
namespace {

using testing::IsEmpty;

constexpr std::uint64_t kObjects = 2000;

// One pack with so many blobs, each of another size, which nothing reaches.
class VerifySampleTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    many_ = new StoreFixture();
    ASSERT_OK_AND_ASSIGN(staged,
                         StagedPack::create(many_->store(), GitHash::kSha1, {.sync = false}));
    for (std::uint64_t i = 0; i < kObjects; ++i) {
      const std::string text = std::string(i, 'x') + std::to_string(i);
      ASSERT_THAT(staged->add(git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(text)),
                              ObjectType::kBlob, as_bytes(text)),
                  IsOk());
    }
    ASSERT_THAT(staged->install(), IsOk());
  }

  static void TearDownTestSuite() { delete many_; }

  static StoreFixture* many_;
};

StoreFixture* VerifySampleTest::many_ = nullptr;

TEST_F(VerifySampleTest, ChecksAboutThatShare) {
  for (const double share : {0.005, 0.1, 0.5}) {
    ASSERT_OK_AND_ASSIGN(report, many_->verify({.sample = share, .sample_seed = 7}));
    EXPECT_THAT(report.errors, IsEmpty());
    const double expected = share * static_cast<double>(kObjects);
    EXPECT_NEAR(static_cast<double>(report.objects), expected, 5 * std::sqrt(expected));
  }
  ASSERT_OK_AND_ASSIGN(all, many_->verify({.sample = 1}));
  EXPECT_EQ(all.objects, kObjects);
}

TEST_F(VerifySampleTest, OneSeedChoosesTheSameObjectsAgain) {
  ASSERT_OK_AND_ASSIGN(first, many_->verify({.sample = 0.1}));
  ASSERT_TRUE(first.sample_seed.has_value());
  ASSERT_OK_AND_ASSIGN(again, many_->verify({.sample = 0.1, .sample_seed = first.sample_seed}));
  EXPECT_EQ(again.objects, first.objects);
  EXPECT_EQ(again.bytes, first.bytes);
  EXPECT_EQ(again.sample_seed, first.sample_seed);
  ASSERT_OK_AND_ASSIGN(other,
                       many_->verify({.sample = 0.1, .sample_seed = *first.sample_seed + 1}));
  EXPECT_NE(other.bytes, first.bytes);
  ASSERT_OK_AND_ASSIGN(full, many_->verify());
  EXPECT_FALSE(full.sample_seed.has_value());
}

TEST_F(VerifySampleTest, FindsADamagedObjectAmongAll) {
  DamageStore store;
  const GitOid file = store.blob("text");
  store.record("a", {{"refs/heads/main", store.commit(store.tree({{"f", file}}), {})}});
  ASSERT_OK_AND_ASSIGN(whole, store.verify({.sample = 1}));
  EXPECT_TRUE(whole.ok());
  store.damage(file);
  ASSERT_OK_AND_ASSIGN(report, store.verify({.sample = 1}));
  ASSERT_EQ(report.errors.size(), 1u);
  ASSERT_EQ(report.lost.size(), 1u);
  EXPECT_EQ(report.lost[0].oid, file);
  ASSERT_EQ(report.lost[0].touches.size(), 1u);
  EXPECT_EQ(report.lost[0].touches[0].path, "f");
}

TEST_F(VerifySampleTest, FindsDamagedIndexesAndTipsThatAreGone) {
  DamageStore store;
  const GitOid commit = store.commit(store.tree({{"f", store.blob("text")}}), {});
  store.record("a", {{"refs/heads/main", commit}});
  std::string index = store.pack_of(commit);
  index.replace(index.rfind('.'), std::string::npos, ".idx");
  flip_byte(index, -1);
  ASSERT_OK_AND_ASSIGN(damaged, store.verify({.sample = 0.0001}));
  EXPECT_FALSE(damaged.ok());
  store.lose(commit);
  ASSERT_OK_AND_ASSIGN(gone, store.verify({.sample = 0.0001}));
  ASSERT_EQ(gone.lost.size(), 1u);
  EXPECT_EQ(gone.lost[0].oid, commit);
}

TEST_F(VerifySampleTest, WhatMakesNoSenseIsRefused) {
  for (const double share : {0.0, -1.0, 1.1}) {
    EXPECT_THAT(many_->verify({.sample = share}), FailsWith(ErrorCode::kInvalidArgument));
  }
  EXPECT_THAT(many_->verify({.quick = true, .sample = 0.1}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(many_->verify({.archive = "a", .sample = 0.1}),
              FailsWith(ErrorCode::kInvalidArgument));
  EXPECT_THAT(many_->verify({.sample_seed = 1}), FailsWith(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace bale
