// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Packs of which the disk does not give a part: all the rest is salvaged.

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "pack/read/pack_bytes.h"
#include "pack/salvage/pack_salvager.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

constexpr std::uint64_t kUnreadableBlock = UnreadableBlocks::kBlockBytes;

// A pack of twelve blocks, of objects of up to two.
class SalvageUnreadableTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(test_options()));
    for (std::uint64_t i = 0; pack_bytes_ < 12 * kUnreadableBlock; ++i) {
      const ByteVector payload = noise(i % 5 == 0 ? 7000 : 60 + 97 * i % 900, i);
      pack_bytes_ += payload.size();
      ASSERT_THAT(builder.add(content_hash(ObjectType::kBlob, payload), ObjectType::kBlob, payload),
                  IsOk());
    }
    ASSERT_OK_AND_ASSIGN(built, builder.finish_in_memory());
    pack_bytes_ = built.pack.size();
    ASSERT_THAT(put_pack(below_, "/x.pack", built), IsOk());
    ASSERT_OK_AND_ASSIGN(reader, PackReader::open("/x.pack", {.file_system = &below_}));
    ReadContext context;
    for (std::uint64_t i = 0; i < reader.record_count(); ++i) {
      ASSERT_OK_AND_ASSIGN(record, reader.record(i));
      ASSERT_OK_AND_ASSIGN(info, reader.info_at(record.offset, context));
      ends_[record.offset] = record.offset + info.entry_bytes;
    }
  }

  Result<PackSalvager> salvage(bool with_index) {
    return PackSalvager::open("/x.pack", {.memory_bytes = kMinSalvageBytes,
                                          .scratch_directory = "/",
                                          .index_path = with_index ? "/x.idx" : "",
                                          .file_system = &files_});
  }

  void break_bytes(std::uint64_t begin, std::uint64_t end) {
    files_.inject({.kinds = io_kinds({IoKind::kRead}),
                   .path_part = "/x.pack",
                   .region_begin = begin,
                   .region_end = end,
                   .forever = true});
  }

  MemoryFileSystem below_;
  FaultyFileSystem files_{below_};
  std::uint64_t pack_bytes_ = 0;
  std::map<std::uint64_t, std::uint64_t> ends_;  // of entries, by their offsets
};

TEST_F(SalvageUnreadableTest, OnlyWhatTouchesABlockThatCannotBeReadIsLost) {
  for (std::uint64_t block = 0; block * kUnreadableBlock < pack_bytes_; ++block) {
    for (const bool with_index : {true, false}) {
      for (const std::uint64_t blocks : {1u, 3u}) {
        const std::uint64_t begin = block * kUnreadableBlock;
        const std::uint64_t end = std::min(begin + blocks * kUnreadableBlock, pack_bytes_);
        break_bytes(begin + 5, end - 5);
        ASSERT_OK_AND_ASSIGN(salvager, salvage(with_index));
        EXPECT_EQ(salvager.report().bytes_unreadable, end - begin);
        std::set<std::uint64_t> expected;
        for (const auto& [offset, entry_end] : ends_) {
          if (entry_end <= begin || offset >= end) expected.insert(offset);
        }
        std::set<std::uint64_t> found;
        ReadContext context;
        EXPECT_THAT(salvager.for_each([&](const SalvagedEntry& entry) -> Result<void> {
          const Result<ObjectView> object = salvager.get_at(entry, context);
          if (!object) return object.error();
          EXPECT_EQ(store_id(object->type, object->payload), entry.entry.id);
          found.insert(entry.entry.offset);
          return {};
        }),
                    IsOk());
        EXPECT_EQ(found, expected) << block << with_index << blocks;
      }
    }
  }
}

TEST_F(SalvageUnreadableTest, WhatCouldBeReadAndCannotLaterIsAnError) {
  ASSERT_OK_AND_ASSIGN(salvager, salvage(true));
  EXPECT_EQ(salvager.report().bytes_unreadable, 0u);
  break_bytes(0, pack_bytes_);
  ReadContext context;
  EXPECT_THAT(salvager.for_each([&](const SalvagedEntry& entry) -> Result<void> {
    const Result<ObjectView> object = salvager.get_at(entry, context);
    return object ? Result<void>() : object.error();
  }),
              FailsWith(ErrorCode::kIo));
}

TEST_F(SalvageUnreadableTest, APackOfWhichNothingCanBeReadHasNoEntries) {
  break_bytes(0, pack_bytes_);
  ASSERT_OK_AND_ASSIGN(salvager, salvage(false));
  EXPECT_EQ(salvager.report().entries_whole, 0u);
  EXPECT_EQ(salvager.report().bytes_unreadable, pack_bytes_);
}

}  // namespace
}  // namespace bale
