// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/deltas/entry_log.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "format/entry.h"

namespace bale {
namespace {

constexpr std::uint64_t kMostBytes = std::numeric_limits<std::uint32_t>::max();

}  // namespace

Result<std::unique_ptr<EntryLog>> EntryLog::create(Budget& budget, FileSystem& file_system,
                                                   std::string scratch_directory) {
  ScratchArray<Stored> entries = TRY(ScratchArray<Stored>::growing(
      budget, kBufferBytes, file_system, scratch_directory, "what is known of entries"));
  return std::unique_ptr<EntryLog>(new EntryLog(std::move(entries)));
}

Result<void> EntryLog::append(const LoggedEntry& entry) {
  Stored stored;
  stored.offset = entry.offset;
  stored.base_and_1 = entry.base ? *entry.base + 1 : 0;
  stored.size = static_cast<std::uint32_t>(std::min(entry.size, kMostBytes));
  stored.rebuild_bytes = static_cast<std::uint32_t>(std::min(entry.rebuild_bytes, kMostBytes));
  stored.depth = static_cast<std::uint8_t>(entry.depth);
  stored.type = static_cast<std::uint8_t>(entry.type);
  const std::lock_guard lock(mutex_);
  return entries_.append(stored);
}

Result<LoggedEntry> EntryLog::at(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const Stored stored = TRY(entries_.get(number));
  return LoggedEntry{
      .offset = stored.offset,
      .base = stored.base_and_1 > 0 ? std::optional(stored.base_and_1 - 1) : std::nullopt,
      .size = stored.size,
      .rebuild_bytes = stored.rebuild_bytes,
      .depth = static_cast<int>(stored.depth),
      .type = static_cast<ObjectType>(stored.type)};
}

std::uint64_t EntryLog::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

Result<std::uint64_t> EntryLog::number_at(std::uint64_t offset) {
  std::uint64_t first = 0;
  for (std::uint64_t count = entries_.size(); count > 0;) {
    const std::uint64_t half = count / 2;
    if (TRY(entries_.get(first + half)).offset < offset) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

Result<void> EntryLog::note_duplicate(std::uint64_t first_offset, std::uint64_t offset) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t first = TRY(number_at(first_offset));
  const std::uint64_t second = TRY(number_at(offset));
  Stored stored = TRY(entries_.get(second));
  if (TRY(entries_.get(first)).depth <= stored.depth) return {};
  stored.first_and_1 = (first + 1) & 0xFFFF'FFFF'FFFF;
  duplicates_matter_ = true;
  return entries_.set(second, stored);
}

// In the order of the entries, in which a base comes before its deltas: each depth is corrected,
// and then right for what comes later.
Result<void> EntryLog::check_depths() {
  const std::lock_guard lock(mutex_);
  if (!duplicates_matter_) return {};
  for (std::uint64_t number = 0; number < entries_.size(); ++number) {
    Stored stored = TRY(entries_.get(number));
    std::uint64_t depth = 0;
    if (stored.base_and_1 > 0) {
      Stored base = TRY(entries_.get(stored.base_and_1 - 1));
      if (base.first_and_1 > 0) base = TRY(entries_.get(base.first_and_1 - 1));
      depth = base.depth + 1;
    }
    if (depth > kMaxWrittenDepth) {
      return fail(ErrorCode::kInvalidArgument,
                  "an object was added twice, and a delta based on it is now {} deltas away from a "
                  "whole object (add each object once, or make no deltas)",
                  depth);
    }
    stored.depth = depth & 0xFF;
    TRY(entries_.set(number, stored));
  }
  return {};
}

}  // namespace bale
