// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Compares doc/FORMAT.md with the program: creates the files that it shows byte by byte with the
// library.
//
// A checked block of the page is between fences, after a mark `<!-- held: NAME -->`. A block of
// bytes has lines of an offset, two spaces, bytes in hex separated by one space, and after two or
// more spaces their meaning. A block of text is compared verbatim.

#include <fmt/core.h>
#include <zstd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/pack_builder.h"
#include "bale/record.h"
#include "base/budget.h"
#include "base/hex.h"
#include "format/object_stream.h"
#include "store/core/git_index_builder.h"
#include "store/core/ref_lines.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"

namespace bale {
namespace {

// Frames are the same bytes only from the same zstd; the page shows those of Debian 12.
constexpr unsigned kZstdOfThePage = 10504;

constexpr std::string_view kHello = "hello, bale\n";
constexpr std::string_view kWorld = "hello, world\n";
constexpr std::string_view kCommitAfterTree =
    "author A U Thor <author@example.org> 1700000000 +0000\n"
    "committer A U Thor <author@example.org> 1700000000 +0000\n"
    "\n"
    "say hello\n";

class FormatDocTest : public testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file(BALE_SOURCE_DIR "/doc/FORMAT.md", std::ios::binary);
    page_.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_FALSE(page_.empty()) << "doc/FORMAT.md cannot be read";
  }

  // The text between the fences after the mark.
  [[nodiscard]] std::string block(std::string_view name) const {
    const std::size_t mark = page_.find("<!-- held: " + std::string(name) + " -->\n```\n");
    if (mark == std::string::npos) return {};
    const std::size_t begin = page_.find("```\n", mark) + 4;
    const std::size_t end = page_.find("```\n", begin);
    return end == std::string::npos ? std::string() : page_.substr(begin, end - begin);
  }

  void expect_bytes(std::string_view name, Bytes file) const;

  void expect_text(std::string_view name, const std::string& text) const {
    EXPECT_EQ(block(name), text) << "the block " << name << " of doc/FORMAT.md";
  }

 private:
  std::string page_;
};

// The hex digits of "00000010  ab cd ef  what they are", empty for other lines.
std::string digits_of_line(std::string_view line) {
  std::string digits;
  for (std::size_t at = 10; at + 2 <= line.size() && line[at] != ' '; at += 3) {
    digits += line.substr(at, 2);
  }
  return digits;
}

void FormatDocTest::expect_bytes(std::string_view name, Bytes file) const {
  std::istringstream lines(block(name));
  std::size_t position = 0;
  std::string line;
  while (std::getline(lines, line)) {
    const std::string digits = digits_of_line(line);
    const std::size_t size = digits.size() / 2;
    ASSERT_EQ(line.substr(0, 8), fmt::format("{:08x}", position)) << name << ": " << line;
    ASSERT_GT(size, 0U) << name << ": no bytes: " << line;
    ASSERT_LE(position + size, file.size()) << name << " is shorter: " << line;
    EXPECT_EQ(digits, to_hex(file.subspan(position, size))) << name << ": " << line;
    position += size;
  }
  EXPECT_EQ(position, file.size())
      << name << ": bytes that the page does not show: " << to_hex(file.subspan(position));
}

std::string tree_payload() {
  const GitOid blob = git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(kHello));
  return "100644 hello.txt" + std::string(1, '\0') + std::string(as_text(blob.bytes()));
}

std::string commit_payload() {
  const GitOid tree = git_oid(GitHash::kSha1, ObjectType::kTree, as_bytes(tree_payload()));
  return "tree " + tree.to_hex() + "\n" + std::string(kCommitAfterTree);
}

// The three files of the page's example.
struct Example {
  PackInMemory pack;
  std::vector<std::byte> git_index;
};

Result<std::vector<std::byte>> build_git_index(const std::vector<GitOid>& oids,
                                               const std::vector<std::uint64_t>& offsets,
                                               const Digest& pack_trailer) {
  Budget budget(2 << 20);
  auto builder = GitIndexBuilder::create(budget, GitHash::kSha1, {.memory_bytes = kMinSorterBytes});
  if (!builder) return builder.error();
  for (std::size_t i = 0; i < oids.size(); ++i) {
    const Result<void> added = builder->add(oids[i], offsets[i]);
    if (!added) return added.error();
  }
  MemoryFileSystem files;
  auto file = files.create("/example.gitidx", CreateMode::kExclusive);
  if (!file) return file.error();
  const Result<std::uint64_t> size = builder->write(**file, budget, pack_trailer);
  if (!size) return size.error();
  std::vector<std::byte> bytes(*size);
  const Result<std::size_t> got = (*file)->read_at(0, bytes);
  if (!got) return got.error();
  return bytes;
}

