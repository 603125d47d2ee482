// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Looking up many ids at once: whatever they are, what comes back is what find() says of each.

#include <algorithm>
#include <optional>
#include <vector>

#include "bale/pack_reader.h"
#include "base/endian.h"
#include "base/known_id.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

class PackLookupTest : public testing::Test {
 protected:
  Result<PackReader> open(PackAccess access = PackAccess::kMap) {
    return PackReader::open("/a.pack", {.access = access, .file_system = &files_});
  }

  Result<PackReader> open(const PackDraft& draft) {
    const Result<void> put = put_pack(files_, "/a.pack", draft.pack(), draft.index());
    if (!put) return put.error();
    return open();
  }

  static void expect_same_as_find(const PackReader& pack, const std::vector<ObjectId>& ids) {
    const std::optional<std::uint64_t> garbage = 7;
    std::vector<std::optional<std::uint64_t>> offsets(ids.size(), garbage);
    ASSERT_THAT(pack.find_many(ids, offsets), IsOk());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ASSERT_EQ(offsets[i], pack.find(ids[i])) << i << " of " << ids.size();
    }
  }

  MemoryFileSystem files_;
};

ObjectId hash_of_words(std::uint64_t first, std::uint64_t last) {
  std::array<std::byte, 32> bytes{};
  store_be(bytes.data(), first);
  store_be(bytes.data() + 24, last);
  return known_id<ObjectId>(IdKind::kContentHash, bytes);
}

TEST_F(PackLookupTest, AnyNumberOfIdsOfBothKindsThereOrNotOrTwice) {
  const std::vector<TestObject> objects = make_objects(3'000, 1);
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  TestRandom random(1);
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(pack, open(access));
    for (const std::size_t count : {0u, 1u, 2u, 63u, 64u, 65u, 128u, 1'000u, 5'000u}) {
      std::vector<ObjectId> ids;
      while (ids.size() < count) {
        const ObjectId& there = objects[random.below(objects.size())].id;
        ids.push_back(there);
        if (random.below(4) == 0) ids.push_back(there);
        if (random.below(4) == 0) ids.push_back(test_id(there.kind(), 1'000'000 + ids.size()));
      }
      ids.resize(count);
      expect_same_as_find(pack, ids);
    }
  }
}

TEST_F(PackLookupTest, EveryIdOfAPackIsFoundWhereItsRecordSays) {
  ASSERT_OK_AND_ASSIGN(built, build_pack(make_objects(2'000, 2)));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open());
  std::vector<ObjectId> ids;
  std::vector<std::optional<std::uint64_t>> expected;
  for (std::uint64_t position = 0; position < pack.record_count(); ++position) {
    ASSERT_OK_AND_ASSIGN(record, pack.record(position));
    ids.push_back(record.id);
    expected.emplace_back(record.offset);
  }
  std::vector<std::optional<std::uint64_t>> offsets(ids.size());
  ASSERT_THAT(pack.find_many(ids, offsets), IsOk());
  EXPECT_EQ(offsets, expected);
}

TEST_F(PackLookupTest, WhatACallerGetsWrongIsAnError) {
  ASSERT_OK_AND_ASSIGN(built, build_pack(make_objects(3, 2)));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open());
  const std::vector<ObjectId> ids(2);
  for (const std::size_t count : {1u, 3u}) {
    std::vector<std::optional<std::uint64_t>> offsets(count);
    EXPECT_THAT(pack.find_many(ids, offsets), FailsWith(ErrorCode::kInvalidArgument, "2 ids"));
  }
  for (const std::uint64_t position : {pack.record_count(), UINT64_MAX}) {
    EXPECT_THAT(pack.record(position), FailsWith(ErrorCode::kInvalidArgument, "no record"));
  }
}

TEST_F(PackLookupTest, IdsThatAnEnemyChose) {
  PackDraft draft;
  std::vector<ObjectId> ids;
  const auto add = [&](const ObjectId& id) {
    draft.add_raw(id, ObjectType::kBlob, {});
    ids.push_back(id);
  };
  for (std::uint64_t i = 0; i < 700; ++i) {
    add(prefixed_id(i));
    add(hash_of_words(std::uint64_t{1} << (i % 64), i));
    add(hash_of_words(i, 0));
    add(hash_of_words(UINT64_MAX - i, UINT64_MAX));
  }
  ASSERT_OK_AND_ASSIGN(pack, open(draft));
  const std::size_t there = ids.size();
  for (std::size_t i = 0; i < there; ++i) {
    ByteVector bytes(ids[i].bytes().begin(), ids[i].bytes().end());
    for (const std::size_t at : {0u, 15u, 31u}) {
      bytes[at] ^= std::byte{1};
      ids.push_back(known_id<ObjectId>(IdKind::kContentHash, bytes));
    }
  }
  expect_same_as_find(pack, ids);
}

TEST_F(PackLookupTest, IdsThatShareAPrefixBesideIdsThatDoNot) {
  PackDraft draft;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    draft.add_raw(prefixed_id(2 * i), ObjectType::kBlob, {});
  }
  ASSERT_OK_AND_ASSIGN(pack, open(draft));
  std::vector<ObjectId> ids;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    ids.push_back(prefixed_id(i));
    ids.push_back(test_id(IdKind::kContentHash, i));
    ids.push_back(test_id(IdKind::kChangeId, i));
  }
  expect_same_as_find(pack, ids);
}

