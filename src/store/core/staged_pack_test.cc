// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Packs on their way into a store, whatever the file system does to them.

#include "store/core/staged_pack.h"

#include <map>
#include <memory>
#include <string>

#include "base/memory_size.h"
#include "base/try.h"
#include "store/core/store_impl.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/store_fixture.h"

namespace bale {
namespace {

GitOid oid_of(ObjectType type, const std::string& payload) {
  return git_oid(GitHash::kSha1, type, as_bytes(payload));
}

// Adds 300 blobs and a record, installs, and moves the archive "x".
Result<InstalledPack> add_archive(const Snapshot& store, int seed) {
  const std::unique_ptr<StagedPack> staged = TRY(StagedPack::create(store, GitHash::kSha1, {}));
  for (int i = 0; i < 300; ++i) {
    const std::string payload = std::string(300, 'x') + std::to_string(seed + i);
    TRY(staged->add(oid_of(ObjectType::kBlob, payload), ObjectType::kBlob, as_bytes(payload)));
  }
  const ObjectId record = TRY(staged->add_record({.archive = "x", .objects = 300}));
  InstalledPack installed = TRY(staged->install());
  TRY(move_archive(store, "x", record, true));
  return installed;
}

// Whether the archive is there and what its pack holds can be read: nullopt where there is none.
Result<bool> archive_is_whole(FileSystem& files) {
  const Store store = TRY(Store::open("/store", &files));
  if (!TRY(store.snapshot().newest_record("x"))) return false;
  ReadContext context;
  const ArchiveRecord newest = TRY(store.snapshot().record("x", 0, context));
  for (const std::uint32_t number : store.snapshot().pack_numbers()) {
    const std::shared_ptr<const PackReader> pack = TRY(store.snapshot().pack(number));
    for (std::uint64_t i = 0; i < pack->record_count(); ++i) {
      const IndexRecord record = TRY(pack->record(i));
      TRY(store.snapshot().get({number, record.offset}, context));
    }
  }
  return newest.record.objects == 300;
}

TEST(StagedPackTest, WhatIsInstalledIsFoundByBothIds) {
  StoreFixture fixture;
  ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture.store(), GitHash::kSha1, {}));
  const std::string large(3 << 20, 'l');
  ASSERT_OK_AND_ASSIGN(small_id, staged->add(oid_of(ObjectType::kBlob, "small"), ObjectType::kBlob,
                                             as_bytes("small")));
  ASSERT_THAT(staged->begin(ObjectType::kBlob, large.size()), IsOk());
  ASSERT_THAT(staged->write(as_bytes(large).first(1000)), IsOk());
  ASSERT_THAT(staged->write(as_bytes(large).subspan(1000)), IsOk());
  ASSERT_OK_AND_ASSIGN(large_id, staged->end(oid_of(ObjectType::kBlob, large)));
  EXPECT_EQ(fixture.files().size(), 2u);  // the directory in staging/ and the growing pack
  ASSERT_OK_AND_ASSIGN(installed, staged->install());
  EXPECT_EQ(installed.summary.objects, 2u);
  staged.reset();
  EXPECT_EQ(fixture.files().size(), 3u);
  ASSERT_THAT(fixture.store().refresh(), IsOk());
  EXPECT_EQ(fixture.store().snapshot().pack_name(0), installed.name);
  for (const auto& [id, payload] :
       {std::pair(small_id, std::string("small")), std::pair(large_id, large)}) {
    EXPECT_EQ(id, content_hash(ObjectType::kBlob, as_bytes(payload)));
    ASSERT_TRUE(fixture.store().snapshot().find(id));
    EXPECT_EQ(fixture.store().snapshot().find(oid_of(ObjectType::kBlob, payload)),
              fixture.store().snapshot().find(id));
  }
}

