// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Blocks of entries, and what an encoder makes of them.

#include "pack/build/entry_block.h"

#include "codec/zstd.h"
#include "pack/build/block_encoder.h"
#include "testing/matchers.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

using Treatment = EntryBlock::Treatment;

class EntryBlockTest : public testing::Test {
 protected:
  EntryBlock make_block() {
    buffers_.push_back(std::make_unique<ByteVector>(EntryBlock::buffer_bytes()));
    return EntryBlock(*buffers_.back());
  }

  static EntryHeader header_for(std::uint64_t number, std::size_t size) {
    return {.id = test_id(IdKind::kContentHash, number),
            .type = EntryType::kBlob,
            .size = size,
            .stored_size = size};
  }

  // Appends objects 0, 1, 2 ...
  static void append(EntryBlock& block, const ByteVector& payload, Treatment treatment) {
    block.append(header_for(block.entry_count(), payload.size()), payload, treatment);
  }

  // What a reader would make of entry `number`: its header, and its payload as stored.
  static void expect_entry(const EntryBlock& block, std::size_t number, const ByteVector& payload,
                           bool compressed) {
    ASSERT_OK_AND_ASSIGN(header, decode_entry_header(block.entry(number)));
    EXPECT_EQ(header.id, test_id(IdKind::kContentHash, number));
    EXPECT_EQ(header.size, payload.size());
    const Bytes stored = block.entry(number).subspan(header.header_bytes);
    ASSERT_EQ(header.stored_size, stored.size());
    ASSERT_EQ(stored.size() < payload.size(), compressed);
    if (!compressed) {
      EXPECT_TRUE(std::equal(stored.begin(), stored.end(), payload.begin(), payload.end()));
      return;
    }
    Budget budget(4 << 20);
    ASSERT_OK_AND_ASSIGN(decompressor, Decompressor::create(budget));
    ByteVector content(payload.size());
    ASSERT_THAT(decompressor.decompress(stored, content), IsOk());
    EXPECT_EQ(content, payload);
  }

  BlockEncoder encoder() {
    auto encoder = BlockEncoder::create(budget_, 3, false);
    EXPECT_THAT(encoder, IsOk());
    return std::move(*encoder);
  }

  std::vector<std::unique_ptr<ByteVector>> buffers_;
  Budget budget_{64 << 20};
};

