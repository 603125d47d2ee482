// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Packs that are damaged in every way, and what is left of them.

#include "pack/salvage/pack_salvager.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bale/pack_verifier.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

constexpr std::uint64_t kSpareBytes = 1 << 20;

ByteVector joined(std::initializer_list<Bytes> parts) {
  ByteVector all;
  for (const Bytes part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// An entry of the pack before it was damaged.
struct Known {
  std::uint64_t end = 0;
  std::optional<ObjectId> base;
};

// Salvages `bytes`; the ids of what came back, each of which was looked at.
struct Salvaged {
  SalvageReport report;
  std::set<ObjectId> ids;
  std::vector<ObjectId> lost;
  std::vector<SalvagedEntry> entries;
};

Result<Salvaged> salvage(FileSystem& files, Bytes bytes, const std::string& index_path = {}) {
  TRY(write_file(files, "/broken.pack", bytes));
  PackSalvager salvager = TRY(PackSalvager::open("/broken.pack", {.memory_bytes = kMinSalvageBytes,
                                                                  .scratch_directory = "/",
                                                                  .index_path = index_path,
                                                                  .spare_vain_bytes = kSpareBytes,
                                                                  .file_system = &files}));
  Salvaged salvaged;
  salvaged.report = salvager.report();
  ReadContext context;
  std::uint64_t end = 0;
  TRY(salvager.for_each([&](const SalvagedEntry& entry) -> Result<void> {
    EXPECT_GE(entry.entry.offset, end);
    end = entry.entry.offset + entry.entry.entry_bytes;
    const ObjectView object = TRY(salvager.get_at(entry, context));
    EXPECT_EQ(store_id(object.type, object.payload), entry.entry.id);
    salvaged.ids.insert(entry.entry.id);
    salvaged.entries.push_back(entry);
    return {};
  }));
  TRY(salvager.for_each_lost([&](const SalvagedEntry& entry) -> Result<void> {
    EXPECT_TRUE(entry.entry.is_delta());
    salvaged.lost.push_back(entry.entry.id);
    return {};
  }));
  EXPECT_EQ(salvaged.entries.size(), salvaged.report.entries_whole);
  EXPECT_EQ(salvaged.lost.size(), salvaged.report.deltas_lost);
  return salvaged;
}

class PackSalvagerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
    const auto add = [&](ObjectType type, const ByteVector& payload) -> EntryHandle {
      auto added = builder.add(store_id(type, payload), type, payload);
      EXPECT_THAT(added, IsOk());
      return *added;
    };
    const ByteVector text = prose(600, 1);
    add(ObjectType::kState, prose(120, 2));
    EntryHandle base = add(ObjectType::kBlob, text);
    add(ObjectType::kTree, noise(40, 3));
    ByteVector version = text;
    for (int i = 0; i < 3; ++i) {
      const ByteVector more = bytes_of("another line");
      const ByteVector program = append_program(version.size(), "another line");
      version.insert(version.end(), more.begin(), more.end());
      auto delta = builder.add_delta(content_hash(ObjectType::kBlob, version), base, version.size(),
                                     program);
      ASSERT_THAT(delta, IsOk());
      base = *delta;
      add(ObjectType::kAction, noise(30, 10 + static_cast<std::uint64_t>(i)));
    }
    add(ObjectType::kBlob, {});
    add(ObjectType::kTree, prose(400, 4));
    ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
    pack_ = built.pack;
    index_ = built.index;
    ASSERT_THAT(put_pack(files_, "/whole.pack", built), IsOk());
    ASSERT_OK_AND_ASSIGN(reader, PackReader::open("/whole.pack", {.file_system = &files_}));
    ReadContext context;
    for (std::uint64_t i = 0; i < reader.record_count(); ++i) {
      ASSERT_OK_AND_ASSIGN(record, reader.record(i));
      ASSERT_OK_AND_ASSIGN(info, reader.info_at(record.offset, context));
      known_[record.id] = {.end = record.offset + info.entry_bytes, .base = info.base};
      offsets_[record.offset] = record.id;
    }
  }

  // The entry that this byte belongs to, and all that lean on it.
  [[nodiscard]] std::set<ObjectId> hit_by(std::uint64_t offset) const {
    std::set<ObjectId> hit;
    for (const auto& [begin, id] : offsets_) {
      const Known& entry = known_.at(id);
      if (begin <= offset && offset < entry.end) hit.insert(id);
      if (entry.base && hit.contains(*entry.base)) hit.insert(id);
    }
    return hit;
  }

  [[nodiscard]] std::set<ObjectId> all_but(const std::set<ObjectId>& some) const {
    std::set<ObjectId> ids;
    for (const auto& [id, entry] : known_) {
      if (!some.contains(id)) ids.insert(id);
    }
    return ids;
  }

  MemoryFileSystem files_;
  ByteVector pack_;
  ByteVector index_;
  std::map<ObjectId, Known> known_;
  std::map<std::uint64_t, ObjectId> offsets_;
};

