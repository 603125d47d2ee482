// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/deltas/entry_log.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/try.h"
#include "format/entry.h"

namespace bale {
namespace {

// offset u64, base + 1 u64 (0: none), size u32, rebuild bytes u32, depth u8, type u8, 6 bytes of
// the number + 1 of the first entry with the same id (0: this one).
constexpr std::size_t kRecordBytes = 32;
constexpr std::size_t kDepthAt = 24;
constexpr std::size_t kFirstAt = 24;  // in the upper 48 of the 64 bits there
constexpr unsigned kFirstShift = 16;
constexpr std::uint64_t kMostBytes = std::numeric_limits<std::uint32_t>::max();

void encode(const LoggedEntry& entry, std::byte* to) {
  store_le(to, entry.offset);
  store_le(to + 8, entry.base ? *entry.base + 1 : std::uint64_t{0});
  store_le(to + 16, static_cast<std::uint32_t>(std::min(entry.size, kMostBytes)));
  store_le(to + 20, static_cast<std::uint32_t>(std::min(entry.rebuild_bytes, kMostBytes)));
  store_le(to + kFirstAt, std::uint64_t{0});
  to[kDepthAt] = static_cast<std::byte>(entry.depth);
  to[kDepthAt + 1] = static_cast<std::byte>(entry.type);
}

LoggedEntry decode(const std::byte* from) {
  const auto base = load_le<std::uint64_t>(from + 8);
  return {.offset = load_le<std::uint64_t>(from),
          .base = base > 0 ? std::optional<std::uint64_t>(base - 1) : std::nullopt,
          .size = load_le<std::uint32_t>(from + 16),
          .rebuild_bytes = load_le<std::uint32_t>(from + 20),
          .depth = static_cast<int>(from[kDepthAt]),
          .type = static_cast<ObjectType>(from[kDepthAt + 1])};
}

}  // namespace

Result<std::unique_ptr<EntryLog>> EntryLog::create(Budget& budget, FileSystem& file_system,
                                                   std::string scratch_directory) {
  Buffer buffer = TRY(Buffer::allocate(budget, kBufferBytes, "what is known of entries"));
  return std::unique_ptr<EntryLog>(
      new EntryLog(file_system, std::move(scratch_directory), std::move(buffer)));
}

Result<void> EntryLog::append(const LoggedEntry& entry) {
  const std::lock_guard lock(mutex_);
  if (size_ - spilled_ == kBufferBytes / kRecordBytes) TRY(spill());
  encode(entry, buffer_.data() + (size_ - spilled_) * kRecordBytes);
  ++size_;
  return {};
}

// The older half of what is in memory.
Result<void> EntryLog::spill() {
  if (scratch_ == nullptr) scratch_ = TRY(file_system_.create_unnamed(scratch_directory_));
  constexpr std::size_t kHalf = kBufferBytes / 2;
  TRY(scratch_->write_at(spilled_ * kRecordBytes, buffer_.span().first(kHalf)));
  std::memcpy(buffer_.data(), buffer_.data() + kHalf, kHalf);
  spilled_ += kHalf / kRecordBytes;
  return {};
}

Result<void> EntryLog::read_record(std::uint64_t number, MutableBytes record) const {
  CHECK(number < size_);
  if (number >= spilled_) {
    std::memcpy(record.data(), buffer_.data() + (number - spilled_) * kRecordBytes, kRecordBytes);
    return {};
  }
  const std::size_t got = TRY(scratch_->read_at(number * kRecordBytes, record));
  if (got == record.size()) return {};
  return fail(ErrorCode::kIo, "{}: the scratch file has become shorter", scratch_->path());
}

Result<void> EntryLog::write_record(std::uint64_t number, Bytes record) {
  if (number < spilled_) return scratch_->write_at(number * kRecordBytes, record);
  std::memcpy(buffer_.data() + (number - spilled_) * kRecordBytes, record.data(), kRecordBytes);
  return {};
}

Result<LoggedEntry> EntryLog::read(std::uint64_t number) const {
  std::array<std::byte, kRecordBytes> record;
  TRY(read_record(number, record));
  return decode(record.data());
}

Result<LoggedEntry> EntryLog::at(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  return read(number);
}

std::uint64_t EntryLog::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

Result<std::uint64_t> EntryLog::number_at(std::uint64_t offset) const {
  std::uint64_t first = 0;
  for (std::uint64_t count = size_; count > 0;) {
    const std::uint64_t half = count / 2;
    if (TRY(read(first + half)).offset < offset) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  CHECK(first < size_);
  return first;
}

Result<void> EntryLog::note_duplicate(std::uint64_t first_offset, std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t first = TRY(number_at(first_offset));
  const std::uint64_t second = TRY(number_at(offset));
  if (TRY(read(first)).depth <= TRY(read(second)).depth) return {};
  std::array<std::byte, kRecordBytes> record;
  TRY(read_record(second, record));
  const std::uint64_t low = load_le<std::uint64_t>(record.data() + kFirstAt) & 0xFFFF;
  store_le(record.data() + kFirstAt, low | ((first + 1) << kFirstShift));
  duplicates_matter_ = true;
  return write_record(second, record);
}

// In the order of the entries, in which bases stand before what leans on them: each depth is put
// right, and then right for what comes later.
Result<void> EntryLog::check_depths() {
  const std::lock_guard lock(mutex_);
  if (!duplicates_matter_) return {};
  for (std::uint64_t number = 0; number < size_; ++number) {
    std::array<std::byte, kRecordBytes> record;
    TRY(read_record(number, record));
    const LoggedEntry entry = decode(record.data());
    int depth = 0;
    if (entry.base) {
      std::array<std::byte, kRecordBytes> base;
      TRY(read_record(*entry.base, base));
      const std::uint64_t first = load_le<std::uint64_t>(base.data() + kFirstAt) >> kFirstShift;
      if (first > 0) TRY(read_record(first - 1, base));
      depth = decode(base.data()).depth + 1;
    }
    if (depth > kMaxWrittenDepth) {
      return fail(ErrorCode::kInvalidArgument,
                  "an object was added twice, and a delta based on it is now {} deltas away from a "
                  "whole object (add each object once, or make no deltas)",
                  depth);
    }
    record[kDepthAt] = static_cast<std::byte>(depth);
    TRY(write_record(number, record));
  }
  return {};
}

}  // namespace bale