TEST(StagedPackTest, EntriesOfAnotherPackAreTakenOverAsTheyAreStored) {
  StoreFixture source;
  const std::string large = random_text(3 << 20, 1);
  const std::string small(500, 's');
  {
    ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(source.store(), GitHash::kSha1, {}));
    for (const std::string& text : {small, large}) {
      ASSERT_THAT(staged->add(oid_of(ObjectType::kBlob, text), ObjectType::kBlob, as_bytes(text)),
                  IsOk());
    }
    ASSERT_THAT(staged->add(std::nullopt, ObjectType::kBlob, as_bytes("no Git id")), IsOk());
    ASSERT_THAT(staged->install(), IsOk());
  }
  ASSERT_THAT(source.store().refresh(), IsOk());
  const std::shared_ptr<const PackReader> pack = source.newest_pack();
  const PackReader& from = *pack;
  StoreFixture copy;
  ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(copy.store(), GitHash::kSha1, {}));
  ReadContext context;
  const auto stored = [&](const std::string& text) {
    return from.stored_at(*from.find(content_hash(ObjectType::kBlob, as_bytes(text))), 1000,
                          context);
  };
  ASSERT_OK_AND_ASSIGN(first, stored(small));
  ASSERT_THAT(staged->add_stored(oid_of(ObjectType::kBlob, small), first), IsOk());
  ASSERT_OK_AND_ASSIGN(second, stored(large));
  ASSERT_THAT(staged->begin_stored(second), IsOk());
  ASSERT_THAT(
      from.read_stored(second.offset, context, [&](Bytes piece) { return staged->write(piece); }),
      IsOk());
  ASSERT_THAT(staged->end_stored(oid_of(ObjectType::kBlob, large)), IsOk());
  ASSERT_OK_AND_ASSIGN(third, stored("no Git id"));
  ASSERT_THAT(staged->add_stored(std::nullopt, third), IsOk());
  ASSERT_OK_AND_ASSIGN(installed, staged->install());
  EXPECT_EQ(installed.summary.objects, 3u);
  ASSERT_THAT(copy.store().refresh(), IsOk());
  for (const std::string& text : {small, large}) {
    ASSERT_OK_AND_ASSIGN(
        object, copy.store().snapshot().get(
                    *copy.store().snapshot().find(oid_of(ObjectType::kBlob, text)), context));
    EXPECT_EQ(as_text(object.payload), text);
  }
  EXPECT_FALSE(copy.store().snapshot().find(oid_of(ObjectType::kBlob, "no Git id")));
  EXPECT_TRUE(copy.store().snapshot().find(content_hash(ObjectType::kBlob, as_bytes("no Git id"))));
}

TEST(StagedPackTest, DroppedItLeavesNothing) {
  StoreFixture fixture;
  {
    ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture.store(), GitHash::kSha1, {}));
    ASSERT_THAT(staged->add(oid_of(ObjectType::kBlob, "a"), ObjectType::kBlob, as_bytes("a")),
                IsOk());
    ASSERT_THAT(staged->begin(ObjectType::kBlob, 100), IsOk());
  }
  EXPECT_TRUE(fixture.files().empty());
}

TEST(StagedPackTest, RemovesDebrisAndOnlyDebris) {
  StoreFixture fixture;
  const std::string staging = fixture.path() + "/staging";
  write_test_file(staging + "/dead/new.pack.part", "left by a process that died");
  write_test_file(staging + "/dead/new.gitidx", "too");
  ASSERT_OK_AND_ASSIGN(alive, StagedPack::create(fixture.store(), GitHash::kSha1, {}));
  ASSERT_THAT(alive->add(oid_of(ObjectType::kBlob, "a"), ObjectType::kBlob, as_bytes("a")), IsOk());
  const auto before = fixture.files();
  EXPECT_FALSE(before.contains(staging + "/dead"));
  {
    ASSERT_OK_AND_ASSIGN(other, StagedPack::create(fixture.store(), GitHash::kSha1, {}));
    EXPECT_NE(other->directory(), alive->directory());
  }
  EXPECT_EQ(fixture.files(), before);
  EXPECT_THAT(alive->install(), IsOk());
}

TEST(StagedPackTest, TheSmallestMemoryIsEnoughAndOneByteLessIsRefused) {
  StoreFixture fixture;
  for (const int level : {1, 3, 9}) {
    const std::uint64_t smallest = StagedPack::smallest_memory_bytes(level);
    EXPECT_THAT(StagedPack::create(fixture.store(), GitHash::kSha1,
                                   {.level = level, .memory_bytes = smallest - 1}),
                FailsWith(ErrorCode::kInvalidArgument, memory_size(smallest)));
    for (const std::uint64_t memory : {smallest, smallest + 1, smallest + 100'000}) {
      ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture.store(), GitHash::kSha256,
                                                      {.level = level, .memory_bytes = memory}));
      const std::string text = "level " + std::to_string(level) + " " + std::to_string(memory);
      ASSERT_THAT(staged->add(git_oid(GitHash::kSha256, ObjectType::kBlob, as_bytes(text)),
                              ObjectType::kBlob, as_bytes(text)),
                  IsOk());
      ASSERT_THAT(staged->install(), IsOk());
    }
  }
}

