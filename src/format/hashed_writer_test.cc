// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "format/hashed_writer.h"

#include <algorithm>
#include <vector>

#include "hash/blake3.h"
#include "testing/faulty_file_system.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"
#include "testing/test_bytes.h"

namespace bale {
namespace {

constexpr std::size_t kBufferBytes = 4096;

TEST(HashedWriterTest, HashesWhatEndsUpInTheFileWhereverHolesLie) {
  TestRandom random(1);
  for (int round = 0; round < 50; ++round) {
    MemoryFileSystem memory;
    FaultyFileSystem files(memory);
    Budget budget(kBufferBytes);
    ASSERT_OK_AND_ASSIGN(file, files.create("/out", CreateMode::kTruncate));
    ASSERT_OK_AND_ASSIGN(writer, HashedWriter::create(*file, 0, budget, kBufferBytes, "a test"));
    ByteVector expected;
    std::vector<Hole> holes;
    for (int step = 0; step < 20; ++step) {
      const ByteVector piece = random_bytes(random, random.below(3000));
      ASSERT_THAT(writer.append(piece), IsOk());
      expected.insert(expected.end(), piece.begin(), piece.end());
      if (random.below(3) == 0) {
        ASSERT_OK_AND_ASSIGN(hole, writer.reserve(1 + random.below(64)));
        EXPECT_EQ(hole.offset, expected.size());
        holes.push_back(hole);
        expected.insert(expected.end(), hole.bytes, std::byte{0});
      }
      if (random.below(5) == 0) {
        ASSERT_THAT(writer.flush(), IsOk());
      }
      ASSERT_EQ(writer.position(), expected.size());
    }
    for (const Hole& hole : holes) {
      const ByteVector filling = random_bytes(random, hole.bytes);
      ASSERT_THAT(writer.fill(hole, filling), IsOk());
      std::copy(filling.begin(), filling.end(),
                expected.begin() + static_cast<std::ptrdiff_t>(hole.offset));
    }
    EXPECT_EQ(writer.digest(), blake3(expected));
    ASSERT_THAT(writer.append(noise(10, 1)), IsOk());  // more may follow a digest
    ASSERT_THAT(writer.flush(), IsOk());
    ASSERT_OK_AND_ASSIGN(content, read_file(memory, "/out"));
    ASSERT_EQ(content.size(), expected.size() + 10);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), content.begin()));
    EXPECT_EQ(files.counters().bytes_read, 0u);
  }
}

TEST(HashedWriterTest, LeavesWhatStandsBeforeItsFirstByte) {
  MemoryFileSystem files;
  Budget budget(kBufferBytes);
  ASSERT_OK_AND_ASSIGN(file, files.create("/other", CreateMode::kTruncate));
  ASSERT_THAT(file->write_at(0, bytes_of("head")), IsOk());
  ASSERT_OK_AND_ASSIGN(writer, HashedWriter::create(*file, 4, budget, kBufferBytes, "a test"));
  ASSERT_OK_AND_ASSIGN(hole, writer.reserve(2));
  ASSERT_THAT(writer.append(bytes_of("tail")), IsOk());
  ASSERT_THAT(writer.flush(), IsOk());
  ASSERT_THAT(writer.fill(hole, bytes_of("++")), IsOk());
  ASSERT_OK_AND_ASSIGN(content, read_file(files, "/other"));
  EXPECT_EQ(as_text(content), "head++tail");
  EXPECT_EQ(writer.digest(), blake3(bytes_of("++tail")));
}

}  // namespace
}  // namespace bale
