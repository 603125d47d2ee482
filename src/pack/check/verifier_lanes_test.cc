// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What verifying finds does not depend on how many lanes look, nor on their memory; and an index is
// the same, byte for byte.

#include <algorithm>
#include <string>
#include <vector>

#include "bale/pack_reader.h"
#include "bale/pack_verifier.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_draft.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

constexpr std::size_t kLaneCounts[] = {1, 2, 5};

const std::string kLanesPack = "/a.pack";

void expect_same(const PackReport& a, const PackReport& b, const std::string& what) {
  EXPECT_EQ(a.objects, b.objects) << what;
  EXPECT_EQ(a.bytes, b.bytes) << what;
  EXPECT_EQ(a.errors_omitted, b.errors_omitted) << what;
  ASSERT_EQ(a.errors.size(), b.errors.size()) << what;
  for (std::size_t i = 0; i < a.errors.size(); ++i) {
    EXPECT_EQ(a.errors[i].code, b.errors[i].code) << what;
    ASSERT_EQ(a.errors[i].message, b.errors[i].message) << what;
  }
}

class VerifierLanesTest : public testing::Test {
 protected:
  // The report of one lane, once the others have said the same.
  PackReport verify(Bytes pack, Bytes index, const std::string& what) {
    PackReport first;
    MemoryFileSystem files;
    EXPECT_THAT(put_pack(files, kLanesPack, pack, index), IsOk());
    for (const std::uint64_t memory_bytes :
         {smallest_verify_pack_memory_bytes(), std::uint64_t{64} << 20}) {
      for (const std::size_t lanes : kLaneCounts) {
        const auto report = verify_pack(
            kLanesPack,
            {.work = {.memory_bytes = memory_bytes, .lanes = lanes, .file_system = &files}});
        EXPECT_THAT(report, IsOk()) << what;
        if (!report) return {};
        if (lanes == 1 && memory_bytes == smallest_verify_pack_memory_bytes()) first = *report;
        expect_same(*report, first, what + ", lanes: " + std::to_string(lanes));
      }
    }
    return first;
  }
};

