// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/export/pack_index_oids.h"

#include <filesystem>
#include <string>
#include <vector>

#include "base/endian.h"
#include "testing/git_fixture.h"
#include "testing/matchers.h"
#include "testing/memory_file_system.h"
#include "testing/pack_fixture.h"

namespace bale {
namespace {

Result<std::vector<std::string>> oids_of(FileSystem& files, const std::string& path, GitHash hash) {
  Budget budget(64 << 10);
  auto opened = PackIndexOids::open(files, path, hash, budget);
  if (!opened) return opened.error();
  std::vector<std::string> oids;
  for (;;) {
    const auto oid = (*opened)->next();
    if (!oid) return oid.error();
    if (!*oid) break;
    oids.push_back((**oid).to_hex());
  }
  EXPECT_EQ(oids.size(), (*opened)->count());
  return oids;
}

TEST(PackIndexOidsTest, AreThoseThatGitLists) {
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    GitFixture git(hash);
    std::string expected;
    for (int i = 0; i < 50; ++i) git.write("file" + std::to_string(i), std::to_string(i));
    git.commit("all");
    git.run({"gc", "--quiet"});
    std::string index;
    for (const auto& entry : std::filesystem::directory_iterator(git.git_dir() + "/objects/pack")) {
      if (entry.path().extension() == ".idx") index = entry.path().string();
    }
    ASSERT_OK_AND_ASSIGN(oids, oids_of(posix_file_system(), index, hash));
    std::string listed;
    for (const std::string& oid : oids) listed += (listed.empty() ? "" : "\n") + oid;
    EXPECT_EQ(listed, git.run({"cat-file", "--batch-all-objects", "--batch-check=%(objectname)"}));
    EXPECT_EQ(oids.size(), 52u);
  }
}

TEST(PackIndexOidsTest, CutOffOrOfAnotherKindItIsCorrupt) {
  ByteVector index(8 + 256 * 4 + 2 * 20);
  store_be<std::uint32_t>(index.data(), 0xFF744F63);
  store_be<std::uint32_t>(index.data() + 4, 2);
  store_be<std::uint32_t>(index.data() + 8 + 255 * 4, 2);
  MemoryFileSystem files;
  const auto read = [&](Bytes bytes) {
    EXPECT_THAT(write_file(files, "/idx", bytes), IsOk());
    return oids_of(files, "/idx", GitHash::kSha1);
  };
  EXPECT_THAT(read(index), IsOk());
  for (const std::size_t size : {0u, 7u, 8u, 1031u, 1032u, 1033u, 1052u, 1071u}) {
    EXPECT_THAT(read(Bytes(index).first(size)), FailsWith(ErrorCode::kCorrupt)) << size;
  }
  for (const std::size_t at : {0u, 3u, 4u, 7u}) {
    ByteVector damaged = index;
    damaged[at] ^= std::byte{1};
    EXPECT_THAT(read(damaged), FailsWith(ErrorCode::kCorrupt, "/idx")) << at;
  }
  EXPECT_THAT(oids_of(files, "/none", GitHash::kSha1), FailsWith(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace bale
