// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/salvage/salvage_log.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/try.h"

namespace bale {

Result<SalvageLog> SalvageLog::create(Budget& budget, FileSystem& file_system,
                                      const std::string& scratch_directory) {
  SalvageLog log;
  log.buffer_ = TRY(Buffer::allocate(budget, kBufferBytes, "the log of entries"));
  log.scratch_ = TRY(file_system.create_unnamed(scratch_directory));
  return log;
}

Result<void> SalvageLog::append(const Entry& entry) {
  if (buffered_bytes_ == kBufferBytes) TRY(flush());
  const SortRecord record = make_sort_record(entry.id, entry.offset);
  std::byte* const to = buffer_.data() + buffered_bytes_;
  std::memcpy(to, record.data(), record.size());
  to[record.size()] = static_cast<std::byte>(entry.state);
  buffered_bytes_ += kEntryBytes;
  ++entry_count_;
  return {};
}

Result<void> SalvageLog::flush() {
  if (buffered_bytes_ == 0) return {};
  TRY(scratch_->write_at(written_bytes_, buffer_.span().first(buffered_bytes_)));
  written_bytes_ += buffered_bytes_;
  buffered_bytes_ = 0;
  return {};
}

Result<void> SalvageLog::visit(const std::function<Result<void>(Entry&)>& visitor) {
  TRY(flush());
  for (std::uint64_t at = 0; at < written_bytes_; at += kBufferBytes) {
    const std::size_t size = std::min<std::uint64_t>(kBufferBytes, written_bytes_ - at);
    const MutableBytes block = buffer_.span().first(size);
    if (TRY(scratch_->read_at(at, block)) != size) {
      return fail(ErrorCode::kIo, "{}: the scratch file has become shorter", scratch_->path());
    }
    bool changed = false;
    for (std::size_t i = 0; i < size; i += kEntryBytes) {
      SortRecord record;
      std::memcpy(record.data(), block.data() + i, record.size());
      std::byte& state = block[i + record.size()];
      Entry entry{.id = sort_record_id(record),
                  .offset = sort_record_offset(record),
                  .state = static_cast<SalvageState>(state)};
      TRY(visitor(entry));
      changed = changed || state != static_cast<std::byte>(entry.state);
      state = static_cast<std::byte>(entry.state);
    }
    if (changed) TRY(scratch_->write_at(at, block));
  }
  return {};
}

}  // namespace bale
