// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/read/pack_bytes.h"

#include <algorithm>
#include <atomic>

#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "format/entry.h"

namespace bale {

Result<PackBytes> PackBytes::open_any(FileSystem& file_system, const std::string& path) {
  static std::atomic<std::uint64_t> next_serial = 1;
  PackBytes pack;
  pack.path_ = path;
  pack.serial_ = next_serial.fetch_add(1);
  pack.file_ = TRY(file_system.open(path));
  pack.file_bytes_ = TRY(pack.file_->size());
  return pack;
}

Result<PackBytes> PackBytes::open_damaged(FileSystem& file_system, const std::string& path,
                                          UnreadableBlocks* unreadable) {
  PackBytes pack = TRY(open_any(file_system, path));
  pack.entries_end_ = pack.file_bytes_;
  pack.unreadable_ = unreadable;
  return pack;
}

Result<PackBytes> PackBytes::open(FileSystem& file_system, const std::string& path,
                                  PackAccess access) {
  PackBytes pack = TRY(open_any(file_system, path));
  if (pack.file_bytes_ < kMinPackBytes) {
    return fail(ErrorCode::kCorrupt, "{}: too short for a pack ({})", path,
                counted(pack.file_bytes_, "byte"));
  }
  pack.entries_begin_ = kHeaderBytes;
  pack.entries_end_ = pack.file_bytes_ - kPackTrailerBytes;
  FileHeader header;
  TRY(pack.read(0, header));
  const Result<std::uint64_t> count = decode_pack_header(header);
  if (!count) return fail(ErrorCode::kCorrupt, "{}: {}", path, count.error().message);
  pack.entry_count_ = *count;
  const std::uint64_t room = (pack.file_bytes_ - kMinPackBytes) / kMinEntryHeaderBytes;
  if (pack.entry_count_ > room) {
    return fail(ErrorCode::kCorrupt, "{}: the header says {}, and there is room for {}", path,
                counted(pack.entry_count_, "entry"), room);
  }
  TRY(pack.read(pack.entries_end(), pack.trailer_));
  if (access == PackAccess::kMap) {
    pack.map_ = TRY(pack.file_->map());
    pack.view_ = pack.map_->bytes();
    if (pack.view_.size() < pack.file_bytes_) {
      return fail(ErrorCode::kCorrupt, "{}: the file shrank while it was opened", path);
    }
  }
  return pack;
}

Result<void> PackBytes::read(std::uint64_t offset, MutableBytes out) const {
  if (touches_unreadable(offset, out.size())) return read_around(offset, out);
  const Result<std::size_t> got = file_->read_at(offset, out);
  if (!got && got.error().code == ErrorCode::kIo && unreadable_ != nullptr) {
    return read_around(offset, out);
  }
  if (!got) return got.error();
  if (*got != out.size()) {
    return fail(ErrorCode::kCorrupt, "{}: the file ends at {}, before the {} wanted at {}", path_,
                offset + *got, counted(out.size(), "byte"), offset);
  }
  return {};
}

bool PackBytes::touches_unreadable(std::uint64_t offset, std::size_t size) const {
  if (unreadable_ == nullptr || unreadable_->numbers.empty()) return false;
  const auto block = unreadable_->numbers.lower_bound(offset / UnreadableBlocks::kBlockBytes);
  return block != unreadable_->numbers.end() &&
         *block * UnreadableBlocks::kBlockBytes < offset + size;
}

// Block by block: what a disk does not give is seldom more than it must be.
Result<void> PackBytes::read_around(std::uint64_t offset, MutableBytes out) const {
  constexpr std::uint64_t kBlock = UnreadableBlocks::kBlockBytes;
  while (!out.empty()) {
    const std::uint64_t number = offset / kBlock;
    const MutableBytes piece =
        out.first(std::min<std::uint64_t>(out.size(), (number + 1) * kBlock - offset));
    if (!unreadable_->numbers.contains(number)) {
      const Result<std::size_t> got = file_->read_at(offset, piece);
      if (got && *got != piece.size()) {
        return fail(ErrorCode::kCorrupt, "{}: the file ends at {}", path_, offset + *got);
      }
      const bool is_full = unreadable_->numbers.size() == UnreadableBlocks::kMost;
      if (!got && (got.error().code != ErrorCode::kIo || unreadable_->complete || is_full)) {
        return got.error();
      }
      if (!got) unreadable_->numbers.insert(number);
    }
    if (unreadable_->numbers.contains(number)) std::fill(piece.begin(), piece.end(), std::byte{0});
    offset += piece.size();
    out = out.subspan(piece.size());
  }
  return {};
}

}  // namespace bale
