// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "scratch/line_sorter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

std::vector<std::string> sorted_by(LineSorter& sorter, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) EXPECT_THAT(sorter.add(line), IsOk());
  EXPECT_THAT(sorter.sort(), IsOk());
  std::vector<std::string> sorted;
  for (;;) {
    const auto line = sorter.next();
    EXPECT_THAT(line, IsOk());
    if (!line || !*line) return sorted;
    sorted.emplace_back(**line);
  }
}

std::vector<std::string> random_lines(std::size_t count, std::size_t longest) {
  std::mt19937 random(7);
  std::vector<std::string> lines(count);
  for (std::string& line : lines) {
    line.resize(random() % (longest + 1));
    for (char& c : line) c = static_cast<char>(' ' + random() % 220);
    std::replace(line.begin(), line.end(), '\n', '_');
  }
  return lines;
}

TEST(LineSorterTest, SortsInMemoryAndInRuns) {
  for (const std::size_t memory : {std::size_t{100}, std::size_t{5000}, std::size_t{10} << 20}) {
    MemoryFileSystem files;
    LineSorter sorter(files, "/", memory);
    std::vector<std::string> lines = random_lines(3000, 70);
    const std::vector<std::string> sorted = sorted_by(sorter, lines);
    std::sort(lines.begin(), lines.end());
    EXPECT_EQ(sorted, lines) << memory;
  }
}

TEST(LineSorterTest, TakesLinesLongerThanItsMemoryAndThanAPiece) {
  MemoryFileSystem files;
  LineSorter sorter(files, "/", 1000);
  const std::vector<std::string> lines = {std::string(40'000, 'b'), "a", std::string(20'000, 'a')};
  EXPECT_EQ(sorted_by(sorter, lines), (std::vector<std::string>{"a", lines[2], lines[0]}));
}

TEST(ScratchTextTest, ReadsBackWhatWasAppendedWithAnyMemory) {
  for (const std::size_t memory : {std::size_t{0}, std::size_t{64}, std::size_t{1} << 20}) {
    MemoryFileSystem files;
    ScratchText text(files, "/", memory);
    const std::vector<std::string> lines = random_lines(2000, 60);
    for (const std::string& line : lines) ASSERT_THAT(text.append(line + "\n"), IsOk());
    ASSERT_THAT(text.append("no newline"), IsOk());
    ScratchText::Lines reader(text);
    for (const std::string& line : lines) {
      ASSERT_OK_AND_ASSIGN(read, reader.next());
      EXPECT_EQ(read, line);
    }
    ASSERT_OK_AND_ASSIGN(last, reader.next());
    EXPECT_EQ(last, "no newline");
    ASSERT_OK_AND_ASSIGN(end, reader.next());
    EXPECT_FALSE(end);
  }
}

TEST(ScratchTextTest, RefusesALineThatIsTooLong) {
  MemoryFileSystem files;
  ScratchText text(files, "/", 0);
  ASSERT_THAT(text.append(std::string(2 * ScratchText::Lines::kMaxLineBytes, 'x')), IsOk());
  ScratchText::Lines reader(text);
  EXPECT_EQ(reader.next().error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace bale
