// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/export/sent_log.h"

#include "base/check.h"
#include "base/try.h"

namespace bale {

Result<SentLog> SentLog::create(Budget& budget, const SentLogOptions& options) {
  CHECK(options.memory_bytes >= kMinMemoryBytes);
  return SentLog(
      TRY(ScratchArray<Record>::growing(budget, options.memory_bytes, *options.file_system,
                                        options.scratch_directory, "where objects went")));
}

Result<std::uint64_t> SentLog::add(std::uint64_t offset, std::uint64_t size) {
  TRY(records_.append({.offset = offset, .size = size, .position = 0}));
  return records_.size() - 1;
}

Result<void> SentLog::place(std::uint64_t position) {
  CHECK(placed_ < records_.size());
  Record record = TRY(records_.get(placed_));
  record.position = position;
  return records_.set(placed_++, record);
}

Result<std::optional<SentLog::Found>> SentLog::find(std::uint64_t offset) {
  // All before `low` are smaller than `offset`, none from `high` on.
  std::uint64_t low = pack_begin_;
  std::uint64_t high = records_.size();
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const Record record = TRY(records_.get(middle));
    if (record.offset == offset) return Found{middle, record.size};
    if (record.offset < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return std::nullopt;
}

Result<std::uint64_t> SentLog::position(std::uint64_t ordinal) {
  CHECK(ordinal < placed_);
  return TRY(records_.get(ordinal)).position;
}

}  // namespace bale
