// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Objects that two packs have, one of which is damaged; and catalogs that lead astray.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/store.h"
#include "bale/store_collect.h"
#include "bale/store_repack.h"
#include "bale/store_verifier.h"
#include "base/try.h"
#include "hash/git_hash.h"
#include "store/core/catalog_builder.h"
#include "store/core/staged_pack.h"
#include "store/core/store_impl.h"
#include "store/maintain/pack_copier.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"
#include "testing/small_archives.h"
#include "testing/small_history.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

constexpr const char* kStore = "/store";
constexpr int kVersion = 3;

Result<void> flip(FileSystem& files, const std::string& path, std::uint64_t at) {
  ByteVector content = TRY(read_file(files, path));
  content[at] ^= std::byte{0xff};
  return write_file(files, path, content);
}

Result<std::uint64_t> size_of(FileSystem& files, const std::string& path) {
  return TRY(files.stat(path)).size;
}

// All entries of all packs of the store in one more pack.
Result<std::string> copy_packs(Store& store) {
  PackCopier copier(store, {.memory_bytes = 48 << 20, .lanes = 1, .sync = false, .operation = {}});
  for (const std::uint32_t number : store.snapshot().pack_numbers()) {
    TRY(copier.copy(number, [](const StoredEntry&, const std::optional<GitOid>&) -> Result<bool> {
      return true;
    }));
  }
  TRY(copier.finish());
  TRY(store.refresh());
  return copier.totals().packs.front().name;
}

// What is wrong with an archive's objects and records, as they are read; empty if nothing is.
std::string what_is_wrong(const Snapshot& store, bool prefixes = true) {
  ReadContext context;
  for (int back = 0; back < kVersion; ++back) {
    const SmallHistory& history = small_history("a", kVersion - back);
    const auto record = store.record("a", static_cast<std::uint64_t>(back), context);
    if (!record) return record.error().message;
    if (record->record.refs != history.refs) return "a wrong record";
    for (const SmallObject& object : history.objects) {
      const auto location = store.find(object.oid);
      if (!location) return "not found: " + object.oid.to_hex();
      const auto view = store.get(*location, context, object.oid);
      if (!view) return view.error().message;
      if (view->type != object.type || as_text(view->payload) != object.payload) {
        return "wrong bytes of " + object.oid.to_hex();
      }
      std::string pieces;
      const auto type = store.read(
          *location, context,
          [&](Bytes piece) -> Result<void> {
            pieces += as_text(piece);
            return {};
          },
          object.oid);
      if (!type || pieces != object.payload) return "read otherwise: " + object.oid.to_hex();
      if (!prefixes) continue;
      const auto found = store.find_prefix(object.oid.to_hex().substr(0, 20));
      if (!found || found->oid != object.oid) return "no prefix of " + object.oid.to_hex();
    }
  }
  return "";
}

class OtherCopiesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(Store::init(kStore, &files_), IsOk());
    ASSERT_OK_AND_ASSIGN(store, Store::open(kStore, &files_));
    for (int version = 1; version <= kVersion; ++version) {
      ASSERT_THAT(import_small(store, "a", version), IsOk());
    }
    for (const std::uint32_t number : store.snapshot().pack_numbers())
      names_.push_back(store.snapshot().pack_name(number));
    ASSERT_OK_AND_ASSIGN(copy, copy_packs(store));
    copy_ = copy;
  }

  static std::string in_packs(const std::string& name) {
    return std::string(kStore) + "/packs/" + name;
  }

  // The store with one byte of a file changed.
  void expect_right(const std::string& path, std::uint64_t at, bool verified) {
    const std::unique_ptr<MemoryFileSystem> files = files_.snapshot();
    ASSERT_THAT(flip(*files, path, at), IsOk());
    const Result<Store> store = Store::open(kStore, files.get());
    ASSERT_THAT(store, IsOk()) << path << " at " << at;
    // A Git index that is damaged may have an id that begins as another one does.
    EXPECT_EQ(what_is_wrong(*store, !path.ends_with(".gitidx")), "") << path << " at " << at;
    if (!verified) return;
    ASSERT_OK_AND_ASSIGN(
        report, verify_store(*store, {.work = {.memory_bytes = smallest_verify_memory_bytes()}}));
    // A catalog that names packs which are not there is one that is behind.
    EXPECT_TRUE(path.ends_with("/catalog") || !report.ok()) << path << " at " << at;
    EXPECT_EQ(report.lost.size(), 0u) << path << " at " << at;
  }

  MemoryFileSystem files_;
  std::vector<std::string> names_;  // of the packs that were imported
  std::string copy_;                // the pack that has the same
};

