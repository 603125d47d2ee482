// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/salvage/salvage_log.h"

#include "base/try.h"

namespace bale {

Result<SalvageLog> SalvageLog::create(Budget& budget, FileSystem& file_system,
                                      const std::string& scratch_directory) {
  return SalvageLog(TRY(ScratchArray<Stored>::growing(budget, kBufferBytes, file_system,
                                                      scratch_directory, "the log of entries")));
}

Result<void> SalvageLog::append(const Entry& entry) {
  return entries_.append({.record = make_sort_record(entry.id, entry.offset),
                          .state = static_cast<std::byte>(entry.state)});
}

Result<void> SalvageLog::visit(const std::function<Result<void>(Entry&)>& visitor) {
  for (std::uint64_t i = 0; i < entries_.size(); ++i) {
    Stored stored = TRY(entries_.get(i));
    Entry entry{.id = sort_record_id(stored.record),
                .offset = sort_record_offset(stored.record),
                .state = static_cast<SalvageState>(stored.state)};
    TRY(visitor(entry));
    if (stored.state == static_cast<std::byte>(entry.state)) continue;
    stored.state = static_cast<std::byte>(entry.state);
    TRY(entries_.set(i, stored));
  }
  return {};
}

}  // namespace bale
