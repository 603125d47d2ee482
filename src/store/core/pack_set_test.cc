// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Look-ups over many packs, with a catalog and without; and damage that stays where it is.

#include "store/core/pack_set.h"

#include <sys/resource.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "bale/store_repack.h"
#include "store/core/catalog_builder.h"
#include "store/core/staged_pack.h"
#include "store/core/store_impl.h"
#include "testing/matchers.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

// A store of many small packs, each with an object of its own and one that all have.
class PackSetTest : public testing::Test {
 protected:
  static std::string content(int number) { return "object " + std::to_string(number); }

  static GitOid oid(int number, GitHash hash = GitHash::kSha1) {
    return git_oid(hash, ObjectType::kBlob, as_bytes(content(number)));
  }

  void add_packs(int from, int to, GitHash hash = GitHash::kSha1) {
    for (int i = from; i < to; ++i) {
      ASSERT_OK_AND_ASSIGN(
          staged, StagedPack::create(
                      store(), hash,
                      {.memory_bytes = 8 << 20, .lanes = 1, .sync = false, .operation = {}}));
      for (const int number : {i, -1}) {
        ASSERT_THAT(staged->add(oid(number, hash), ObjectType::kBlob, as_bytes(content(number))),
                    IsOk());
      }
      ASSERT_THAT(staged->install(), IsOk());
    }
  }

  void add_large_pack(int objects) {
    ASSERT_OK_AND_ASSIGN(
        staged,
        StagedPack::create(store(), GitHash::kSha1,
                           {.memory_bytes = 8 << 20, .lanes = 1, .sync = false, .operation = {}}));
    for (int i = 0; i < objects; ++i, ++large_) {
      const std::string text = "of a large pack " + std::to_string(large_);
      ASSERT_THAT(staged->add(git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(text)),
                              ObjectType::kBlob, as_bytes(text)),
                  IsOk());
    }
    ASSERT_THAT(staged->install(), IsOk());
  }

  void expect_all_found(const Snapshot& store, int count) {
    ReadContext context;
    for (int i = -1; i < count; ++i) {
      const auto by_oid = store.find(oid(i));
      const auto by_id = store.find(content_hash(ObjectType::kBlob, as_bytes(content(i))));
      ASSERT_TRUE(by_oid) << i;
      EXPECT_EQ(by_oid, by_id) << i;
      ASSERT_OK_AND_ASSIGN(view, store.get(*by_oid, context, oid(i)));
      EXPECT_EQ(as_text(view.payload), content(i));
    }
    EXPECT_FALSE(store.find(oid(count)));
    EXPECT_FALSE(store.find(oid(0, GitHash::kSha256)));
  }

  Result<void> write() {
    TRY(store().refresh());
    return write_catalog(store().file_system(), layout_of(store()), *packs_of(store()),
                         {.sync = false, .operation = {}});
  }

  Store& store() { return fixture_.store(); }

  StoreFixture fixture_;
  int large_ = 0;  // objects in large packs
};

TEST_F(PackSetTest, ACatalogAnswersAsThePacksDo) {
  add_packs(0, 20);
  ASSERT_THAT(write(), IsOk());
  const Store with = fixture_.reopened();
  EXPECT_EQ(packs_of(with)->uncataloged_count(), 0u);
  expect_all_found(with, 20);
  add_packs(20, 23);
  const Store newer = fixture_.reopened();
  EXPECT_EQ(packs_of(newer)->uncataloged_count(), 3u);
  expect_all_found(newer, 23);
  ASSERT_OK_AND_ASSIGN(without, packs_of(newer)->without_catalog());
  EXPECT_EQ(without->catalog(), nullptr);
  for (int i = -1; i < 23; ++i) EXPECT_TRUE(without->find(oid(i))) << i;
  ASSERT_THAT(packs_of(with)->catalog()->check(), IsOk());
}