// No two payloads with one change id are known, to be refused: an entry under it that holds another
// object is a damaged one.
TEST(StagedPackTest, ADamagedEntryKeepsNobodyFromStoringTheObjectOfItsChangeId) {
  StoreFixture fixture;
  const std::string commit = "tree " + std::string(40, '1') + "\n";
  const ObjectId id = change_id(ObjectType::kState, as_bytes(commit));
  const std::string path = fixture.path() + "/packs/" + std::string(64, '0') + ".pack";
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::create(path, {}));
  ASSERT_THAT(builder.add(id, ObjectType::kState, as_bytes("something else")), IsOk());
  ASSERT_THAT(builder.finish(), IsOk());
  ASSERT_THAT(fixture.store().refresh(), IsOk());
  ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture.store(), GitHash::kSha1, {}));
  EXPECT_THAT(staged->add(oid_of(ObjectType::kState, commit), ObjectType::kState, as_bytes(commit)),
              IsOk());
}

TEST(StagedPackTest, TheSameCommitUnderBothHashesIsNoConflict) {
  StoreFixture fixture;
  const std::string commit = "tree " + std::string(40, '1') + "\n";
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    ASSERT_OK_AND_ASSIGN(staged, StagedPack::create(fixture.store(), hash, {}));
    ASSERT_THAT(staged->add(git_oid(hash, ObjectType::kState, as_bytes(commit)), ObjectType::kState,
                            as_bytes(commit)),
                IsOk());
    ASSERT_THAT(staged->add_record({.archive = std::string(to_string(hash))}), IsOk());
    ASSERT_THAT(staged->install(), IsOk());
    ASSERT_THAT(fixture.store().refresh(), IsOk());
    EXPECT_TRUE(
        fixture.store().snapshot().find(git_oid(hash, ObjectType::kState, as_bytes(commit))));
  }
}

TEST(StagedPackTest, WhicheverCallFailsTheStoreIsAsItWasOrHasIt) {
  bool done = false;
  for (std::uint64_t n = 0; !done; ++n) {
    MemoryFileSystem memory;
    ASSERT_THAT(Store::init("/store", &memory), IsOk());
    FaultyFileSystem files(memory);
    {
      ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &files));
      files.inject({.operation = n, .tears_writes = true});
      const Result<InstalledPack> added = add_archive(store, 0);
      done = !files.fault_fired();
      if (done) {
        ASSERT_THAT(added, IsOk());
      }
      // A failure may come after the last step that counts (cleaning up); never before it.
      if (added) {
        ASSERT_OK_AND_ASSIGN(there, archive_is_whole(memory));
        EXPECT_TRUE(there) << n;
      }
    }
    ASSERT_OK_AND_ASSIGN(whole, archive_is_whole(memory));
    ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &memory));
    ASSERT_THAT(add_archive(store, 1000), IsOk()) << n << whole;
    ASSERT_OK_AND_ASSIGN(left, memory.list("/store/staging"));
    EXPECT_TRUE(left.empty()) << n;
  }
}

TEST(StagedPackTest, APowerCutKeepsWhatWasSaidToBeThere) {
  std::mt19937_64 random(1);
  int survived = 0;
  for (int round = 0; round < 40; ++round) {
    MemoryFileSystem memory;
    ASSERT_THAT(Store::init("/store", &memory), IsOk());
    FaultyFileSystem files(memory);
    {
      ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &memory));
      ASSERT_THAT(add_archive(store, 0), IsOk());
    }
    memory.crash(MemoryFileSystem::CrashMode::kDropUnsynced);
    ASSERT_OK_AND_ASSIGN(first, archive_is_whole(memory));
    EXPECT_TRUE(first);
    bool added = false;
    {
      ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &files));
      // The disk is gone from some call on, and then the power.
      files.inject({.operation = random() % 120, .forever = true});
      added = add_archive(store, 1000).has_value();
      survived += added ? 1 : 0;
    }
    memory.crash(random);
    ASSERT_OK_AND_ASSIGN(after, archive_is_whole(memory));
    EXPECT_TRUE(after);
    ASSERT_OK_AND_ASSIGN(store, Store::open("/store", &memory));
    if (added) {
      EXPECT_TRUE(store.snapshot().find(oid_of(ObjectType::kBlob, std::string(300, 'x') + "1000")));
    }
    ASSERT_THAT(add_archive(store, 2000), IsOk());
  }
  EXPECT_GT(survived, 0);
  EXPECT_LT(survived, 40);
}

}  // namespace
}  // namespace bale
