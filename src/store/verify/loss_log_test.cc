// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// However many objects are lost, and however often each is met, all are told of, once.

#include "store/verify/loss_log.h"

#include <fmt/core.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "bale/store_verifier.h"
#include "base/error.h"
#include "base/try.h"
#include "hash/git_hash.h"
#include "store/core/staged_pack.h"
#include "store/core/store_impl.h"
#include "store/verify/verify_findings.h"
#include "testing/damage_store.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

GitOid numbered(int number, GitHash hash = GitHash::kSha1) {
  const std::string text = std::to_string(number);
  return git_oid(hash, ObjectType::kBlob, as_bytes(text));
}

TEST(LossLogTest, EachObjectIsToldOfOnceWithWhatIsKnownOfIt) {
  MemoryFileSystem files;
  LossLog log;
  log.sort_in({.file_system = &files, .scratch_directory = "/"});
  constexpr int kObjects = 20'000;  // more than the memory holds
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kObjects; ++i) {
      Loss loss{.oid = numbered(i, i % 2 == 0 ? GitHash::kSha1 : GitHash::kSha256)};
      if (round == i % 3) loss.type = ObjectType::kTree;
      if (i % 5 == 0) loss.damaged = ObjectLocation{7, static_cast<std::uint64_t>(i) << 32};
      ASSERT_THAT(log.add(loss), IsOk());
    }
  }
  std::map<GitOid, Loss> told;
  ASSERT_THAT(log.for_each([&](const Loss& loss) -> Result<void> {
    EXPECT_TRUE(told.emplace(loss.oid, loss).second);
    return {};
  }),
              IsOk());
  EXPECT_EQ(told.size(), static_cast<std::size_t>(kObjects));
  for (int i = 0; i < kObjects; ++i) {
    const GitOid oid = numbered(i, i % 2 == 0 ? GitHash::kSha1 : GitHash::kSha256);
    const auto loss = told.find(oid);
    ASSERT_NE(loss, told.end()) << i;
    EXPECT_EQ(loss->second.type.has_value(), i % 3 != 2) << i;
    EXPECT_EQ(loss->second.damaged.has_value(), i % 5 == 0) << i;
    if (loss->second.damaged) {
      EXPECT_EQ(*loss->second.damaged, (ObjectLocation{7, static_cast<std::uint64_t>(i) << 32}));
    }
  }
}

TEST(LossLogTest, NothingLostIsNothingToldOf) {
  LossLog log;
  ASSERT_THAT(log.for_each([](const Loss&) -> Result<void> {
    ADD_FAILURE();
    return {};
  }),
              IsOk());
}

// The ids in the report and those that were told of beside it.
struct Told {
  StoreReport report;
  std::set<GitOid> oids;
};

void expect_all_told(const Told& told, std::size_t count) {
  EXPECT_EQ(told.report.lost.size(), VerifyFindings::kMost);
  EXPECT_EQ(told.report.lost_omitted, count - VerifyFindings::kMost);
  std::set<GitOid> all = told.oids;
  for (const LostObject& lost : told.report.lost) EXPECT_TRUE(all.insert(lost.oid).second);
  EXPECT_EQ(all.size(), count);
}

TEST(LossLogTest, VerifyNamesEveryMissingObject) {
  constexpr int kObjects = 12'000;
  DamageStore store;
  std::vector<std::pair<std::string, GitOid>> entries;
  std::set<GitOid> missing;
  for (int i = 0; i < kObjects; ++i) {
    entries.emplace_back(fmt::format("{:05}", i), DamageStore::unstored(std::to_string(i)));
    missing.insert(entries.back().second);
  }
  const GitOid tree = store.tree(entries);
  store.record("a", {{"refs/heads/main", store.commit(tree, {})}});
  Told told;
  StoreCheckOptions options;
  options.on_lost = [&](const LostObject& lost) -> Result<void> {
    EXPECT_TRUE(missing.contains(lost.oid));
    EXPECT_EQ(lost.type, ObjectType::kBlob);
    EXPECT_THAT(lost.why, testing::HasSubstr("none of the packs"));
    EXPECT_TRUE(told.oids.insert(lost.oid).second);
    return {};
  };
  ASSERT_OK_AND_ASSIGN(report, store.verify(options));
  told.report = std::move(report);
  expect_all_told(told, kObjects);
  options.on_lost = [](const LostObject&) -> Result<void> { return fail(ErrorCode::kIo, "no"); };
  EXPECT_THAT(store.verify(options), FailsWith(ErrorCode::kIo, "no"));
}

