// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The reference is an index put together here from a std::map.
#include "pack/build/index_builder.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/endian.h"
#include "base/known_id.h"
#include "base/lanes.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

constexpr const char* kPath = "/a.idx";

struct Added {
  ObjectId id;
  std::uint64_t offset = 0;
};

struct Base {
  ObjectId id;
  std::uint64_t delta_offset = 0;
};

// Of both kinds, some twice, in no order.
std::vector<Added> make_entries(std::size_t count) {
  std::vector<Added> entries;
  entries.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const IdKind kind = i % 5 == 0 ? IdKind::kChangeId : IdKind::kContentHash;
    entries.push_back({test_id(kind, i % 11 == 0 ? i / 2 : i), 16 + 50 * i});
  }
  return entries;
}

// Each content hash of the first half, needed at the end.
std::vector<Base> make_bases(const std::vector<Added>& entries) {
  std::vector<Base> bases;
  for (std::size_t i = 0; i < entries.size() / 2; ++i) {
    if (entries[i].id.kind() == IdKind::kContentHash) bases.push_back({entries[i].id, 1ULL << 40});
  }
  return bases;
}

Digest pack_trailer() {
  Digest digest;
  digest.fill(std::byte{0x5a});
  return digest;
}

ByteVector expected_index(const std::vector<Added>& entries) {
  std::map<ObjectId, std::uint64_t> records;
  for (const Added& entry : entries) {
    const auto [found, added] = records.emplace(entry.id, entry.offset);
    if (!added) found->second = std::min(found->second, entry.offset);
  }
  const FileHeader header = encode_index_header(records.size());
  ByteVector bytes(header.begin(), header.end());
  for (const auto& [id, offset] : records) {
    bytes.push_back(static_cast<std::byte>(id.kind()));
    bytes.insert(bytes.end(), id.bytes().begin(), id.bytes().end());
    std::array<std::byte, 8> encoded;
    store_be(encoded.data(), offset);
    bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  }
  const auto trailer = encode_index_trailer_start(pack_trailer());
  bytes.insert(bytes.end(), trailer.begin(), trailer.end());
  const Blake3Hash checksum = blake3(bytes);
  bytes.insert(bytes.end(), checksum.begin(), checksum.end());
  return bytes;
}

struct IndexSetup {
  Lanes* lanes = nullptr;
  std::uint64_t merge_memory_bytes = 0;
  const Operation* operation = nullptr;
  bool bases_first = true;
};

Result<IndexSummary> build(FileSystem& files, const std::vector<Added>& entries,
                           const std::vector<Base>& bases, const IndexSetup& setup) {
  const std::uint64_t memory_bytes = std::max(kMinIndexBuilderBytes, setup.merge_memory_bytes);
  Budget budget(memory_bytes + kIndexWriteBufferBytes);
  IndexBuilder builder = TRY(IndexBuilder::create(budget, {.memory_bytes = kMinIndexBuilderBytes,
                                                           .file_system = &files,
                                                           .scratch_directory = "/",
                                                           .operation = setup.operation,
                                                           .lanes = setup.lanes,
                                                           .bases_first = setup.bases_first}));
  for (const Added& entry : entries) TRY(builder.add(entry.id, entry.offset));
  for (const Base& base : bases) TRY(builder.add_base(base.id, base.delta_offset));
  const std::unique_ptr<File> file = TRY(files.create(kPath, CreateMode::kTruncate));
  return builder.write(*file, budget, pack_trailer(), setup.merge_memory_bytes);
}

TEST(IndexBuilderTest, WritesTheSameIndexWhateverLanesAndMemory) {
  Lanes lanes(3);
  // None; one; below, at and above what the write buffer and its halves hold; and runs on scratch.
  for (const std::size_t count : {0u, 1u, 3'300u, 3'420u, 3'425u, 6'600u, 6'850u, 30'000u}) {
    const std::vector<Added> entries = make_entries(count);
    const std::vector<Base> bases = make_bases(entries);
    const ByteVector expected = expected_index(entries);
    for (Lanes* some : {static_cast<Lanes*>(nullptr), &lanes}) {
      for (const std::uint64_t merge_memory_bytes : {0U, 3U << 20}) {
        MemoryFileSystem files;
        ASSERT_OK_AND_ASSIGN(summary,
                             build(files, entries, bases,
                                   {.lanes = some, .merge_memory_bytes = merge_memory_bytes}));
        ASSERT_OK_AND_ASSIGN(index, read_file(files, kPath));
        EXPECT_TRUE(index == expected) << count;
        EXPECT_EQ(summary.index_bytes, expected.size());
        EXPECT_EQ(summary.records + summary.duplicates, count);
        EXPECT_EQ(summary.scratch_bytes > 0, count > kMinSorterBytes / kHashRecordBytes);
      }
    }
  }
}

