// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What is said of objects that are lost, in stores of one pack an object, so that each can be lost
// alone.

#include "store/verify/damage_trace.h"

#include <fmt/core.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "bale/archive_changes.h"
#include "format/catalog.h"
#include "hash/blake3.h"
#include "store/core/staged_pack.h"
#include "testing/damage_store.h"
#include "testing/matchers.h"

namespace bale {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Touch = LostObject::Touch;

// x.c lies in two directories of the first commit, and in no tree of the second.
class DamageTraceTest : public testing::Test {
 protected:
  DamageTraceTest() {
    x_ = store_.blob("x");
    y_ = store_.blob("y");
    sub_ = store_.tree({{"x.c", x_}, {"y.c", y_}});
    const GitOid dir = store_.tree({{"sub/", sub_}});
    copy_ = store_.tree({{"x.c", x_}});
    const GitOid first_root = store_.tree({{"copy/", copy_}, {"dir/", dir}, {"y.c", y_}});
    const GitOid second_root = store_.tree({{"y.c", y_}});
    first_ = store_.commit(first_root, {});
    second_ = store_.commit(second_root, {first_});
    third_ = store_.commit(second_root, {});
    store_.record("a", {{"refs/heads/main", first_}});
    store_.record("a", {{"refs/heads/main", second_}, {"refs/heads/old", first_}});
    store_.record("b", {{"refs/heads/main", third_}});
  }

  StoreReport verify(const StoreCheckOptions& options = {}) {
    Result<StoreReport> report = store_.verify(options);
    EXPECT_THAT(report, IsOk());
    return report ? std::move(*report) : StoreReport();
  }

