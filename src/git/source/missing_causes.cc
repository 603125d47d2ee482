// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Pack indexes list ids in order, and so do the queries: both are read once, in parallel. A heap
// merges the indexes of a group of packs.
//
//   version 2   FF 74 4F 63  version u32 BE = 2  256 x u32 BE  ids  ...  checksum of all before
//   version 1   256 x u32 BE  (offset u32 BE, id) for each  pack's checksum  checksum of all before

#include "git/source/missing_causes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"
#include "git/child/unique_fd.h"
#include "hash/git_hash.h"
#include "io/posix_file.h"

namespace bale {
namespace {

constexpr std::size_t kBufferBytes = 64 << 10;
constexpr std::size_t kPacksAtOnce = 32;

using RawId = std::array<std::byte, 32>;

// Reads the ids of one index, in order, then the rest, for the checksum.
class IndexScan {
 public:
  static Result<std::unique_ptr<IndexScan>> open(const PackFiles& files, GitHash hash,
                                                 const Operation& operation) {
    Result<std::unique_ptr<File>> opened = posix_file_system().open(files.index);
    if (!opened && opened.error().code == ErrorCode::kNotFound) {
      return fail(ErrorCode::kIncomplete, "{} went away while it was needed (try again)",
                  files.index);
    }
    std::unique_ptr<File> file = TRY(std::move(opened));
    const std::uint64_t size = TRY(file->size());
    std::unique_ptr<IndexScan> scan(new IndexScan(files, std::move(file), hash, operation));
    scan->size_ = size;
    std::array<std::byte, 4> magic;
    TRY(scan->take(magic));
    scan->is_v2_ = load_be<std::uint32_t>(magic.data()) == kMagic;
    std::array<std::byte, 4 + 256 * 4 - 4> table;
    if (scan->is_v2_) TRY(scan->take(magic));
    // In version 1, the table's first number was read in place of the magic.
    TRY(scan->take(MutableBytes(table).first(scan->is_v2_ ? table.size() : table.size() - 4)));
    scan->left_ = load_be<std::uint32_t>(table.data() + (scan->is_v2_ ? 1020 : 1016));
    return scan;
  }

  // The location of a listed object, for messages.
  [[nodiscard]] std::string place() const {
    return files_.pack.empty() ? files_.index + ", whose pack is missing" : files_.pack;
  }

  [[nodiscard]] const RawId& id() const { return id_; }

  // False at the end.
  Result<bool> next() {
    if (left_ == 0) {
      TRY(check_end());
      return false;
    }
    --left_;
    std::array<std::byte, 4> offset;
    if (!is_v2_) TRY(take(offset));
    TRY(take(MutableBytes(id_).first(oid_bytes(hash_))));
    return true;
  }

 private:
  static constexpr std::uint32_t kMagic = 0xFF744F63;

  IndexScan(PackFiles files, std::unique_ptr<File> file, GitHash hash, const Operation& operation)
      : files_(std::move(files)),
        file_(std::move(file)),
        hash_(hash),
        operation_(operation),
        sha_(hash),
        buffer_(kBufferBytes) {}

  Error damaged() const {
    return fail(
        ErrorCode::kIncomplete, "{} is damaged: its checksum is wrong ({})", file_->path(),
        files_.pack.empty() ? "and its pack is missing" : "git index-pack makes it from the pack");
  }

  Result<void> take(MutableBytes out) {
    while (!out.empty()) {
      if (begin_ == end_ && !TRY(fill())) return damaged();
      const std::size_t piece = std::min(out.size(), end_ - begin_);
      std::memcpy(out.data(), buffer_.data() + begin_, piece);
      begin_ += piece;
      out = out.subspan(piece);
    }
    return {};
  }