// Whole objects, of all sizes, then such and chains of deltas by turns.
PackInMemory build_mixed(std::size_t whole_count, std::size_t chain_count) {
  PackBuilderOptions options = test_options();
  auto builder = PackBuilder::in_memory(options);
  EXPECT_THAT(builder, IsOk());
  std::uint64_t number = 0;
  const auto add = [&](Bytes payload) {
    auto added = builder->add(test_id(IdKind::kContentHash, number++), ObjectType::kBlob, payload);
    EXPECT_THAT(added, IsOk());
    return *added;
  };
  TestRandom random(7);
  for (std::size_t i = 0; i < whole_count; ++i) {
    if (i % 3 == 2) {
      add(noise(random.below(3'000), i));
    } else {
      add(prose(random.below(3'000), i));
    }
  }
  add(prose(1'500'000, 1));  // several frames
  add(prose(700'000, 2));    // one, but more than is kept for the next block
  for (std::size_t i = 0; i < chain_count; ++i) {
    const std::size_t size = 300 + random.below(2'000);
    auto base = add(prose(size, i));
    for (std::size_t depth = 1; depth < 10; ++depth) {
      auto delta = builder->add_delta(test_id(IdKind::kContentHash, number++), base, size + depth,
                                      append_program(size + depth - 1, "x"));
      EXPECT_THAT(delta, IsOk());
      base = *delta;
    }
    add(noise(random.below(1'000), i));
  }
  auto built = builder->finish_in_memory();
  EXPECT_THAT(built, IsOk());
  return std::move(*built);
}

TEST_F(VerifierLanesTest, OfAWholePackAllCountTheSame) {
  const PackInMemory built = build_mixed(800, 60);
  const PackReport report = verify(built.pack, built.index, "whole");
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.objects, 800u + 2 + 60 * 11);
  EXPECT_EQ(report.bytes, built.summary.bytes_in);
}

TEST_F(VerifierLanesTest, OfDamagedPacksAllSayTheSame) {
  const PackInMemory built = build_mixed(300, 30);
  TestRandom random(1);
  for (int round = 0; round < 12; ++round) {
    ByteVector pack = built.pack;
    for (int flips = 1 << (round % 6); flips > 0; --flips) {
      pack[16 + random.below(pack.size() - 48)] ^= static_cast<std::byte>(1 + random.below(255));
    }
    const PackReport report = verify(pack, built.index, "round " + std::to_string(round));
    EXPECT_FALSE(report.ok());
  }
  ByteVector index = built.index;
  index[200] ^= std::byte{1};
  EXPECT_EQ(verify(built.pack, index, "index").bytes, built.summary.bytes_in);
  EXPECT_EQ(verify(built.pack, {}, "no index").bytes, built.summary.bytes_in);
}

// Damaged payloads of every kind under headers that are right, all over the pack.
TEST_F(VerifierLanesTest, ErrorsComeInTheOrderOfOffsets) {
  PackDraft draft;
  std::vector<std::string> expected;
  const auto bad = [&](std::uint64_t offset) {
    expected.push_back("offset " + std::to_string(offset) + ":");
  };
  draft.add_raw(prefixed_id(0), ObjectType::kBlob, noise(100, 1));
  for (std::uint64_t i = 1; i < 600; ++i) {
    draft.add_raw(prefixed_id(10'000 + i), ObjectType::kBlob, noise(1'000, i));
    switch (i % 5) {
      case 0:  // decoded on the way, before the first delta
        bad(draft.add({.id = prefixed_id(i), .size = 999}, noise(500, i)));
        break;
      case 1:  // large once it is decoded
        bad(draft.add({.id = prefixed_id(i), .size = 2 << 20}, noise(500, i)));
        break;
      case 2:
        if (i > 300) bad(draft.add_delta(prefixed_id(i), prefixed_id(0), 7, noise(20, 1)));
        break;
      case 3:
        if (i > 300) bad(draft.add_delta(prefixed_id(i), prefixed_id(99'999), 7, noise(20, 1)));
        break;
      default:
        break;
    }
  }
  bad(draft.add({.id = prefixed_id(999), .size = 999'999}, noise(400'000, 1)));
  const PackReport report = verify(draft.pack(), draft.index(), "draft");
  ASSERT_EQ(report.errors.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NE(report.errors[i].message.find(expected[i]), std::string::npos)
        << report.errors[i].message;
  }
  EXPECT_EQ(report.errors_omitted, 0u);
}

TEST_F(VerifierLanesTest, OfMoreErrorsThanAReportHoldsItHoldsTheFirst) {
  PackDraft draft;
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    offsets.push_back(draft.add({.id = prefixed_id(i), .size = 9}, bytes_of("damage")));
    // The first of them is its own base.
    offsets.push_back(
        draft.add_delta(prefixed_id(10'000 + i), prefixed_id(10'000), 7, append_program(8, "x")));
  }
  const PackReport report = verify(draft.pack(), draft.index(), "draft");
  ASSERT_EQ(report.errors.size(), 1'000u);
  EXPECT_EQ(report.errors_omitted, 5'000u);
  for (std::size_t i = 0; i < report.errors.size(); ++i) {
    EXPECT_NE(report.errors[i].message.find("offset " + std::to_string(offsets[i]) + ":"),
              std::string::npos)
        << report.errors[i].message;
  }
}

TEST_F(VerifierLanesTest, AnObjectThatNeedsAllTheMemoryGetsItAndOneThatNeedsMoreIsTold) {
  const std::size_t size = 2'500'000;
  PackDraft draft;
  ByteVector program;
  for (std::size_t at = 0; at < size; at += 50'000) {
    program.push_back(std::byte{0xb7});  // 3 bytes of offset, 2 of size
    for (const unsigned shift : {0u, 8u, 16u})
      program.push_back(static_cast<std::byte>(at >> shift));
    program.push_back(std::byte{50'000 & 0xff});
    program.push_back(std::byte{50'000 >> 8});
  }
  draft.add_raw(prefixed_id(0), ObjectType::kBlob, noise(size, 1));
  for (std::uint64_t i = 1; i < 20; ++i) {
    draft.add_delta(prefixed_id(i), prefixed_id(0), size, program);
    draft.add_raw(prefixed_id(100 + i), ObjectType::kBlob, noise(100'000, i));
  }
  const PackReport report = verify(draft.pack(), draft.index(), "fits");
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.bytes, 20 * size + 19 * 100'000);

  PackDraft larger = draft;
  ByteVector twice = program;
  twice.insert(twice.end(), program.begin(), program.end());
  larger.add_delta(prefixed_id(500), prefixed_id(1), 2 * size, twice);
  MemoryFileSystem files;
  ASSERT_THAT(put_pack(files, kLanesPack, larger.pack(), larger.index()), IsOk());
  std::string message;
  for (const std::size_t lanes : kLaneCounts) {
    const auto refused =
        verify_pack(kLanesPack, {.work = {.memory_bytes = smallest_verify_pack_memory_bytes(),
                                          .lanes = lanes,
                                          .file_system = &files}});
    ASSERT_THAT(refused, FailsWithHint(ErrorCode::kLimitExceeded, HintKind::kNeedsMemory));
    if (lanes == 1) message = refused.error().message;
    EXPECT_EQ(refused.error().message, message);
  }
}

TEST_F(VerifierLanesTest, AnIndexIsTheSameWhateverTheLanes) {
  const PackInMemory built = build_mixed(3'000, 100);
  for (const std::uint64_t memory_bytes :
       {smallest_verify_pack_memory_bytes(), std::uint64_t{64} << 20}) {
    for (const std::size_t lanes : kLaneCounts) {
      MemoryFileSystem files;
      ASSERT_THAT(write_file(files, kLanesPack, built.pack), IsOk());
      ASSERT_THAT(
          make_index(
              kLanesPack,
              {.work = {.memory_bytes = memory_bytes, .lanes = lanes, .file_system = &files}}),
          IsOk());
      ASSERT_OK_AND_ASSIGN(index, read_file(files, "/a.idx"));
      EXPECT_TRUE(index == built.index);
    }
  }
}

}  // namespace
}  // namespace bale
