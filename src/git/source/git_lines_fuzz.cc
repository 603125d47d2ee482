// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Any bytes as git's output, and as ref files: the result is a value from the input or an error.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "base/check.h"
#include "git/source/git_lines.h"
#include "git/source/ref_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace bale {
namespace {

void read_lines(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (const auto listed = parse_listed_line(line)) {
      const std::string hex = listed->oid.to_hex();
      CHECK(line.size() >= hex.size());
      CHECK(!listed->path || line.ends_with(*listed->path));
      CHECK(!listed->missing || line.starts_with('?'));
      if (const auto answer = parse_batch_answer(line, listed->oid)) {
        CHECK(line.starts_with(hex));
        CHECK(!answer->missing || line.ends_with(" missing"));
      }
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Created once, removed at the end.
class Directory {
 public:
  Directory() : path_((std::filesystem::temp_directory_path() / "bale-fuzz-XXXXXX").string()) {
    CHECK(::mkdtemp(path_.data()) != nullptr);
    std::filesystem::create_directories(path_ + "/refs/heads");
  }

  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// HEAD, packed-refs, a loose ref and the boundary, cut out of the input at zero bytes.
void read_ref_files(std::string_view text) {
  static const Directory directory;
  for (const std::string name : {"HEAD", "packed-refs", "refs/heads/main", "shallow"}) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    std::ofstream(directory.path() + "/" + name, std::ios::binary) << text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    const auto refs = read_refs({directory.path(), directory.path()}, hash, directory.path());
    if (!refs) continue;
    RefList::Reader reader(refs->refs);
    for (auto ref = reader.next(); *ref; ref = reader.next()) CHECK(!(*ref)->name.empty());
  }
}

}  // namespace
}  // namespace bale

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = bale::as_text(std::as_bytes(std::span(data, size)));
  bale::read_lines(text);
  bale::read_ref_files(text);
  return 0;
}
