// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/pack_bytes.h"

#include <atomic>

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

Result<PackBytes> PackBytes::open_damaged(FileSystem& file_system, const std::string& path) {
  PackBytes pack = TRY(open_any(file_system, path));
  pack.entries_end_ = pack.file_bytes_;
  return pack;
}

Result<PackBytes> PackBytes::open(FileSystem& file_system, const std::string& path,
                                  PackAccess access) {
  PackBytes pack = TRY(open_any(file_system, path));
  if (pack.file_bytes_ < kMinPackBytes) {
    return fail(ErrorCode::kCorrupt, "{}: too short for a pack ({} bytes)", path, pack.file_bytes_);
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
    return fail(ErrorCode::kCorrupt, "{}: the header says {} entries, and there is room for {}",
                path, pack.entry_count_, room);
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
  const std::size_t got = TRY(file_->read_at(offset, out));
  if (got != out.size()) {
    return fail(ErrorCode::kCorrupt, "{}: the file ends at {}, before the {} bytes wanted at {}",
                path_, offset + got, out.size(), offset);
  }
  return {};
}

}  // namespace bale
