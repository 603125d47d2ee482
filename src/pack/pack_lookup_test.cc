// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Looking up many ids at once: whatever they are, what comes back is what find() says of each.

#include <algorithm>
#include <optional>
#include <vector>

#include "bale/pack_reader.h"
#include "base/endian.h"
#include "codec/test_bytes.h"
#include "io/memory_file_system.h"
#include "testing/matchers.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"

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
    pack.find_many(ids, offsets);
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
  return {IdKind::kContentHash, bytes};
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
  pack.find_many(ids, offsets);
  EXPECT_EQ(offsets, expected);
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
      ids.emplace_back(IdKind::kContentHash, bytes);
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

}  // namespace
}  // namespace bale
