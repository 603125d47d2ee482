// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Walking over packs in blocks: whatever the blocks and lanes, the same entries, and each of them
// whole in one block.

#include "pack/check/pack_scanner.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

constexpr std::size_t kScanBlock = 64 << 10;

struct ScanShape {
  std::size_t lane_count = 1;
  std::size_t block_count = 1;
  std::size_t longest_kept_bytes = kMaxEntryHeaderBytes;
};

const ScanShape kScanShapes[] = {{1, 1, 100}, {1, 2, 5'000},      {2, 2, kScanBlock},
                                 {2, 4, 700}, {3, 5, kScanBlock}, {1, 1, kScanBlock}};

struct Seen {
  std::vector<ScannedEntry> entries;
  std::map<std::uint64_t, int> whole;  // offsets of those that lay in a block, and in how many
  std::size_t blocks = 0;
  bool compressed_in_plain_block = false;
  std::optional<Error> error;
};

class PackScannerTest : public testing::Test {
 protected:
  // Entries of many sizes, some much larger than a block, some of which end where a block does.
  void SetUp() override {
    TestRandom random(1);
    std::uint64_t at = kHeaderBytes;
    for (std::uint64_t i = 0; i < 900; ++i) {
      std::size_t size = random.below(i % 100 == 7 ? 300'000 : 1'500);
      if (i % 50 == 0) {
        // 33 + 2 or 3 + 3 bytes of header: fills the block up, or nearly.
        size = kScanBlock - at % kScanBlock;
        size = size > 39 + (i / 50) % 3 ? size - 39 + (i / 50) % 3 : size;
      }
      const ByteVector stored = noise(size, i);
      // Seemingly compressed, every other one.
      at = draft_.add({.id = test_id(IdKind::kContentHash, i), .size = size + i % 2}, stored);
      at += size + 39;
    }
  }

  Seen scan(Bytes pack, const ScanShape& shape, std::size_t fail_work_at = SIZE_MAX) {
    Seen seen;
    const Result<void> scanned = scan(pack, shape, fail_work_at, seen);
    if (!scanned) seen.error = scanned.error();
    return seen;
  }

  Result<void> scan(Bytes pack, const ScanShape& shape, std::size_t fail_work_at, Seen& seen) {
    TRY(put_pack(files_, "/a.pack", pack, {}));
    const PackBytes bytes = TRY(PackBytes::open(files_, "/a.pack", PackAccess::kRead));
    const Operation operation;
    Lanes lanes(shape.lane_count);
    // What lanes find: by slot, as each slot is one thread's at a time.
    std::vector<std::vector<std::uint64_t>> in_slot(shape.block_count);
    std::vector<char> wrong(shape.block_count);
    PackScannerOptions options{.operation = &operation,
                               .lanes = &lanes,
                               .block_bytes = kScanBlock,
                               .block_count = shape.block_count,
                               .longest_kept_bytes = shape.longest_kept_bytes};
    options.work = [&](std::size_t slot, const ScannedBlock& block) -> Result<void> {
      if (block.offset / kScanBlock >= fail_work_at) return fail(ErrorCode::kIo, "no work today");
      std::uint64_t offset = block.entries_begin;
      while (offset < block.entries_end) {
        const Bytes entry = block.bytes.subspan(offset - block.offset);
        const EntryHeader header = TRY(decode_entry_header(entry));
        const std::uint64_t size = header.header_bytes + header.stored_size;
        if (size > entry.size()) return fail(ErrorCode::kCorrupt, "cut off at {}", offset);
        in_slot[slot].push_back(offset);
        if (is_compressed_object(header) && !block.any_compressed) wrong[slot] = 1;
        offset += size;
      }
      if (offset > std::max(block.entries_begin, block.entries_end)) wrong[slot] = 1;
      return {};
    };
    options.collect = [&](std::size_t slot) {
      for (const std::uint64_t offset : in_slot[slot]) ++seen.whole[offset];
      in_slot[slot].clear();
      seen.compressed_in_plain_block |= wrong[slot] != 0;
      ++seen.blocks;
    };
    Budget budget(PackScanner::memory_bytes(options));
    PackScanner scanner = TRY(PackScanner::create(bytes, budget, std::move(options)));
    for (;;) {
      const Result<const ScannedEntry*> entry = scanner.next();
      if (!entry && seen.entries.size() < bytes.entry_count() &&
          entry.error().code == ErrorCode::kCorrupt) {
        const Result<void> rest = scanner.check_rest();
        return rest
                   ? entry.error()
                   : fail(rest.error().code, "{}; {}", entry.error().message, rest.error().message);
      }
      if (!entry) return entry.error();
      if (*entry == nullptr) return {};
      seen.entries.push_back(**entry);
    }
  }

  PackDraft draft_;
  MemoryFileSystem files_;
};

TEST_F(PackScannerTest, FindsEveryEntryAndHandsEachThatIsNotTooLongOverOnce) {
  const ByteVector pack = draft_.pack();
  ASSERT_GT(pack.size(), 20 * kScanBlock);
  for (const ScanShape& shape : kScanShapes) {
    const Seen seen = scan(pack, shape);
    EXPECT_FALSE(seen.error) << seen.error->message;
    ASSERT_EQ(seen.entries.size(), 900u);
    std::uint64_t offset = kHeaderBytes;
    for (std::size_t i = 0; i < seen.entries.size(); ++i) {
      const ScannedEntry& entry = seen.entries[i];
      EXPECT_EQ(entry.header.id, test_id(IdKind::kContentHash, i));
      ASSERT_EQ(entry.offset, offset);
      const std::uint64_t size = entry.header.header_bytes + entry.header.stored_size;
      offset += size;
      // One that goes on in the next block is kept if it is not too long.
      const bool in_one_block = entry.offset / kScanBlock == (offset - 1) / kScanBlock;
      const auto found = seen.whole.find(entry.offset);
      const int times = found == seen.whole.end() ? 0 : found->second;
      EXPECT_LE(times, 1) << i;
      if (in_one_block || size <= shape.longest_kept_bytes) {
        EXPECT_EQ(times, 1) << i;
      }
    }
    EXPECT_EQ(seen.blocks, (pack.size() - 32 + kScanBlock - 1) / kScanBlock);
    EXPECT_FALSE(seen.compressed_in_plain_block);
  }
}

TEST_F(PackScannerTest, AnEmptyPackIsOneBlock) {
  for (const ScanShape& shape : kScanShapes) {
    const Seen seen = scan(PackDraft().pack(), shape);
    EXPECT_FALSE(seen.error) << seen.error->message;
    EXPECT_TRUE(seen.entries.empty());
    EXPECT_EQ(seen.blocks, 1u);
  }
}

TEST_F(PackScannerTest, ABadHeaderEndsTheWalkAndTheRestIsHashedAllTheSame) {
  ByteVector pack = draft_.pack();
  const std::uint64_t bad = scan(pack, kScanShapes[0]).entries[450].offset;
  pack[bad] = std::byte{9};
  for (const ScanShape& shape : kScanShapes) {
    const Seen seen = scan(pack, shape);
    ASSERT_TRUE(seen.error);
    EXPECT_NE(seen.error->message.find("entry at offset " + std::to_string(bad)),
              std::string::npos);
    EXPECT_NE(seen.error->message.find("checksum"), std::string::npos);
    EXPECT_EQ(seen.entries.size(), 450u);
    // All blocks, the entries before the damage with them.
    EXPECT_EQ(seen.blocks, (pack.size() - 32 + kScanBlock - 1) / kScanBlock);
    ASSERT_FALSE(seen.whole.empty());
    EXPECT_LT(seen.whole.rbegin()->first, bad);
    EXPECT_FALSE(seen.compressed_in_plain_block);
  }
}

TEST_F(PackScannerTest, BytesAfterTheLastEntryAndAWrongChecksumAreReported) {
  for (const ScanShape& shape : kScanShapes) {
    const Seen stray = scan(draft_.pack(899), shape);
    ASSERT_TRUE(stray.error);
    EXPECT_NE(stray.error->message.find("no entry has"), std::string::npos);
    EXPECT_EQ(stray.entries.size(), 899u);
    ByteVector pack = draft_.pack();
    pack[pack.size() - 33] ^= std::byte{1};  // the last payload's last byte
    const Seen flipped = scan(pack, shape);
    ASSERT_TRUE(flipped.error);
    EXPECT_NE(flipped.error->message.find("checksum"), std::string::npos);
    EXPECT_EQ(flipped.entries.size(), 900u);
  }
}

TEST_F(PackScannerTest, AnErrorOfTheWorkComesBack) {
  const ByteVector pack = draft_.pack();
  for (const ScanShape& shape : kScanShapes) {
    for (const std::size_t block : {std::size_t{0}, std::size_t{5}, pack.size() / kScanBlock - 1}) {
      const Seen seen = scan(pack, shape, block);
      ASSERT_TRUE(seen.error);
      EXPECT_EQ(seen.error->message, "no work today");
    }
  }
}

}  // namespace
}  // namespace bale
