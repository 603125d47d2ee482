// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// EntryLog: what a builder that makes deltas must remember of every entry it has written: where it
// lies, what it is a delta against, and how far it is from a whole object. The index, which could
// say the first, exists only in the end; and memory would grow with the pack.
//
// A ScratchArray of records of 32 bytes by the entry's number.
//
// Memory: kBufferBytes, charged. Thread-safe.

#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bale/file_system.h"
#include "bale/object.h"
#include "bale/result.h"
#include "base/budget.h"
#include "scratch/scratch_array.h"

namespace bale {

struct LoggedEntry {
  std::uint64_t offset = 0;           ///< in the pack
  std::optional<std::uint64_t> base;  ///< the entry it is a delta against
  std::uint64_t size = 0;             ///< bytes of the object, 2^32 - 1 at most: else it is no base
  std::uint64_t rebuild_bytes = 0;    ///< see BaseChooser; bounded like size
  int depth = 0;                      ///< see BaseChooser
  ObjectType type = ObjectType::kBlob;
};

class EntryLog {
 public:
  static constexpr std::size_t kBufferBytes = 128 << 10;

  /// The scratch file is made once it is needed. All must outlive the log.
  [[nodiscard]] static Result<std::unique_ptr<EntryLog>> create(Budget& budget,
                                                                FileSystem& file_system,
                                                                std::string scratch_directory);

  EntryLog(const EntryLog&) = delete;
  EntryLog& operator=(const EntryLog&) = delete;

  /// Appends the next entry.
  Result<void> append(const LoggedEntry& entry);

  /// Requires number < size().
  Result<LoggedEntry> at(std::uint64_t number) const;

  [[nodiscard]] std::uint64_t size() const;

  /// The entries at these two offsets have one id, and readers will take the first for both: what
  /// was made against the second is then as deep as the first makes it.
  Result<void> note_duplicate(std::uint64_t first_offset, std::uint64_t offset);

  /// Whether all entries are at most kMaxWrittenDepth deltas away from a whole one for readers, now
  /// that all duplicates are noted. kInvalidArgument if not. Looks at the entries only if a
  /// duplicate could matter. Call once.
  Result<void> check_depths();

 private:
  // LoggedEntry in 32 bytes.
  struct Stored {
    std::uint64_t offset = 0;
    std::uint64_t base_and_1 = 0;  // 0: none
    std::uint32_t size = 0;
    std::uint32_t rebuild_bytes = 0;
    std::uint64_t depth : 8 = 0;
    std::uint64_t type : 8 = 0;
    std::uint64_t first_and_1 : 48 = 0;  // the first entry with the same id; 0: this one
  };

  static_assert(sizeof(Stored) == 32);

  explicit EntryLog(ScratchArray<Stored> entries) : entries_(std::move(entries)) {}

  Result<std::uint64_t> number_at(std::uint64_t offset);

  mutable std::mutex mutex_;              // guards what follows
  mutable ScratchArray<Stored> entries_;  // reading may load a page
  bool duplicates_matter_ = false;
};

}  // namespace bale