TEST(IndexBuilderTest, EveryCountAroundAHalfOfTheWriteBufferFits) {
  Lanes lanes(2);
  const std::size_t half = kIndexWriteBufferBytes / 2 / kHashRecordBytes;
  std::vector<Added> entries;
  for (std::size_t i = 0; i < half - 6; ++i) {
    entries.push_back({test_id(IdKind::kContentHash, i), i});
  }
  for (std::size_t i = 0; i < 12; ++i) {
    entries.push_back({test_id(IdKind::kContentHash, half + i), i});
    MemoryFileSystem files;
    ASSERT_THAT(build(files, entries, {}, {.lanes = &lanes}), IsOk());
    ASSERT_OK_AND_ASSIGN(index, read_file(files, kPath));
    EXPECT_TRUE(index == expected_index(entries)) << entries.size();
  }
}

TEST(IndexBuilderTest, OfEqualIdsTheFirstEntryCounts) {
  MemoryFileSystem files;
  const ObjectId zeros = known_id<ObjectId>(IdKind::kContentHash, std::array<std::byte, 32>{});
  const std::vector<Added> entries = {{zeros, 300}, {zeros, 16}, {zeros, 200}};
  ASSERT_OK_AND_ASSIGN(summary, build(files, entries, {{zeros, 100}}, {}));
  EXPECT_EQ(summary.records, 1u);
  EXPECT_EQ(summary.duplicates, 2u);
  ASSERT_OK_AND_ASSIGN(index, read_file(files, kPath));
  EXPECT_TRUE(index == expected_index(entries));
}

TEST(IndexBuilderTest, ABaseThatIsNotThereIsCorrupt) {
  MemoryFileSystem files;
  std::vector<Added> entries;
  for (std::size_t i = 0; i < 40; ++i) entries.push_back({prefixed_id(2 * i + 1), 16 + i});
  entries.push_back({test_id(IdKind::kChangeId, 1), 400});
  for (std::size_t missing = 0; missing <= 80; missing += 2) {
    const Base base{prefixed_id(missing), 1000};
    EXPECT_THAT(build(files, entries, {{prefixed_id(5), 1000}, base}, {}),
                FailsWith(ErrorCode::kCorrupt, base.id.to_hex()))
        << missing;
  }
}

TEST(IndexBuilderTest, ABaseBehindItsDeltaIsCorruptUnlessItIsAllowed) {
  MemoryFileSystem files;
  const std::vector<Added> entries = {{prefixed_id(1), 16}, {prefixed_id(2), 500}};
  EXPECT_THAT(build(files, entries, {{prefixed_id(2), 500}}, {}),
              FailsWith(ErrorCode::kCorrupt, "precedes its base"));
  EXPECT_THAT(build(files, entries, {{prefixed_id(2), 16}}, {}), FailsWith(ErrorCode::kCorrupt));
  EXPECT_THAT(build(files, entries, {{prefixed_id(2), 501}}, {}), IsOk());
  EXPECT_THAT(build(files, entries, {{prefixed_id(2), 16}}, {.bases_first = false}), IsOk());
}

TEST(IndexBuilderTest, EveryFailureComesBackWithLanesToo) {
  Lanes lanes(2);
  const std::vector<Added> entries = make_entries(30'000);
  const std::vector<Base> bases = make_bases(entries);
  for (Lanes* some : {static_cast<Lanes*>(nullptr), &lanes}) {
    MemoryFileSystem memory;
    FaultyFileSystem files(memory);
    ASSERT_THAT(build(files, entries, bases, {.lanes = some}), IsOk());
    const std::uint64_t operation_count = files.counters().operations();
    for (std::uint64_t n = 0; n < operation_count; n += 3) {
      files.inject({.operation = n});
      EXPECT_THAT(build(files, entries, bases, {.lanes = some}),
                  FailsWith(ErrorCode::kIo, "injected fault"))
          << n;
      EXPECT_EQ(files.open_files(), 0u);
    }
  }
}

TEST(IndexBuilderTest, ReportsOnTheCallersThreadAndCanBeCancelled) {
  Lanes lanes(2);
  const std::vector<Added> entries = make_entries(80'000);
  MemoryFileSystem files;
  std::atomic<bool> cancel = false;
  const auto caller = std::this_thread::get_id();
  int reports = 0;
  const Operation operation{.report =
                                [&](const Progress& progress) {
                                  EXPECT_EQ(std::this_thread::get_id(), caller);
                                  EXPECT_EQ(progress.objects_total, entries.size());
                                  ++reports;
                                  cancel = true;
                                },
                            .cancel = &cancel};
  EXPECT_THAT(build(files, entries, {}, {.lanes = &lanes, .operation = &operation}),
              FailsWith(ErrorCode::kInterrupted));
  EXPECT_EQ(reports, 1);
}

}  // namespace
}  // namespace bale