  DamageStore store_;
  GitOid x_;
  GitOid y_;
  GitOid sub_;
  GitOid copy_;
  GitOid first_;
  GitOid second_;
  GitOid third_;
};

TEST_F(DamageTraceTest, ALostObjectIsToldOfWithAllThatItTouches) {
  EXPECT_TRUE(verify().ok());
  store_.lose(x_);
  const StoreReport report = verify();
  ASSERT_EQ(report.lost.size(), 1u);
  const LostObject& lost = report.lost[0];
  EXPECT_EQ(lost.oid, x_);
  EXPECT_EQ(lost.type, ObjectType::kBlob);
  EXPECT_THAT(lost.why, HasSubstr("in none of the packs"));
  EXPECT_TRUE(lost.traced);
  EXPECT_THAT(lost.touches, ElementsAre(Touch{"a", 0, "refs/heads/main", ""},
                                        Touch{"a", 0, "refs/heads/old", "copy/x.c"},
                                        Touch{"a", 1, "refs/heads/main", "copy/x.c"}));
  EXPECT_THAT(lost.paths, ElementsAre("copy/x.c", "dir/sub/x.c"));
  EXPECT_EQ(lost.paths_omitted, 0u);
  ASSERT_EQ(report.errors.size(), 1u);
  EXPECT_THAT(report.errors[0].message, HasSubstr(x_.to_hex()));
}

TEST_F(DamageTraceTest, ADamagedObjectIsToldOfLikeALostOne) {
  store_.damage(y_);
  const StoreReport report = verify();
  ASSERT_EQ(report.lost.size(), 1u);
  const LostObject& lost = report.lost[0];
  EXPECT_EQ(lost.oid, y_);
  EXPECT_EQ(lost.type, ObjectType::kBlob);
  EXPECT_THAT(lost.why, HasSubstr(store_.pack_of(y_)));
  EXPECT_THAT(lost.touches, ElementsAre(Touch{"a", 0, "refs/heads/main", "y.c"},
                                        Touch{"a", 0, "refs/heads/old", "dir/sub/y.c"},
                                        Touch{"a", 1, "refs/heads/main", "dir/sub/y.c"},
                                        Touch{"b", 0, "refs/heads/main", "y.c"}));
  EXPECT_THAT(lost.paths, ElementsAre("dir/sub/y.c", "y.c"));
}

TEST_F(DamageTraceTest, TreesAndCommitsAreLostWithAllBehindThem) {
  store_.damage(sub_);
  store_.lose(first_);
  const StoreReport report = verify();
  std::map<GitOid, LostObject> lost;
  for (const LostObject& object : report.lost) lost[object.oid] = object;
  ASSERT_EQ(lost.size(), 2u);
  EXPECT_EQ(lost[first_].type, ObjectType::kState);
  EXPECT_THAT(lost[first_].touches,
              ElementsAre(Touch{"a", 0, "refs/heads/main", ""}, Touch{"a", 0, "refs/heads/old", ""},
                          Touch{"a", 1, "refs/heads/main", ""}));
  EXPECT_THAT(lost[first_].paths, IsEmpty());
  // Nobody can say any more what needs the tree.
  EXPECT_THAT(lost[sub_].touches, IsEmpty());
  EXPECT_TRUE(lost[sub_].traced);
}

TEST_F(DamageTraceTest, WhatOneArchiveDeclaresMissingIsALossForAnother) {
  store_.record("c", {{"refs/heads/main", first_}}, {.missing = {x_}});
  store_.record("d", {{"refs/heads/main", second_}}, {.shallow = {second_}});
  EXPECT_TRUE(verify().ok());
  store_.lose(x_);
  const StoreReport report = verify();
  ASSERT_EQ(report.lost.size(), 1u);
  for (const Touch& touch : report.lost[0].touches) EXPECT_EQ(touch.archive, "a");
  EXPECT_EQ(report.lost[0].touches.size(), 3u);
  for (const char* name : {"b", "c", "d"}) {
    const StoreReport one = verify({.archive = name});
    EXPECT_THAT(one.errors, IsEmpty()) << name;
    EXPECT_GT(one.objects, 0u);
  }
  EXPECT_FALSE(verify({.archive = "a"}).ok());
  // Beyond a boundary is nothing, whatever else is declared.
  store_.lose(first_);
  EXPECT_TRUE(verify({.archive = "d"}).ok());
  EXPECT_FALSE(verify({.archive = "c"}).ok());
}

TEST_F(DamageTraceTest, ObjectsThatSeveralRecordsReachAreCheckedOnce) {
  const std::uint64_t before = verify({.archive = "a"}).objects;
  store_.record("a", {{"refs/heads/main", second_}}, {.shallow = {second_}});
  EXPECT_EQ(verify({.archive = "a"}).objects, before);
}

TEST_F(DamageTraceTest, EachOfManyRefsIsNamed) {
  std::map<std::string, GitOid> refs;
  for (int i = 0; i < 56; ++i) refs[fmt::format("refs/heads/{:02}", i)] = first_;
  store_.record("many", refs);
  store_.lose(x_);
  const StoreReport report = verify();
  ASSERT_EQ(report.lost.size(), 1u);
  const std::vector<Touch>& touches = report.lost[0].touches;
  ASSERT_EQ(touches.size(), 3u + 56u);
  EXPECT_EQ(touches.back(), (Touch{"many", 0, "refs/heads/55", touches.back().path}));
}

TEST_F(DamageTraceTest, MorePathsThanSixteenAreCounted) {
  std::vector<std::pair<std::string, GitOid>> entries;
  for (int i = 0; i < 1'200; ++i) {
    entries.emplace_back(fmt::format("f{:04}", i), i < 100 ? y_ : x_);
  }
  store_.record("paths", {{"refs/heads/main", store_.commit(store_.tree(entries), {})}});
  store_.lose(x_);
  store_.lose(y_);
  const StoreReport report = verify({.archive = "paths"});
  ASSERT_EQ(report.lost.size(), 2u);
  for (const LostObject& lost : report.lost) {
    EXPECT_EQ(lost.paths.size(), 16u);
    // Beyond 1,000 they are not counted.
    EXPECT_EQ(lost.paths_omitted, lost.oid == y_ ? 84u : 1'001u - 16u);
  }
}

TEST_F(DamageTraceTest, PathsOfUpToFourKiBAreTold) {
  const std::string name(2'048, 'f');
  const GitOid tree = store_.tree({{name, x_}, {name + "f", y_}});
  const GitOid root = store_.tree({{std::string(2'047, 'd') + "/", tree}});
  store_.record("deep", {{"refs/heads/main", store_.commit(root, {})}});
  store_.lose(x_);
  store_.lose(y_);
  const StoreReport report = verify({.archive = "deep"});
  ASSERT_EQ(report.lost.size(), 2u);
  for (const LostObject& lost : report.lost) {
    ASSERT_EQ(lost.paths.size(), lost.oid == x_ ? 1u : 0u);
    if (lost.oid == x_) {
      EXPECT_EQ(lost.paths[0].size(), 4'096u);
    }
  }
}

TEST_F(DamageTraceTest, MoreThanTwentyThousandRefsAreCounted) {
  constexpr std::uint64_t kRefs = 20'050;
  constexpr std::uint64_t kTraced = 244;
  std::vector<std::pair<std::string, GitOid>> entries;
  for (std::uint64_t i = 0; i <= kTraced; ++i) {
    entries.emplace_back(fmt::format("f{:03}", i), store_.unstored(std::to_string(i)));
  }
  const GitOid commit = store_.commit(store_.tree(entries), {});
  std::map<std::string, GitOid> refs;
  for (std::uint64_t i = 0; i < kRefs; ++i) refs[fmt::format("refs/heads/{:05}", i)] = commit;
  store_.record("many", refs);
  const StoreReport report = verify({.archive = "many"});
  ASSERT_EQ(report.lost.size(), kTraced + 1);
  std::uint64_t told = 0;
  std::uint64_t omitted = 0;
  for (const LostObject& lost : report.lost) {
    told += lost.touches.size();
    omitted += lost.touches_omitted;
  }
  EXPECT_EQ(told, 20'000u);
  EXPECT_EQ(told + omitted, kTraced * kRefs);
  EXPECT_EQ(report.others_touch.size(), 20'000u);
  EXPECT_EQ(report.others_touch_omitted, kRefs - 20'000u);
}

TEST_F(DamageTraceTest, MoreObjectsThanOneWalkTracesAreAllTraced) {
  std::vector<std::pair<std::string, GitOid>> entries;
  std::vector<GitOid> blobs;
  for (int i = 0; i < 300; ++i) {
    blobs.push_back(store_.unstored("only its id " + std::to_string(i)));
    entries.emplace_back(fmt::format("f{:03}", i), blobs.back());
  }
  const GitOid tree = store_.tree(entries);
  // The last ones are not traced one by one, and nothing else is lost there.
  const GitOid last = store_.tree({entries.end() - 20, entries.end()});
  store_.record("z-lossy", {{"refs/heads/main", store_.commit(tree, {})}});
  store_.record("others", {{"refs/heads/main", store_.commit(last, {})}});
  store_.record("whole", {{"refs/heads/main", first_}});
  const StoreReport report = verify();
  ASSERT_EQ(report.lost.size(), 300u);
  EXPECT_THAT(report.others_touch, UnorderedElementsAre(Touch{"z-lossy", 0, "refs/heads/main", ""},
                                                        Touch{"others", 0, "refs/heads/main", ""}));
  EXPECT_EQ(report.errors.size(), 300u);
  std::size_t traced = 0;
  for (const LostObject& lost : report.lost) {
    if (!lost.traced) continue;
    ++traced;
    ASSERT_EQ(lost.touches.size(), 1u);
    EXPECT_EQ(lost.touches[0].archive, "z-lossy");
    EXPECT_THAT(lost.paths, ElementsAre(lost.touches[0].path));
  }
  EXPECT_EQ(traced, 244u);
}

TEST_F(DamageTraceTest, QuickTellsOfRefsThatLeadStraightToTheLoss) {
  store_.lose(second_);
  store_.lose(x_);
  const StoreReport report = verify({.quick = true});
  ASSERT_EQ(report.lost.size(), 1u);
  EXPECT_EQ(report.lost[0].oid, second_);
  EXPECT_THAT(report.lost[0].touches, ElementsAre(Touch{"a", 0, "refs/heads/main", ""}));
}

// With the smallest memory, the stacks of the walk go to scratch.
TEST(DamageTraceMemoryTest, ALongHistoryIsTracedInLittleMemory) {
  constexpr int kCommits = 20'000;
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(staged,
                       StagedPack::create(fixture.store(), GitHash::kSha1, {.sync = false}));
  const auto add = [&](ObjectType type, const std::string& payload) {
    const GitOid oid = git_oid(GitHash::kSha1, type, as_bytes(payload));
    EXPECT_THAT(staged->add(oid, type, as_bytes(payload)), IsOk());
    return oid;
  };
  const GitOid tree = add(ObjectType::kTree, "");
  const GitOid lost = DamageStore::unstored("the first commit");
  GitOid tip = lost;
  for (int i = 0; i < kCommits; ++i) {
    tip = add(ObjectType::kState,
              fmt::format("tree {}\nparent {}\n\n{}\n", tree.to_hex(), tip.to_hex(), i));
  }
  Record record{.archive = "x", .hash = GitHash::kSha1, .head = "ref: refs/heads/main"};
  record.refs["refs/heads/main"] = tip;
  ASSERT_OK_AND_ASSIGN(id, staged->add_record(record));
  ASSERT_THAT(staged->install(), IsOk());
  ASSERT_THAT(move_archive(fixture.store(), "x", id, false), IsOk());
  ASSERT_OK_AND_ASSIGN(report,
                       fixture.verify({.work = {.memory_bytes = smallest_verify_memory_bytes()}}));
  ASSERT_EQ(report.lost.size(), 1u);
  EXPECT_EQ(report.lost[0].oid, lost);
  EXPECT_EQ(report.lost[0].type, ObjectType::kState);
  EXPECT_THAT(report.lost[0].touches, ElementsAre(Touch{"x", 0, "refs/heads/main", ""}));
}

TEST_F(DamageTraceTest, ObjectsWithoutARefAreToldOfWithTheirRecord) {
  const GitOid alone = store_.blob("alone");
  store_.record("e", {{"refs/heads/main", third_}}, {.unreached = {alone}});
  EXPECT_TRUE(verify().ok());
  store_.lose(alone);
  const StoreReport report = verify();
  ASSERT_EQ(report.lost.size(), 1u);
  EXPECT_THAT(report.lost[0].touches, ElementsAre(Touch{"e", 0, "its objects without a ref", ""}));
}

// Nobody knows where the entry after it begins; but the index does.
TEST(DamageInAPackTest, WhatComesAfterAHeaderThatCannotBeReadIsChecked) {
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(staged,
                       StagedPack::create(fixture.store(), GitHash::kSha1, {.sync = false}));
  Record record{.archive = "x", .hash = GitHash::kSha1, .head = "ref: refs/heads/main"};
  for (const std::string text : {"one", "two", "three"}) {
    const GitOid oid = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(text));
    ASSERT_THAT(staged->add(oid, ObjectType::kBlob, as_bytes(text)), IsOk());
    record.refs["refs/tags/" + text] = oid;
  }
  ASSERT_OK_AND_ASSIGN(id, staged->add_record(record));
  ASSERT_THAT(staged->install(), IsOk());
  ASSERT_THAT(move_archive(fixture.store(), "x", id, false), IsOk());
  ASSERT_THAT(fixture.store().refresh(), IsOk());
  const auto pack = fixture.newest_pack();
  const auto offset = [&](const std::string& text) {
    return static_cast<std::int64_t>(
        pack->find(content_hash(ObjectType::kBlob, as_bytes(text))).value_or(0));
  };
  flip_byte(pack->path(), offset("two"));
  ASSERT_OK_AND_ASSIGN(report, fixture.verify());
  ASSERT_EQ(report.lost.size(), 1u);
  EXPECT_EQ(report.lost[0].oid, record.refs["refs/tags/two"]);
  EXPECT_THAT(report.lost[0].touches, ElementsAre(Touch{"x", 0, "refs/tags/two", ""}));
  EXPECT_EQ(report.objects, 3u);  // the two others, and the record
}

// ---- packs, indexes, the catalog

class ContainedDamageTest : public DamageTraceTest, public testing::WithParamInterface<bool> {
 protected:
  ContainedDamageTest() {
    if (GetParam()) store_.make_catalog();
  }
};

INSTANTIATE_TEST_SUITE_P(WithACatalog, ContainedDamageTest, testing::Bool());

TEST_P(ContainedDamageTest, APackThatCannotBeOpenedTakesOnlyItsOwnAway) {
  write_test_file(store_.pack_of(x_), "no pack any more");
  const StoreReport report = verify();
  ASSERT_EQ(report.lost.size(), 1u);
  EXPECT_EQ(report.lost[0].oid, x_);
  EXPECT_EQ(report.lost[0].touches.size(), 3u);
  std::string all;
  for (const Error& error : report.errors) all += error.message + "\n";
  EXPECT_THAT(all, HasSubstr(store_.pack_of(x_)));
  EXPECT_EQ(report.errors.size(), 2u) << all;
}

TEST_P(ContainedDamageTest, AGitIndexThatIsLostIsToldOfOnce) {
  std::string path = store_.pack_of(x_);
  path.replace(path.rfind('.'), std::string::npos, ".gitidx");
  std::filesystem::remove(path);
  const StoreReport report = verify();
  std::size_t told = 0;
  for (const Error& error : report.errors) told += error.message.starts_with(path) ? 1u : 0u;
  EXPECT_EQ(told, 1u);
  EXPECT_EQ(report.errors.front().hint.kind, HintKind::kRepair);
  // The catalog still leads to what is in the pack.
  ASSERT_EQ(report.lost.size(), GetParam() ? 0u : 1u);
  for (const LostObject& lost : report.lost) EXPECT_THAT(lost.why, HasSubstr("index is lost"));
}

TEST_F(DamageTraceTest, ADamagedCatalogHidesNothing) {
  const std::uint64_t objects = verify().objects;
  store_.make_catalog();
  ASSERT_TRUE(verify().ok());
  const std::string path = store_.layout().catalog();
  const std::string whole = read_test_file(path);
  std::vector<std::string> damaged;
  for (std::size_t i = 0; i < whole.size(); i += 97) {
    damaged.push_back(whole);
    damaged.back()[i] = static_cast<char>(~whole[i]);
  }
  // A record that leads astray, under a checksum that is right.
  damaged.push_back(whole);
  char& offset = damaged.back()[whole.size() - kCatalogTrailerBytes - 1];
  offset = static_cast<char>(~offset);
  const Bytes summed = as_bytes(damaged.back()).first(whole.size() - 32);
  const Blake3Hash sum = blake3(summed);
  damaged.back().replace(whole.size() - 32, 32, reinterpret_cast<const char*>(sum.data()), 32);
  for (const std::string& content : damaged) {
    write_test_file(path, content);
    const StoreReport report = verify();
    EXPECT_EQ(report.objects, objects);
    EXPECT_THAT(report.lost, IsEmpty());
    // A catalog of other packs than there are is none.
    ASSERT_LE(report.errors.size(), 1u);
    for (const Error& error : report.errors) EXPECT_THAT(error.message, HasSubstr(path));
  }
  EXPECT_FALSE(verify().ok());
}

TEST_F(DamageTraceTest, ARemovedArchivesPointerLeadsToAReadableRecord) {
  ASSERT_OK_AND_ASSIGN(removed, remove_archive(store_.store(), "b", {.work = {.sync = false}}));
  EXPECT_TRUE(verify().ok());
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    std::filesystem::remove(store_.layout().packs() + "/" + removed.pack + suffix);
  }
  const StoreReport report = verify();
  ASSERT_EQ(report.errors.size(), 1u);
  EXPECT_THAT(report.errors[0].message, HasSubstr("b: "));
}

}  // namespace
}  // namespace bale