TEST_F(PackSetTest, BothKindsOfGitIdsAreInACatalog) {
  add_packs(0, 2);
  add_packs(2, 4, GitHash::kSha256);
  ASSERT_THAT(write(), IsOk());
  const Store with = fixture_.reopened();
  ReadContext context;
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    const int first = hash == GitHash::kSha1 ? 0 : 2;
    for (const int i : {-1, first, first + 1}) {
      const auto where = with.snapshot().find(oid(i, hash));
      ASSERT_TRUE(where);
      ASSERT_OK_AND_ASSIGN(view, with.snapshot().get(*where, context, oid(i, hash)));
      EXPECT_EQ(as_text(view.payload), content(i));
      ASSERT_OK_AND_ASSIGN(found, with.snapshot().find_prefix(oid(i, hash).to_hex().substr(0, 12)));
      EXPECT_EQ(found.location, *where);
    }
  }
}

TEST_F(PackSetTest, OpeningAStoreOfManyPacksWritesNothingAndTheNextWriterMakesTheCatalog) {
  add_packs(0, 150);
  const auto names = [&] {
    std::set<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(fixture_.path())) {
      found.insert(entry.path().string());
    }
    return found;
  };
  const std::set<std::string> before = names();
  const Store opened = fixture_.reopened();
  EXPECT_EQ(opened.snapshot().pack_count(), 150u);
  EXPECT_EQ(packs_of(opened)->uncataloged_count(), 150u);
  expect_all_found(opened, 150);
  EXPECT_EQ(names(), before);
  int descriptors = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const std::string target = fs::read_symlink(entry.path(), error).string();
    if (target.starts_with(fixture_.path())) ++descriptors;
  }
  // Of this Store and the fixture's, which is older than the packs.
  EXPECT_LE(descriptors, static_cast<int>(PackShelf::kMostOpen) + 2);
  keep_catalog_up(opened, false);
  const Store with = fixture_.reopened();
  EXPECT_EQ(packs_of(with)->uncataloged_count(), 0u);
  expect_all_found(with, 150);
}