TEST_F(PackSalvagerTest, OfAWholePackEverythingComesBack) {
  for (const std::string index_path : {"", "/whole.idx", "/missing.idx"}) {
    ASSERT_OK_AND_ASSIGN(salvaged, salvage(files_, pack_, index_path));
    EXPECT_EQ(salvaged.ids, all_but({}));
    EXPECT_EQ(salvaged.report.entries_declared, known_.size());
    EXPECT_EQ(salvaged.report.bytes_skipped, 0u);
    EXPECT_TRUE(salvaged.report.damage.empty());
    EXPECT_EQ(salvaged.report.vain_bytes, 0u);
    EXPECT_FALSE(salvaged.report.gave_up);
  }
}

TEST_F(PackSalvagerTest, WhicheverByteIsFlippedAllEntriesButThoseHitComeBack) {
  for (const std::string index_path : {"", "/whole.idx"}) {
    for (std::size_t at = 0; at < pack_.size(); ++at) {
      ByteVector bytes = pack_;
      bytes[at] ^= std::byte{0xFF};
      const std::set<ObjectId> hit = hit_by(at);
      ASSERT_OK_AND_ASSIGN(salvaged, salvage(files_, bytes, index_path));
      const std::set<ObjectId> others = all_but(hit);
      EXPECT_TRUE(
          std::includes(salvaged.ids.begin(), salvaged.ids.end(), others.begin(), others.end()))
          << at;
      for (const ObjectId& id : salvaged.ids) EXPECT_TRUE(known_.contains(id)) << at;
      const bool in_trailer = at >= pack_.size() - 32;
      const auto& report = salvaged.report;
      EXPECT_TRUE(in_trailer || at < 16 || report.bytes_skipped > 0 || report.deltas_lost > 0)
          << at;
      EXPECT_FALSE(report.gave_up);
    }
  }
}

TEST_F(PackSalvagerTest, WhereverItIsCutOffAllEntriesBeforeComeBack) {
  for (std::size_t size = 0; size < pack_.size(); ++size) {
    ASSERT_OK_AND_ASSIGN(salvaged, salvage(files_, Bytes(pack_).first(size), "/whole.idx"));
    std::set<ObjectId> before;
    for (const auto& [id, entry] : known_) {
      if (entry.end <= size) before.insert(id);
    }
    EXPECT_EQ(salvaged.ids, before) << size;
  }
}