TEST_F(PackLookupTest, AnEmptyPackHasNoneOfThem) {
  ASSERT_OK_AND_ASSIGN(pack, open(PackDraft()));
  expect_same_as_find(pack, {test_id(IdKind::kContentHash, 1), test_id(IdKind::kChangeId, 1)});
  expect_same_as_find(pack, {});
}

// What get_many() hands out, beside what get() says of each id.
void expect_same_as_get(const PackReader& pack, const std::vector<ObjectId>& ids) {
  ReadContext context;
  ReadContext other_context;
  std::size_t next = 0;
  const auto read = pack.get_many(
      ids, context, [&](std::size_t position, const Result<ObjectView>& object) -> Result<void> {
        EXPECT_EQ(position, next++);
        const Result<ObjectView> expected = pack.get(ids[position], other_context);
        EXPECT_EQ(object.has_value(), expected.has_value());
        if (!object || !expected) {
          EXPECT_EQ(object.error().code, expected.error().code);
          EXPECT_EQ(object.error().message, expected.error().message);
        } else {
          EXPECT_EQ(object->id, expected->id);
          EXPECT_EQ(object->type, expected->type);
          EXPECT_TRUE(std::ranges::equal(object->payload, expected->payload));
        }
        return {};
      });
  EXPECT_THAT(read, IsOk());
  EXPECT_EQ(next, ids.size());
}

TEST_F(PackLookupTest, ManyObjectsAreWhatGetGives) {
  const std::vector<TestObject> objects = make_objects(300, 3);
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  std::vector<ObjectId> ids;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    ids.push_back(objects[i * 7 % objects.size()].id);
    if (i % 10 == 0) ids.push_back(test_id(IdKind::kContentHash, 1'000'000 + i));
    if (i % 15 == 0) ids.push_back(ids.front());
  }
  for (const PackAccess access : {PackAccess::kMap, PackAccess::kRead}) {
    ASSERT_OK_AND_ASSIGN(pack, open(access));
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{64}, ids.size()}) {
      expect_same_as_get(pack, {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count)});
    }
  }
}

TEST_F(PackLookupTest, OfManyObjectsDamagedOnesAreToldAndTheOthersGiven) {
  PackDraft draft;
  draft.add_raw(prefixed_id(1), ObjectType::kBlob, bytes_of("well"));
  draft.add({.id = prefixed_id(2), .size = 9}, bytes_of("damage"));
  const std::uint64_t third = draft.add_raw(prefixed_id(3), ObjectType::kBlob, bytes_of("lost"));
  draft.add_delta(prefixed_id(4), prefixed_id(1), 5, append_program(4, "x"));
  draft.redirect(third, 16);
  ASSERT_OK_AND_ASSIGN(pack, open(draft));
  expect_same_as_get(pack, {prefixed_id(4), prefixed_id(3), prefixed_id(2), prefixed_id(1)});
}

TEST_F(PackLookupTest, ASinksErrorEndsTheReading) {
  ASSERT_OK_AND_ASSIGN(built, build_pack(make_objects(100, 1)));
  ASSERT_THAT(put_pack(files_, "/a.pack", built), IsOk());
  ASSERT_OK_AND_ASSIGN(pack, open());
  const std::vector<ObjectId> ids(100, test_id(IdKind::kContentHash, 1'000'000));
  ReadContext context;
  std::size_t calls = 0;
  EXPECT_THAT(pack.get_many(ids, context,
                            [&](std::size_t, const Result<ObjectView>& object) -> Result<void> {
                              ++calls;
                              return object.error();
                            }),
              FailsWith(ErrorCode::kNotFound, "there is no object"));
  EXPECT_EQ(calls, 1u);
}

}  // namespace
}  // namespace bale