TEST_F(OtherCopiesTest, WhateverByteOfAPackIsChangedAllReadsRight) {
  std::vector<std::string> packs = names_;
  packs.push_back(copy_);
  for (const std::string& name : packs) {
    for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
      const std::string path = in_packs(name + suffix);
      ASSERT_OK_AND_ASSIGN(size, size_of(files_, path));
      const std::uint64_t step = suffix == ".pack" ? 3 : 29;
      for (std::uint64_t at = 0; at < size; at += step) {
        expect_right(path, at, at % 45 == 0);
      }
    }
  }
}

TEST_F(OtherCopiesTest, WhateverByteOfTheCatalogIsChangedAllReadsRight) {
  {
    ASSERT_OK_AND_ASSIGN(store, Store::open(kStore, &files_));
    ASSERT_THAT(write_catalog(files_, layout_of(store), *packs_of(store), {.operation = {}}),
                IsOk());
  }
  for (const bool copied : {true, false}) {
    if (!copied) {  // now each object is in one pack alone
      for (const std::string suffix : {".pack", ".idx", ".gitidx"}) {
        ASSERT_THAT(files_.remove_file(in_packs(copy_ + suffix)), IsOk());
      }
      ASSERT_OK_AND_ASSIGN(store, Store::open(kStore, &files_));
      ASSERT_THAT(write_catalog(files_, layout_of(store), *packs_of(store), {.operation = {}}),
                  IsOk());
    }
    const std::string path = std::string(kStore) + "/catalog";
    ASSERT_OK_AND_ASSIGN(size, size_of(files_, path));
    for (std::uint64_t at = 0; at < size; ++at) expect_right(path, at, at % 50 == 0);
  }
}

TEST_F(OtherCopiesTest, MaintenanceKeepsTheCopyThatIsRight) {
  for (const std::string& name : {names_.front(), names_.back(), copy_}) {
    const std::string path = in_packs(name + ".pack");
    ASSERT_OK_AND_ASSIGN(size, size_of(files_, path));
    for (std::uint64_t at = 40; at < size; at += 97) {
      const std::unique_ptr<MemoryFileSystem> files = files_.snapshot();
      ASSERT_THAT(flip(*files, path, at), IsOk());
      ASSERT_OK_AND_ASSIGN(store, Store::open(kStore, files.get()));
      ASSERT_THAT(
          repack_store(store, {.work = {.memory_bytes = 24 << 20, .lanes = 1, .operation = {}}}),
          IsOk());
      ASSERT_THAT(collect_store(store, {.work = {.memory_bytes = 32 << 20, .operation = {}}}),
                  IsOk());
      ASSERT_OK_AND_ASSIGN(reopened, Store::open(kStore, files.get()));
      EXPECT_EQ(what_is_wrong(reopened), "") << path << " at " << at;
    }
  }
}

// Too large to be held in memory while it is proven.
class LargeCopyTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(Store::init(kStore, &files_), IsOk());
    ASSERT_OK_AND_ASSIGN(store, Store::open(kStore, &files_));
    for (const std::string beside : {"one", "two"}) {
      ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(store, GitHash::kSha1, {.sync = false}));
      ASSERT_THAT(staged->begin(ObjectType::kBlob, large_.size()), IsOk());
      ASSERT_THAT(staged->write(as_bytes(large_)), IsOk());
      ASSERT_THAT(staged->end(oid_), IsOk());
      const GitOid other = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(beside));
      ASSERT_THAT(staged->add(other, ObjectType::kBlob, as_bytes(beside)), IsOk());
      ASSERT_THAT(staged->install(), IsOk());
      ASSERT_THAT(store.refresh(), IsOk());
    }
  }

  // Changes a byte of the blob in the pack to which look-ups lead, or in the other one.
  void damage(bool first) {
    ASSERT_OK_AND_ASSIGN(store, Store::open(kStore, &files_));
    const auto location = store.snapshot().find(oid_);
    ASSERT_TRUE(location);
    for (const std::uint32_t number : store.snapshot().pack_numbers()) {
      if ((number == location->pack) != first) continue;
      ASSERT_THAT(flip(files_, layout_of(store).pack(store.snapshot().pack_name(number)), 5 << 20),
                  IsOk());
    }
  }

  Result<std::string> read(std::string& given) {
    const Store store = TRY(Store::open(kStore, &files_));
    ReadContext context;
    TRY_VOID(store.snapshot().read(
        store.snapshot().find(oid_).value(), context,
        [&](Bytes piece) -> Result<void> {
          given += as_text(piece);
          return {};
        },
        oid_));
    return given;
  }

  MemoryFileSystem files_;
  const std::string large_ = random_text(6 << 20, 7);
  const GitOid oid_ = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(large_));
};

TEST_F(LargeCopyTest, NothingWrongIsGivenOfADamagedCopy) {
  damage(true);
  std::string given;
  ASSERT_OK_AND_ASSIGN(text, read(given));
  EXPECT_TRUE(text == large_);
  damage(false);
  given.clear();
  EXPECT_THAT(read(given), FailsWith(ErrorCode::kCorrupt));
  EXPECT_EQ(given.size(), 0u);
}

}  // namespace
}  // namespace bale