TEST_F(PackSalvagerTest, WhateverIsPutInOrTakenOutTheEntriesBehindComeBack) {
  for (std::size_t at = 0; at < pack_.size() - 32; at += 7) {
    const Bytes before = Bytes(pack_).first(at);
    for (const std::size_t size : {1u, 20u, 333u}) {
      const ByteVector garbage = noise(size, at + size);
      ASSERT_OK_AND_ASSIGN(longer,
                           salvage(files_, joined({before, garbage, Bytes(pack_).subspan(at)}),
                                   at % 2 == 0 ? "/whole.idx" : ""));
      // Between two entries nothing is hit.
      const bool between = at == 16 || offsets_.contains(at);
      const std::set<ObjectId> others = all_but(between ? std::set<ObjectId>() : hit_by(at));
      EXPECT_TRUE(std::includes(longer.ids.begin(), longer.ids.end(), others.begin(), others.end()))
          << at;
      const std::size_t cut = std::min(size, pack_.size() - at);
      std::set<ObjectId> hit;
      for (std::size_t i = at; i < at + cut; ++i) hit.merge(hit_by(i));
      ASSERT_OK_AND_ASSIGN(shorter,
                           salvage(files_, joined({before, Bytes(pack_).subspan(at + cut)})));
      const std::set<ObjectId> left = all_but(hit);
      EXPECT_TRUE(std::includes(shorter.ids.begin(), shorter.ids.end(), left.begin(), left.end()))
          << at << " " << cut;
    }
  }
}

TEST_F(PackSalvagerTest, PacksInARowAreAllFound) {
  const std::vector<TestObject> more = [] {
    std::vector<TestObject> objects;
    for (std::uint64_t i = 0; i < 20; ++i) {
      const ByteVector payload = prose(300 + i, 100 + i);
      objects.push_back({content_hash(ObjectType::kBlob, payload), ObjectType::kBlob, payload});
    }
    return objects;
  }();
  ASSERT_OK_AND_ASSIGN(other, build_pack(more));
  ASSERT_OK_AND_ASSIGN(salvaged, salvage(files_, joined({pack_, other.pack})));
  std::set<ObjectId> all = all_but({});
  for (const TestObject& object : more) all.insert(object.id);
  EXPECT_EQ(salvaged.ids, all);
  // The trailer of one and the header of the next.
  EXPECT_EQ(salvaged.report.damage, (std::vector<SalvageGap>{{pack_.size() - 32, 48}}));
  // The same pack twice: each entry twice.
  ASSERT_OK_AND_ASSIGN(twice, salvage(files_, joined({pack_, pack_})));
  EXPECT_EQ(twice.report.entries_whole, 2 * known_.size());
}

TEST_F(PackSalvagerTest, AnotherCopyOfABaseSavesTheDeltas) {
  const std::uint64_t base_offset = std::next(offsets_.begin())->first;
  ByteVector bytes = pack_;
  // The second delta's literal: its own object is lost, and what leans on it.
  const auto delta = std::find_if(offsets_.begin(), offsets_.end(), [&](const auto& entry) {
    return known_.at(entry.second).base.has_value();
  });
  bytes[known_.at(delta->second).end - 1] ^= std::byte{1};
  ASSERT_OK_AND_ASSIGN(alone, salvage(files_, bytes));
  EXPECT_EQ(alone.lost.size(), 3u);
  ASSERT_OK_AND_ASSIGN(with_copy, salvage(files_, joined({bytes, pack_})));
  EXPECT_EQ(with_copy.ids, all_but({}));
  EXPECT_EQ(with_copy.report.deltas_lost, 1u);
  ASSERT_LT(base_offset, delta->first);
}

TEST_F(PackSalvagerTest, ADeltaThatIsWholeThoughItsBaseIsNotSaysSo) {
  PackDraft draft;
  const ByteVector text = prose(100, 1);
  const ObjectId text_id = content_hash(ObjectType::kBlob, text);
  std::vector<ObjectId> ids;
  for (const char* end : {"0123456789", "end", "endmore"}) {
    ids.push_back(content_hash(ObjectType::kBlob, joined({text, bytes_of(end)})));
  }
  draft.add_raw(text_id, ObjectType::kBlob, text);
  draft.add_delta(ids[0], text_id, 110, append_program(100, "012345678X"));
  // Copies what stands before the literal of its base.
  draft.add_delta(ids[1], ids[0], 103, append_program(100, "end"));
  draft.add_delta(ids[2], ids[1], 107, append_program(103, "more"));
  for (const bool with_twin : {false, true}) {
    const ByteVector twin = joined({text, bytes_of("0123456789")});
    if (with_twin) draft.add_raw(ids[0], ObjectType::kBlob, twin);
    ASSERT_OK_AND_ASSIGN(salvaged, salvage(files_, draft.pack()));
    EXPECT_EQ(salvaged.lost, std::vector<ObjectId>{ids[0]});
    ASSERT_EQ(salvaged.entries.size(), with_twin ? 4u : 3u);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(salvaged.entries[i].base_lost, i == 1) << i;
  }
}