TEST(LossLogTest, EveryObjectWhoseEntryIsDamagedIsNamed) {
  constexpr int kObjects = 25'000;
  StoreFixture fixture;
  {
    ASSERT_OK_AND_ASSIGN(
        staged,
        StagedPack::create(fixture.store(), GitHash::kSha1,
                           {.memory_bytes = 8 << 20, .lanes = 1, .sync = false, .operation = {}}));
    for (int i = 0; i < kObjects; ++i) {
      ASSERT_THAT(staged->add(numbered(i), ObjectType::kBlob, as_bytes(std::to_string(i))), IsOk());
    }
    ASSERT_THAT(staged->install(), IsOk());
  }
  const Store store = fixture.reopened();
  Told told;
  VerifyFindings findings(told.report);
  findings.sort_in({.scratch_directory = fixture.path() + "/staging"});
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < kObjects; ++i) {
      const auto location = store.snapshot().find(numbered(i));
      ASSERT_TRUE(location);
      ASSERT_THAT(findings.damaged_entry(*location, fail(ErrorCode::kCorrupt, "it is damaged")),
                  IsOk());
    }
  }
  ASSERT_THAT(findings.name_entries(*packs_of(store)), IsOk());
  ASSERT_THAT(findings.tell_others(store,
                                   [&](const LostObject& lost) -> Result<void> {
                                     EXPECT_TRUE(told.oids.insert(lost.oid).second);
                                     return {};
                                   }),
              IsOk());
  expect_all_told(told, kObjects);
  // What is beyond the first ten thousand is noted each time that it is met.
  EXPECT_EQ(told.report.errors.size() + told.report.errors_omitted, 10'000u + 2u * 15'000u);
}

TEST(LossLogTest, TenThousandMissingObjectsAreRemembered) {
  const StoreFixture fixture;
  StoreReport report;
  VerifyFindings findings(report);
  findings.sort_in({.scratch_directory = fixture.path() + "/staging"});
  const auto all_errors = [&] { return report.errors.size() + report.errors_omitted; };
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 10'000; ++i) {
      ASSERT_THAT(findings.missing(numbered(i), ObjectType::kBlob, "a tree"), IsOk());
    }
    EXPECT_EQ(all_errors(), 10'000u);
  }
  for (int round = 0; round < 2; ++round) {
    ASSERT_THAT(findings.missing(numbered(10'000), ObjectType::kBlob, "a tree"), IsOk());
    EXPECT_EQ(all_errors(), 10'001u + static_cast<unsigned>(round));
  }
}

TEST(LossLogTest, WhatMayBeInUnreadPacksIsCountedUpToTenThousand) {
  const StoreFixture fixture;
  const Store store = fixture.reopened();
  for (const int count : {9'999, 10'001}) {
    StoreReport report;
    VerifyFindings findings(report);
    findings.packs_are_unread();
    for (int i = 0; i < count; ++i) {
      ASSERT_THAT(findings.missing(numbered(i), ObjectType::kBlob, "a tree"), IsOk());
    }
    ASSERT_THAT(findings.tell_others(store, {}), IsOk());
    ASSERT_EQ(report.errors.size(), 1u);
    EXPECT_THAT(report.errors[0].message,
                testing::HasSubstr(count < 10'000 ? "read: 9999 (" : "read: at least 10000 ("));
    EXPECT_EQ(report.lost.size(), 0u);
  }
}

}  // namespace
}  // namespace bale