TEST_F(PackSetTest, ManyPacksWithoutACatalogAreOpenedAFewAtATime) {
  constexpr int kPacks = 200;
  add_packs(0, kPacks);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = PackShelf::kMostOpen + 40;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  Result<Store> opened = Store::open(fixture_.path());
  EXPECT_THAT(opened, IsOk());
  if (opened) {
    expect_all_found(*opened, kPacks);
    const std::shared_ptr<const PackSet> packs = packs_of(*opened);
    EXPECT_EQ(packs->numbers().size(), std::size_t{kPacks});
    ASSERT_OK_AND_ASSIGN(without, packs->without_catalog());
    EXPECT_EQ(without->numbers(), packs->numbers());
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(PackSetTest, ACatalogIsWrittenWhenSmallPacksBesideItAreMany) {
  add_packs(0, 16);
  ASSERT_THAT(store().refresh(), IsOk());
  keep_catalog_up(store(), false);
  EXPECT_EQ(packs_of(fixture_.reopened())->catalog(), nullptr);
  add_packs(16, 17);
  ASSERT_THAT(store().refresh(), IsOk());
  keep_catalog_up(store(), false);
  const Store with = fixture_.reopened();
  EXPECT_EQ(packs_of(with)->uncataloged_count(), 0u);
  expect_all_found(with, 17);
}

TEST_F(PackSetTest, ACatalogIsWrittenWhenLargePacksBesideItHoldAnEighthOfIt) {
  const auto beside_after = [&](int packs, int objects) {
    for (int i = 0; i < packs; ++i) add_large_pack(objects);
    EXPECT_THAT(store().refresh(), IsOk());
    keep_catalog_up(store(), false);
    return packs_of(fixture_.reopened())->uncataloged_count();
  };
  EXPECT_EQ(beside_after(2, 30'000), 2u);
  EXPECT_EQ(beside_after(1, 3000), 0u);  // the third: 63,000 in the catalog
  EXPECT_EQ(beside_after(2, 2100), 2u);
  EXPECT_EQ(beside_after(1, 2100), 3u);  // 6,300 beside it are less than an eighth
  EXPECT_EQ(beside_after(1, 2100), 0u);
}

TEST_F(PackSetTest, AnObjectWhosePackWasCollectedBeforeItWasOpenedIsFoundElsewhere) {
  const int count = static_cast<int>(PackShelf::kMostOpen) + 20;
  add_packs(0, count);
  const Store reader = fixture_.reopened();
  ASSERT_NE(packs_of(reader)->catalog(), nullptr);
  std::vector<ObjectLocation> places;
  for (int i = 0; i < count; ++i) places.push_back(*reader.snapshot().find(oid(i)));
  Store writer = fixture_.reopened();
  ASSERT_THAT(repack_store(writer, {.work = {.sync = false, .operation = {}}}), IsOk());
  ReadContext context;
  for (int i = 0; i < count; ++i) {
    const ObjectLocation& place = places[static_cast<std::size_t>(i)];
    ASSERT_OK_AND_ASSIGN(info, reader.snapshot().info(place, context, oid(i)));
    EXPECT_EQ(info.size, content(i).size());
    ASSERT_OK_AND_ASSIGN(view, reader.snapshot().get(place, context, oid(i)));
    EXPECT_EQ(as_text(view.payload), content(i));
  }
  EXPECT_FALSE(reader.snapshot().get(places.front(), context));
  EXPECT_EQ(reader.snapshot().pack_count(), static_cast<std::uint32_t>(count));
}

TEST_F(PackSetTest, ACatalogThatNamesAPackWhichIsGoneIsNotUsed) {
  add_packs(0, 3);
  ASSERT_THAT(write(), IsOk());
  const std::string gone = store().snapshot().pack_name(store().snapshot().pack_numbers().front());
  for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
    fs::remove(fixture_.path() + "/packs/" + gone + suffix);
  }
  const Store opened = fixture_.reopened();
  EXPECT_EQ(packs_of(opened)->catalog(), nullptr);
  expect_all_found(opened, 2);
}

TEST_F(PackSetTest, ADamagedPackIsToldOfAndTheOthersServe) {
  add_packs(0, 5);
  std::string damaged;
  for (const auto& entry : fs::directory_iterator(fixture_.path() + "/packs")) {
    if (entry.path().extension() == ".pack") damaged = entry.path().string();
  }
  fs::resize_file(damaged, 50);
  const Store opened = fixture_.reopened();
  EXPECT_EQ(opened.snapshot().pack_count(), 4u);
  ASSERT_EQ(opened.snapshot().damage().size(), 1u);
  EXPECT_THAT(opened.snapshot().damage()[0].message, testing::HasSubstr(damaged));
  int found = 0;
  for (int i = 0; i < 5; ++i) found += opened.snapshot().find(oid(i)) ? 1 : 0;
  EXPECT_EQ(found, 4);
  EXPECT_TRUE(opened.snapshot().find(oid(-1)));
}

TEST_F(PackSetTest, EveryByteOfACatalogThatIsDamagedIsFound) {
  add_packs(0, 2);
  ASSERT_THAT(write(), IsOk());
  const std::string path = fixture_.path() + "/catalog";
  const std::string whole = read_test_file(path);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string bent = whole;
    bent[i] = static_cast<char>(bent[i] ^ 0x10);
    write_test_file(path, bent);
    const Result<CatalogView> view = CatalogView::open(store().file_system(), path);
    EXPECT_TRUE(!view || !view->check()) << i;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_test_file(path, whole.substr(0, size));
    EXPECT_THAT(CatalogView::open(store().file_system(), path), FailsWith(ErrorCode::kCorrupt));
  }
}

TEST_F(PackSetTest, NumbersKeepTheirMeaningWhatEverComesAndGoes) {
  add_packs(0, 3);
  ASSERT_THAT(store().refresh(), IsOk());
  ReadContext context;
  const auto where = store().snapshot().find(oid(1));
  ASSERT_TRUE(where);
  add_packs(3, 6);
  ASSERT_THAT(store().refresh(), IsOk());
  ASSERT_OK_AND_ASSIGN(view, store().snapshot().get(*where, context, oid(1)));
  EXPECT_EQ(as_text(view.payload), content(1));
  EXPECT_EQ(store().snapshot().find(oid(1)), where);
}

}  // namespace
}  // namespace bale
