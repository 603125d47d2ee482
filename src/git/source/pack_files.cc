// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The index ends with the checksum of the pack, as the pack does, and one of its own. Version 1 of
// it begins with the table of 256 numbers, version 2 with FF 74 4F 63 and the number 2 before that.

#include "git/source/pack_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "base/endian.h"
#include "base/error.h"
#include "base/try.h"
#include "git/child/unique_fd.h"
#include "io/posix_file.h"

namespace bale {
namespace {

Error cannot(std::string_view action, const std::string& path) {
  return fail(ErrorCode::kIo, "cannot {} {}: {}", action, path,
              std::generic_category().message(errno));
}

// The beginning and the end of a file that does not change.
class FileEnds {
 public:
  // False if it is gone.
  Result<bool> open(const std::string& path) {
    path_ = path;
    file_ = UniqueFd(retry_interrupted(
        [&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY); }));
    if (!file_.is_open()) {
      if (errno == ENOENT || errno == ENOTDIR) return false;
      return cannot("open", path);
    }

    struct stat info {};

    if (::fstat(file_.get(), &info) != 0) return cannot("look at", path);
    if (!S_ISREG(info.st_mode)) {
      return fail(ErrorCode::kIncomplete, "{} is not a regular file", path);
    }
    size_ = static_cast<std::uint64_t>(info.st_size);
    return true;
  }

  [[nodiscard]] std::uint64_t size() const { return size_; }

  // kIncomplete if the file is too short.
  Result<void> read(std::uint64_t offset, MutableBytes out) const {
    while (!out.empty()) {
      const ssize_t got = retry_interrupted(
          [&] { return ::pread(file_.get(), out.data(), out.size(), static_cast<off_t>(offset)); });
      if (got < 0) return cannot("read", path_);
      if (got == 0) return fail(ErrorCode::kIncomplete, "{} is cut off", path_);
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

 private:
  std::string path_;
  UniqueFd file_;
  std::uint64_t size_ = 0;
};

constexpr std::size_t kFanoutBytes = 256 * 4;

// How many objects an index lists, after a look at its table and size.
Result<std::uint32_t> check_index(const FileEnds& file, const std::string& path, GitHash hash) {
  static constexpr std::uint32_t kMagic = 0xFF744F63;
  const auto damaged = [&](std::string_view why) {
    return fail(ErrorCode::kIncomplete, "{} is damaged: {} (git index-pack makes it from the pack)",
                path, why);
  };
  std::array<std::byte, 8 + kFanoutBytes> header;
  if (file.size() < header.size()) return damaged("it is cut off");
  TRY(file.read(0, header));
  const bool is_v2 = load_be<std::uint32_t>(header.data()) == kMagic;
  if (is_v2 && load_be<std::uint32_t>(header.data() + 4) != 2) return damaged("unknown version");
  const std::byte* const fanout = header.data() + (is_v2 ? 8 : 0);
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < 256; ++i) {
    const auto next = load_be<std::uint32_t>(fanout + 4 * i);
    if (next < count) return damaged("its first table is not in order");
    count = next;
  }
  const std::uint64_t id = oid_bytes(hash);
  const std::uint64_t least =
      (is_v2 ? 8 + kFanoutBytes + count * (id + 8) : kFanoutBytes + count * (id + 4)) + 2 * id;
  const std::uint64_t most = is_v2 && count > 0 ? least + (count - 1) * std::uint64_t{8} : least;
  if (file.size() < least || file.size() > most) return damaged("its size is wrong");
  return count;
}

}  // namespace

Result<void> check_readable(const std::string& path) {
  TRY_VOID(FileEnds().open(path));
  return {};
}

Result<void> check_pack_files(const PackFiles& files, GitHash hash) {
  FileEnds pack;
  FileEnds index;
  if (!TRY(index.open(files.index)) || !TRY(pack.open(files.pack))) {
    return fail(ErrorCode::kIncomplete, "{} or its index leads nowhere", files.pack);
  }
  const std::uint32_t count = TRY(check_index(index, files.index, hash));
  const std::size_t id = oid_bytes(hash);
  std::array<std::byte, 12> header;
  std::array<std::byte, 32> trailer{};
  std::array<std::byte, 32> expected{};
  const std::string_view magic("PACK");
  if (pack.size() < header.size() + id) {
    return fail(ErrorCode::kIncomplete, "{} is cut off", files.pack);
  }
  TRY(pack.read(0, header));
  if (as_text(Bytes(header).first(4)) != magic) {
    return fail(ErrorCode::kIncomplete, "{} is damaged: it does not begin as a pack", files.pack);
  }
  TRY(pack.read(pack.size() - id, MutableBytes(trailer).first(id)));
  TRY(index.read(index.size() - 2 * id, MutableBytes(expected).first(id)));
  if (trailer != expected || load_be<std::uint32_t>(header.data() + 8) != count) {
    return fail(ErrorCode::kIncomplete,
                "{} and {} do not belong together: one of them is cut off or damaged", files.pack,
                files.index);
  }
  return {};
}

}  // namespace bale