  Result<bool> fill() {
    if (operation_.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    begin_ = end_ = 0;
    const std::size_t got = TRY(file_->read_at(offset_, buffer_));
    const std::uint64_t hashed_end = size_ - std::min<std::uint64_t>(size_, oid_bytes(hash_));
    for (std::size_t i = 0; i < got;) {
      const std::uint64_t at = offset_ + i;
      if (at < hashed_end) {
        const auto piece =
            static_cast<std::size_t>(std::min<std::uint64_t>(got - i, hashed_end - at));
        sha_.update(Bytes(buffer_).subspan(i, piece));
        i += piece;
      } else {
        if (at - hashed_end < trailer_.size()) trailer_[at - hashed_end] = buffer_[i];
        ++i;
      }
    }
    end_ = got;
    offset_ += got;
    return got > 0;
  }

  Result<void> check_end() {
    if (std::exchange(at_end_, true)) return {};
    while (TRY(fill())) {
    }
    const GitOid sum = sha_.finish();
    if (offset_ != size_ || !std::equal(sum.bytes().begin(), sum.bytes().end(), trailer_.begin())) {
      return damaged();
    }
    return {};
  }

  PackFiles files_;
  std::unique_ptr<File> file_;
  GitHash hash_;
  const Operation& operation_;
  Sha sha_;
  std::vector<std::byte> buffer_;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;
  std::size_t begin_ = 0;  // unread bytes are [begin_, end_)
  std::size_t end_ = 0;
  bool is_v2_ = true;
  bool at_end_ = false;
  std::uint32_t left_ = 0;
  RawId id_{};
  RawId trailer_{};
};

// Whether all of a file can be read; the system's message if not.
std::optional<std::string> reading_error(const std::string& path, std::vector<std::byte>& buffer) {
  const auto words = [&](std::string_view action) {
    return fmt::format("cannot {} {}: {}", action, path, std::generic_category().message(errno));
  };
  const UniqueFd file(retry_interrupted(
      [&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY); }));
  // A dangling symlink is damage.
  if (!file.is_open() && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return {};
  if (!file.is_open()) return words("open");
  for (;;) {
    const ssize_t got =
        retry_interrupted([&] { return ::read(file.get(), buffer.data(), buffer.size()); });
    if (got == 0 || (got < 0 && errno == EISDIR)) return {};
    if (got < 0) return words("read");
  }
}

}  // namespace

void CauseCount::add(std::string words) {
  if (first.size() < kShown) first.push_back(std::move(words));
  ++count;
}

std::string CauseCount::shown() const {
  std::string text;
  for (const std::string& words : first) text += (text.empty() ? "" : "; ") + words;
  if (count > first.size()) text += fmt::format("; and {} more", count - first.size());
  return text;
}

Result<std::unique_ptr<MissingSearch>> MissingSearch::create(ObjectDatabase database,
                                                             const std::string& scratch_directory,
                                                             const Operation& operation) {
  std::unique_ptr<File> spool = TRY(posix_file_system().create_unnamed(scratch_directory));
  for (const std::string& index : database.indexes_without_pack) {
    database.packs.push_back({.pack = "", .index = index});
  }
  return std::unique_ptr<MissingSearch>(
      new MissingSearch(std::move(database), std::move(spool), operation));
}

Result<void> MissingSearch::add(const GitOid& oid) {
  if (TRY(look_at_loose(oid))) return {};
  const Bytes bytes = oid.bytes();
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return buffer_.size() < kBufferBytes ? Result<void>() : flush();
}

// As for git, a good file in one directory replaces a bad one in another: then the object would not
// be missing.
Result<bool> MissingSearch::look_at_loose(const GitOid& oid) {
  const std::string name = loose_name(oid);
  std::string empty;
  for (const std::string& directory : database_.directories) {
    const std::string file = fmt::format("{}/{}", directory, name);

    struct stat info {};

    if (::lstat(file.c_str(), &info) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      causes_.unreadable.add(
          fmt::format("cannot look at {}: {}", file, std::generic_category().message(errno)));
      return true;
    }
    if (S_ISREG(info.st_mode) && info.st_size == 0) {
      empty = file;
      continue;
    }
    TRY(look_into(file, oid));
    return true;
  }
  // A pack may have it, damaged; so the search continues.
  if (!empty.empty()) causes_.empty.add(empty);
  return false;
}

Result<void> MissingSearch::look_into(const std::string& file, const GitOid& oid) {
  if (operation_.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  std::vector<std::byte> buffer(kBufferBytes);
  if (std::optional<std::string> words = reading_error(file, buffer)) {
    causes_.unreadable.add(std::move(*words));
  } else {
    causes_.damaged.add(fmt::format("{} (object {})", file, oid.to_hex()));
  }
  return {};
}

Result<void> MissingSearch::flush() {
  TRY(spool_->write_at(spooled_bytes_, buffer_));
  spooled_bytes_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<MissingCauses> MissingSearch::finish() {
  TRY(flush());
  for (std::size_t begin = 0; begin < database_.packs.size(); begin += kPacksAtOnce) {
    TRY(search_packs(begin, std::min(begin + kPacksAtOnce, database_.packs.size())));
  }
  return std::move(causes_);
}

Result<void> MissingSearch::search_packs(std::size_t begin, std::size_t end) {
  std::vector<std::unique_ptr<IndexScan>> scans;  // a heap: the smallest id is in front
  const auto later = [](const auto& a, const auto& b) { return a->id() > b->id(); };
  for (std::size_t i = begin; i < end; ++i) {
    std::unique_ptr<IndexScan> scan =
        TRY(IndexScan::open(database_.packs[i], database_.hash, operation_));
    if (TRY(scan->next())) scans.push_back(std::move(scan));
  }
  std::make_heap(scans.begin(), scans.end(), later);
  const auto advance = [&]() -> Result<void> {
    std::pop_heap(scans.begin(), scans.end(), later);
    if (TRY(scans.back()->next())) {
      std::push_heap(scans.begin(), scans.end(), later);
    } else {
      scans.pop_back();
    }
    return {};
  };
  const std::size_t id_bytes = oid_bytes(database_.hash);
  std::vector<std::byte> piece(kBufferBytes / id_bytes * id_bytes);
  for (std::uint64_t offset = 0; offset < spooled_bytes_;) {
    const std::size_t got = TRY(spool_->read_at(offset, piece));
    if (got < id_bytes) return fail(ErrorCode::kIo, "{}: cut off", spool_->path());
    for (std::size_t at = 0; at + id_bytes <= got; at += id_bytes, offset += id_bytes) {
      RawId id{};
      std::copy_n(piece.begin() + static_cast<std::ptrdiff_t>(at), id_bytes, id.begin());
      while (!scans.empty() && scans.front()->id() < id) TRY(advance());
      if (scans.empty() || scans.front()->id() != id) continue;
      causes_.damaged.add(
          fmt::format("{} (object {})", scans.front()->place(),
                      known_id<GitOid>(database_.hash, Bytes(id).first(id_bytes)).to_hex()));
    }
  }
  while (!scans.empty()) TRY(advance());  // for the checksums
  return {};
}

}  // namespace bale
