// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Records are in the order of offsets, so they are found by bisection: in memory, or of the scratch
// file's pages. Those that a bisection begins with stay in the cache.

#include "git/export/sent_log.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {

std::uint64_t SentLog::smallest_memory_bytes(std::size_t most_unplaced) {
  // Half of the recent ones are spilled at a time, and must be placed by then.
  const std::uint64_t half = (most_unplaced / kPageRecords + 1) * kPageRecords;
  return kPageCount * kPageBytes + 2 * half * sizeof(Record);
}

Result<SentLog> SentLog::create(Budget& budget, const SentLogOptions& options) {
  CHECK(options.memory_bytes >= smallest_memory_bytes(options.most_unplaced));
  SentLog log;
  log.file_system_ = options.file_system;
  log.scratch_directory_ = options.scratch_directory;
  const std::uint64_t half =
      (options.memory_bytes - kPageCount * kPageBytes) / (2 * kPageBytes) * kPageBytes;
  log.recent_ = TRY(Buffer::allocate(budget, 2 * half, "where objects went"));
  log.cache_ = TRY(Buffer::allocate(budget, kPageCount * kPageBytes, "where objects went"));
  return log;
}

Result<std::uint64_t> SentLog::add(std::uint64_t offset, std::uint64_t size) {
  if (count_ - spilled_ == recent().size()) TRY(spill());
  recent()[count_ - spilled_] = {.offset = offset, .size = size, .position = 0};
  return count_++;
}

Result<void> SentLog::spill() {
  const std::span<Record> all = recent();
  const std::size_t half = all.size() / 2;
  CHECK(placed_ >= spilled_ + half);
  if (scratch_ == nullptr) scratch_ = TRY(file_system_->create_unnamed(scratch_directory_));
  TRY(scratch_->write_at(spilled_ * sizeof(Record), std::as_bytes(all.first(half))));
  std::copy(all.begin() + static_cast<std::ptrdiff_t>(half), all.end(), all.begin());
  spilled_ += half;
  return {};
}

void SentLog::place(std::uint64_t position) {
  CHECK(placed_ < count_);
  recent()[placed_++ - spilled_].position = position;
}

Result<SentLog::Record> SentLog::record(std::uint64_t ordinal) {
  CHECK(ordinal < count_);
  if (ordinal >= spilled_) return recent()[ordinal - spilled_];
  const std::uint64_t page = ordinal / kPageRecords;
  std::byte* const place = cache_.data() + page % kPageCount * kPageBytes;
  if (pages_[page % kPageCount] != page) {
    pages_[page % kPageCount] = kNoPage;
    const std::size_t got =
        TRY(scratch_->read_at(page * kPageBytes, MutableBytes(place, kPageBytes)));
    if (got != kPageBytes) return fail(ErrorCode::kIo, "a scratch file has become shorter");
    pages_[page % kPageCount] = page;
  }
  Record record;
  std::memcpy(&record, place + ordinal % kPageRecords * sizeof(Record), sizeof(Record));
  return record;
}

Result<std::optional<SentLog::Found>> SentLog::find(std::uint64_t offset) {
  // All before `low` are smaller than `offset`, none from `high` on is.
  std::uint64_t low = pack_begin_;
  std::uint64_t high = count_;
  if (low < spilled_ && high > spilled_) {
    (recent()[0].offset <= offset ? low : high) = spilled_;
  }
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const Record record = TRY(this->record(middle));
    if (record.offset == offset) return std::optional(Found{middle, record.size});
    if (record.offset < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return std::optional<Found>();
}

Result<std::uint64_t> SentLog::position(std::uint64_t ordinal) {
  CHECK(ordinal < placed_);
  return TRY(record(ordinal)).position;
}

}  // namespace bale