TEST_F(PackSalvagerTest, WhatIsSalvagedGoesIntoANewPackAsItIs) {
  ByteVector bytes = pack_;
  bytes[offsets_.begin()->first + 30] ^= std::byte{1};
  ASSERT_THAT(write_file(files_, "/broken.pack", bytes), IsOk());
  ASSERT_OK_AND_ASSIGN(salvager, PackSalvager::open("/broken.pack", {.file_system = &files_}));
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
  ReadContext context;
  ASSERT_THAT(salvager.for_each([&](const SalvagedEntry& entry) -> Result<void> {
    TRY(builder.begin_stored(entry.entry));
    TRY(salvager.read_stored(entry, context, [&](Bytes piece) { return builder.write(piece); }));
    TRY(builder.end_stored());
    return {};
  }),
              IsOk());
  ASSERT_OK_AND_ASSIGN(copied, builder.finish_in_memory());
  EXPECT_EQ(copied.summary.objects, known_.size() - 1);
  ASSERT_THAT(put_pack(files_, "/copy.pack", copied), IsOk());
  ASSERT_OK_AND_ASSIGN(report, verify_pack("/copy.pack", {.work = {.file_system = &files_}}));
  EXPECT_TRUE(report.ok());
}

TEST_F(PackSalvagerTest, LargeObjectsBetweenDamageComeBack) {
  std::vector<TestObject> objects;
  for (const ByteVector& payload : {prose(3 << 20, 1), noise(2 << 20, 2), prose(5'000, 3)}) {
    objects.push_back({content_hash(ObjectType::kBlob, payload), ObjectType::kBlob, payload});
  }
  ASSERT_OK_AND_ASSIGN(built, build_pack(objects));
  const ByteVector garbage = noise(300'000, 9);
  ASSERT_OK_AND_ASSIGN(salvaged, salvage(files_, joined({garbage, built.pack, garbage})));
  EXPECT_EQ(salvaged.report.entries_whole, 3u);
  built.pack[1000] ^= std::byte{1};
  ASSERT_OK_AND_ASSIGN(rest, salvage(files_, built.pack));
  EXPECT_EQ(rest.report.entries_whole, 2u);
}

TEST_F(PackSalvagerTest, NothingAndLittleHoldNothing) {
  for (const ByteVector& bytes : {ByteVector(), ByteVector(1), ByteVector(32), ByteVector(100'000),
                                  noise(50'000, 1), PackDraft().pack()}) {
    ASSERT_OK_AND_ASSIGN(salvaged, salvage(files_, bytes));
    EXPECT_EQ(salvaged.report.entries_whole, 0u);
    EXPECT_LE(salvaged.report.vain_bytes, 5'000u);
  }
}

// Headers one after another, each of which claims all that follows.
TEST_F(PackSalvagerTest, AFileOfFalseHeadersTakesLinearTime) {
  ByteVector bytes;
  constexpr std::size_t kSize = 400'000;
  while (bytes.size() < kSize) {
    const std::uint64_t left = kSize - bytes.size();
    EntryHeader header{.id = test_id(IdKind::kContentHash, bytes.size()),
                       .size = left - 50,
                       .stored_size = left - 50};
    if (bytes.size() % 3 == 0) {
      header.type = EntryType::kDelta;
      header.base = test_id(IdKind::kContentHash, 1);
    }
    std::array<std::byte, kMaxEntryHeaderBytes> encoded;
    const std::size_t header_bytes =
        encode_entry_header(header, StoredSizeForm::kShortest, encoded.data());
    if (left < 200) break;
    bytes.insert(bytes.end(), encoded.begin(), encoded.begin() + std::ptrdiff_t(header_bytes));
  }
  ASSERT_OK_AND_ASSIGN(salvaged, salvage(files_, joined({bytes, pack_})));
  EXPECT_TRUE(salvaged.report.gave_up);
  const std::uint64_t most = 8 * (bytes.size() + pack_.size()) + kSpareBytes;
  EXPECT_LE(salvaged.report.vain_bytes, 2 * most + 2 * (bytes.size() + (2 << 20)));
  // A right index leads to what searching does not reach.
  PackDraft draft;
  const ByteVector last = prose(100, 5);
  const ObjectId id = content_hash(ObjectType::kBlob, last);
  draft.add({.id = test_id(IdKind::kContentHash, 1), .size = 1}, bytes);
  draft.add_raw(id, ObjectType::kBlob, last);
  ASSERT_THAT(write_file(files_, "/hostile.idx", draft.index(PackDraft::Trailer::kWithout)),
              IsOk());
  ASSERT_OK_AND_ASSIGN(found, salvage(files_, draft.pack(), "/hostile.idx"));
  EXPECT_TRUE(found.report.gave_up);
  EXPECT_TRUE(found.ids.contains(id));
}

TEST_F(PackSalvagerTest, AnIndexOfAnotherPackOrADamagedOneDoesNoHarm) {
  ByteVector bytes = pack_;
  bytes[100] ^= std::byte{1};
  ASSERT_OK_AND_ASSIGN(expected, salvage(files_, bytes));
  ASSERT_OK_AND_ASSIGN(other, build_pack(make_objects(30, 1)));
  ASSERT_THAT(write_file(files_, "/other.idx", other.index), IsOk());
  ASSERT_OK_AND_ASSIGN(with_other, salvage(files_, bytes, "/other.idx"));
  EXPECT_EQ(with_other.ids, expected.ids);
  for (std::size_t at = 0; at < index_.size(); at += 11) {
    ByteVector damaged = index_;
    damaged[at] ^= std::byte{0x55};
    ASSERT_THAT(write_file(files_, "/damaged.idx", damaged), IsOk());
    ASSERT_OK_AND_ASSIGN(with_damaged, salvage(files_, bytes, "/damaged.idx"));
    EXPECT_EQ(with_damaged.ids, expected.ids) << at;
  }
}

// But a read of the pack that succeeds the second time.
TEST_F(PackSalvagerTest, EveryOperationThatFailsFailsIt) {
  ByteVector bytes = pack_;
  bytes[100] ^= std::byte{1};
  FaultyFileSystem counting(files_);
  ASSERT_OK_AND_ASSIGN(expected, salvage(counting, bytes, "/whole.idx"));
  const std::uint64_t operation_count = counting.counters().operations();
  std::uint64_t read_again = 0;
  for (std::uint64_t n = 0; n < operation_count; ++n) {
    FaultyFileSystem files(files_);
    files.inject({.operation = n});
    const Result<Salvaged> salvaged = salvage(files, bytes, "/whole.idx");
    if (!salvaged) {
      EXPECT_THAT(salvaged, FailsWith(ErrorCode::kIo)) << n;
      continue;
    }
    ++read_again;
    EXPECT_EQ(salvaged->ids, expected.ids) << n;
    EXPECT_EQ(salvaged->report.bytes_unreadable, 0u) << n;
  }
  EXPECT_GT(read_again, 0u);
  EXPECT_LT(read_again, operation_count);
  EXPECT_THAT(PackSalvager::open("/none.pack", {.file_system = &files_}),
              FailsWith(ErrorCode::kNotFound));
  EXPECT_THAT(PackSalvager::open("/whole.pack",
                                 {.memory_bytes = kMinSalvageBytes - 1, .file_system = &files_}),
              FailsWith(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace bale
