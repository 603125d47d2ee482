// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// .gitidx files, written and searched.

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "store/core/git_index_builder.h"
#include "store/core/git_index_view.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

Digest trailer_of(int seed) {
  Digest digest{};
  digest.front() = static_cast<std::byte>(seed);
  return digest;
}

class GitIndexTest : public testing::TestWithParam<GitHash> {
 protected:
  [[nodiscard]] GitOid numbered(int i) const {
    return git_oid(GetParam(), ObjectType::kBlob, as_bytes(std::to_string(i)));
  }

  // Writes an index of `count` ids, each leading to 100 plus its number.
  void write(int count, std::uint64_t memory_bytes = kMinSorterBytes) {
    Budget budget(memory_bytes + kGitIndexWriteBufferBytes);
    ASSERT_OK_AND_ASSIGN(builder, GitIndexBuilder::create(budget, GetParam(),
                                                          {.memory_bytes = memory_bytes,
                                                           .file_system = &files_,
                                                           .scratch_directory = "/"}));
    for (int i = count - 1; i >= 0; --i) {
      ASSERT_THAT(builder.add(numbered(i), 100 + static_cast<std::uint64_t>(i)), IsOk());
    }
    ASSERT_OK_AND_ASSIGN(file, files_.create("/a.gitidx", CreateMode::kTruncate));
    ASSERT_OK_AND_ASSIGN(bytes, builder.write(*file, budget, trailer_of(1)));
    ASSERT_OK_AND_ASSIGN(size, file->size());
    EXPECT_EQ(bytes, size);
    EXPECT_EQ(bytes, kGitIndexHeaderBytes + kGitIndexTrailerBytes +
                         static_cast<std::uint64_t>(count) * git_record_bytes(GetParam()));
  }

  Result<GitIndexView> open(int trailer = 1) {
    return GitIndexView::open(files_, "/a.gitidx", trailer_of(trailer));
  }

  std::string content() {
    const std::unique_ptr<File> file = files_.open("/a.gitidx").value();
    std::string text(file->size().value(), '\0');
    EXPECT_THAT(file->read_at(0, std::as_writable_bytes(std::span(text))), IsOk());
    return text;
  }

  void set_content(const std::string& text) {
    const std::unique_ptr<File> file = files_.create("/a.gitidx", CreateMode::kTruncate).value();
    ASSERT_THAT(file->write_at(0, as_bytes(text)), IsOk());
  }

  MemoryFileSystem files_;
};

TEST_P(GitIndexTest, EveryIdLeadsToItsEntry) {
  for (const int count : {0, 1, 2, 1000, 30'000}) {  // the last does not fit into the sort's memory
    write(count);
    ASSERT_OK_AND_ASSIGN(view, open());
    EXPECT_EQ(view.hash(), GetParam());
    EXPECT_EQ(view.record_count(), static_cast<std::uint64_t>(count));
    EXPECT_THAT(view.check(), IsOk());
    for (int i = 0; i < count; i += 1 + count / 500) {
      const auto found = view.find(numbered(i));
      ASSERT_TRUE(found);
      EXPECT_EQ(found->offset, 100u + static_cast<std::uint64_t>(i));
      EXPECT_EQ(view.oid(found->position), numbered(i));
      EXPECT_EQ(view.offset(found->position), found->offset);
      EXPECT_EQ(view.lower_bound(numbered(i)), found->position);
    }
    EXPECT_FALSE(view.find(numbered(count)));
    const GitHash other = GetParam() == GitHash::kSha1 ? GitHash::kSha256 : GitHash::kSha1;
    EXPECT_FALSE(view.find(git_oid(other, ObjectType::kBlob, as_bytes("0"))));
  }
}

TEST_P(GitIndexTest, OfAnIdThatRepeatsTheFirstEntryStays) {
  Budget budget(kMinSorterBytes + kGitIndexWriteBufferBytes);
  ASSERT_OK_AND_ASSIGN(
      builder, GitIndexBuilder::create(budget, GetParam(),
                                       {.memory_bytes = kMinSorterBytes, .file_system = &files_}));
  for (const std::uint64_t offset : {700u, 300u, 500u}) {
    ASSERT_THAT(builder.add(numbered(1), offset), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(file, files_.create("/a.gitidx", CreateMode::kTruncate));
  ASSERT_THAT(builder.write(*file, budget, trailer_of(1)), IsOk());
  ASSERT_OK_AND_ASSIGN(view, open());
  EXPECT_EQ(view.record_count(), 1u);
  EXPECT_EQ(view.find(numbered(1))->offset, 300u);
}

TEST_P(GitIndexTest, TheIndexOfAnotherPackIsRefused) {
  write(3);
  EXPECT_THAT(open(2), FailsWith(ErrorCode::kCorrupt, "/a.gitidx"));
  EXPECT_THAT(GitIndexView::open(files_, "/b.gitidx", trailer_of(1)),
              FailsWith(ErrorCode::kNotFound));
}

TEST_P(GitIndexTest, EveryLengthButItsOwnIsRefused) {
  write(3);
  const std::string whole = content();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    set_content(whole.substr(0, size));
    EXPECT_THAT(open(), FailsWith(ErrorCode::kCorrupt)) << size;
  }
  set_content(whole + '\0');
  EXPECT_THAT(open(), FailsWith(ErrorCode::kCorrupt));
}

TEST_P(GitIndexTest, EveryFlippedByteIsFound) {
  write(3);
  const std::string whole = content();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(~damaged[i]);
    set_content(damaged);
    const Result<GitIndexView> view = open();
    if (!view) {
      EXPECT_THAT(view, FailsWith(ErrorCode::kCorrupt)) << i;
      continue;
    }
    EXPECT_THAT(view->check(), FailsWith(ErrorCode::kCorrupt)) << i;
    for (int j = 0; j < 4; ++j) static_cast<void>(view->find(numbered(j)));
  }
}

INSTANTIATE_TEST_SUITE_P(BothHashes, GitIndexTest,
                         testing::Values(GitHash::kSha1, GitHash::kSha256),
                         [](const auto& hash) { return std::string(to_string(hash.param)); });

}  // namespace
}  // namespace bale