TEST_F(EntryBlockTest, EntriesComeBackAsTheyWent) {
  EntryBlock block = make_block();
  const ByteVector first = noise(10, 1);
  const ByteVector second = noise(3'000, 2);
  append(block, first, Treatment::kAsItIs);
  append(block, {}, Treatment::kAsItIs);
  EXPECT_FALSE(block.wants_compression());
  append(block, second, Treatment::kTryToCompress);
  EXPECT_TRUE(block.wants_compression());
  ASSERT_EQ(block.entry_count(), 3u);
  EXPECT_EQ(block.stored_bytes(), first.size() + second.size());
  expect_entry(block, 0, first, false);
  expect_entry(block, 1, {}, false);
  expect_entry(block, 2, second, false);
}

TEST_F(EntryBlockTest, ABlockIsFullByBytesOrByEntries) {
  EntryBlock block = make_block();
  EXPECT_TRUE(block.has_room(kFrameBytes));
  EXPECT_FALSE(block.has_room(kFrameBytes + 1));
  append(block, noise(100'000, 1), Treatment::kAsItIs);
  EXPECT_TRUE(block.has_room(100'000));
  EXPECT_FALSE(block.has_room(200'000));
  EXPECT_FALSE(block.is_full());
  EntryBlock small = make_block();
  for (std::size_t i = 0; i < EntryBlock::kMaxEntries; ++i) {
    ASSERT_FALSE(small.is_full());
    append(small, {}, Treatment::kAsItIs);
  }
  EXPECT_TRUE(small.is_full());
  EXPECT_FALSE(small.has_room(0));
  expect_entry(small, EntryBlock::kMaxEntries - 1, {}, false);
}

TEST_F(EntryBlockTest, TheLargestPayloadThatDoesNotShrinkFits) {
  EntryBlock in = make_block();
  EntryBlock out = make_block();
  const ByteVector payload = noise(kFrameBytes, 1);
  append(in, payload, Treatment::kTryToCompress);
  ASSERT_THAT(encoder().encode(in, out), IsOk());
  EXPECT_TRUE(
      std::equal(in.bytes().begin(), in.bytes().end(), out.bytes().begin(), out.bytes().end()));
}

TEST_F(EntryBlockTest, TheEncoderCompressesWhatShrinksAndLeavesTheRest) {
  EntryBlock in = make_block();
  EntryBlock out = make_block();
  const std::vector<ByteVector> payloads = {
      noise(50, 1), prose(5'000, 2),    noise(5'000, 3), prose(300, 4),
      {},           ByteVector(20'000), noise(70, 7)};
  for (const ByteVector& payload : payloads) {
    append(in, payload, payload.size() < 256 ? Treatment::kAsItIs : Treatment::kTryToCompress);
  }
  ASSERT_THAT(encoder().encode(in, out), IsOk());
  ASSERT_EQ(out.entry_count(), payloads.size());
  std::uint64_t stored_bytes = 0;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    SCOPED_TRACE(i);
    // The zeros' frame is so short that its length takes fewer bytes in the header.
    expect_entry(out, i, payloads[i], i == 1 || i == 3 || i == 5);
    ASSERT_OK_AND_ASSIGN(header, decode_entry_header(out.entry(i)));
    stored_bytes += header.stored_size;
  }
  EXPECT_EQ(out.stored_bytes(), stored_bytes);
}

TEST_F(EntryBlockTest, AProgramThatLooksLikeZstdIsShroudedWhateverItCosts) {
  EntryBlock in = make_block();
  EntryBlock out = make_block();
  const ByteVector program = bytes_of("\x28\xB5\x2F\xFD and so on");
  EntryHeader header = header_for(0, program.size());
  header.type = EntryType::kDelta;
  header.size = 1'000;
  header.base = test_id(IdKind::kContentHash, 9);
  in.append(header, program, Treatment::kTryToCompress);
  EXPECT_TRUE(in.has_deltas());
  ASSERT_THAT(encoder().encode(in, out), IsOk());
  EXPECT_TRUE(out.has_deltas());
  ASSERT_OK_AND_ASSIGN(encoded, decode_entry_header(out.entry(0)));
  EXPECT_EQ(encoded.base, header.base);
  EXPECT_GT(encoded.stored_size, program.size());
  EXPECT_EQ(out.stored_bytes(), encoded.stored_size);
}

TEST_F(EntryBlockTest, AnEntryThatIsBeingFedMovesToAnotherBlockAndBack) {
  EntryBlock block = make_block();
  EntryBlock other = make_block();
  const ByteVector first = prose(500, 1);
  const ByteVector fed = prose(900, 2);
  append(block, first, Treatment::kTryToCompress);
  MutableBytes room = block.append_open(header_for(0, fed.size()), Treatment::kAsItIs);
  std::copy(fed.begin(), fed.begin() + 400, room.begin());
  room = block.move_last_entry(other);
  ASSERT_EQ(room.size(), fed.size());
  std::copy(fed.begin() + 400, fed.end(), room.begin() + 400);
  EXPECT_EQ(block.entry_count(), 1u);
  EXPECT_EQ(block.stored_bytes(), first.size());
  expect_entry(block, 0, first, false);
  EXPECT_EQ(other.entry_count(), 1u);
  EXPECT_EQ(other.stored_bytes(), fed.size());
  other.set_last_id(test_id(IdKind::kContentHash, 0));
  expect_entry(other, 0, fed, false);
}

TEST_F(EntryBlockTest, APieceKeepsItsHeaderAndBecomesAFrame) {
  EntryBlock in = make_block();
  EntryBlock out = make_block();
  const ByteVector content = prose(kFrameBytes, 1);
  in.begin_payload({.size = 5 << 20}, StoredSizeForm::kPadded);
  const std::size_t header_bytes = in.bytes().size();
  EXPECT_EQ(in.piece_room(), kFrameBytes);
  in.append_piece(Bytes(content).first(1'000));
  in.append_piece(Bytes(content).subspan(1'000));
  EXPECT_EQ(in.piece_room(), 0u);
  in.end_payload({.id = test_id(IdKind::kContentHash, 0), .size = 5 << 20});
  ASSERT_THAT(encoder().encode(in, out), IsOk());
  ASSERT_TRUE(out.is_piece() && out.piece_start() && out.piece_end());
  EXPECT_EQ(out.piece_start()->header_bytes, header_bytes);
  EXPECT_EQ(out.piece_end()->object_bytes, 5u << 20);
  EXPECT_EQ(out.stored_bytes(), out.bytes().size() - header_bytes);
  Budget budget(4 << 20);
  ASSERT_OK_AND_ASSIGN(decompressor, Decompressor::create(budget));
  ByteVector back(content.size());
  ASSERT_THAT(decompressor.decompress(out.bytes().subspan(header_bytes), back), IsOk());
  EXPECT_EQ(back, content);
}

}  // namespace
}  // namespace bale