void build_example(Example* example) {
  std::vector<GitOid> oids;
  std::vector<std::uint64_t> offsets;
  PackBuilderOptions options;
  options.on_entry = [&](const EntryPosition& entry) -> Result<void> {
    offsets.push_back(entry.offset);
    return {};
  };
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory(options));

  const std::string letters(300, 'a');
  EntryHandle hello;
  const std::array<std::pair<ObjectType, std::string>, 4> whole = {
      std::pair{ObjectType::kBlob, std::string(kHello)},
      std::pair{ObjectType::kTree, tree_payload()},
      std::pair{ObjectType::kState, commit_payload()},
      std::pair{ObjectType::kBlob, letters},
  };
  for (const auto& [type, payload] : whole) {
    const ObjectId id = store_id(type, as_bytes(payload));
    ASSERT_OK_AND_ASSIGN(handle, builder.add(id, type, as_bytes(payload)));
    if (payload == kHello) hello = handle;
    oids.push_back(git_oid(GitHash::kSha1, type, as_bytes(payload)));
  }

  // Copy 7 bytes from the base's first one ("hello, "), then insert 6.
  const std::string program = "\x90\x07\x05world\n";
  ASSERT_THAT(builder.add_delta(content_hash(ObjectType::kBlob, as_bytes(kWorld)), hello,
                                kWorld.size(), as_bytes(program)),
              IsOk());
  oids.push_back(git_oid(GitHash::kSha1, ObjectType::kBlob, as_bytes(kWorld)));

  ASSERT_OK_AND_ASSIGN(pack, builder.finish_in_memory());
  ASSERT_OK_AND_ASSIGN(git_index, build_git_index(oids, offsets, pack.summary.trailer));
  *example = {std::move(pack), std::move(git_index)};
}

TEST_F(FormatDocTest, ShowsAPackAndItsIndexesAsTheyAre) {
  if (ZSTD_versionNumber() != kZstdOfThePage) GTEST_SKIP() << "another version of zstd";
  Example example;
  ASSERT_NO_FATAL_FAILURE(build_example(&example));
  expect_bytes("example.pack", example.pack.pack);
  expect_bytes("example.idx", example.pack.index);
  expect_bytes("example.gitidx", example.git_index);
  expect_text("example name", example.pack.summary.name + "\n");
}

TEST_F(FormatDocTest, ShowsALargePayloadAsItIsStored) {
  if (ZSTD_versionNumber() != kZstdOfThePage) GTEST_SKIP() << "another version of zstd";
  const std::vector<std::byte> zeros((std::size_t{1} << 20) + 4);
  ASSERT_OK_AND_ASSIGN(builder, PackBuilder::in_memory({}));
  ASSERT_THAT(builder.add(content_hash(ObjectType::kBlob, zeros), ObjectType::kBlob, zeros),
              IsOk());
  ASSERT_OK_AND_ASSIGN(pack, builder.finish_in_memory());
  expect_bytes("large.pack", pack.pack);
}

TEST_F(FormatDocTest, ShowsAnObjectStreamAsItIs) {
  const StreamedObject object{.id = content_hash(ObjectType::kBlob, as_bytes(kHello)),
                              .type = ObjectType::kBlob,
                              .size = kHello.size()};
  std::vector<std::byte> stream(kMaxObjectFrameBytes);
  stream.resize(encode_object_frame(object, stream.data()));
  constexpr std::string_view kPathHint("\x09\x00hello.txt", 11);
  for (const std::string_view part : {kHello, kPathHint}) {
    stream.insert(stream.end(), as_bytes(part).begin(), as_bytes(part).end());
  }
  expect_bytes("stream", stream);
}

TEST_F(FormatDocTest, ShowsARecordAsItIsWritten) {
  const GitOid commit = git_oid(GitHash::kSha1, ObjectType::kState, as_bytes(commit_payload()));
  const Record record{.archive = "hello",
                      .kind = RecordKind::kGit,
                      .hash = GitHash::kSha1,
                      .source = "/srv/100%.git",
                      .time = 1700000000,
                      .head = "ref: refs/heads/main",
                      .refs = {{"refs/heads/main", commit}},
                      .objects = 3,
                      .objects_new = 3,
                      .bytes = kHello.size() + tree_payload().size() + commit_payload().size(),
                      .number = 1,
                      .version = "0.1.0"};
  expect_text("record", encode_record(record).value() + "\n");
}

TEST_F(FormatDocTest, ShowsAListOfRefsAsItIsWritten) {
  const GitOid commit = git_oid(GitHash::kSha1, ObjectType::kState, as_bytes(commit_payload()));
  std::string text = ref_list_heading(GitHash::kSha1, false);
  for (const Ref& ref :
       {Ref{"refs/heads/gone", std::nullopt, ""}, Ref{"refs/heads/main", commit, ""},
        Ref{"refs/remotes/origin/HEAD", commit, "refs/remotes/origin/main"}}) {
    text += ref_line(ref) + "\n";
  }
  expect_text("ref list", text);
}

}  // namespace
}  // namespace bale
