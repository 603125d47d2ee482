// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// EntryLog: what a builder that makes deltas must remember of every entry it has written: where it
// lies, what it is a delta against, and how far it is from a whole object. The index, which could
// say the first, exists only in the end; and memory would grow with the pack.
//
// An array of records of 32 bytes by the entry's number, of which the newest are in memory and the
// rest in an unnamed scratch file.
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
  EntryLog(FileSystem& file_system, std::string scratch_directory, Buffer buffer)
      : file_system_(file_system),
        scratch_directory_(std::move(scratch_directory)),
        buffer_(std::move(buffer)) {}

  Result<void> spill();
  Result<void> read_record(std::uint64_t number, MutableBytes record) const;
  Result<void> write_record(std::uint64_t number, Bytes record);
  Result<LoggedEntry> read(std::uint64_t number) const;
  Result<std::uint64_t> number_at(std::uint64_t offset) const;

  FileSystem& file_system_;
  const std::string scratch_directory_;
  mutable std::mutex mutex_;  // guards what follows
  Buffer buffer_;             // the records from spilled_ on
  std::unique_ptr<File> scratch_;
  std::uint64_t spilled_ = 0;
  std::uint64_t size_ = 0;
  bool duplicates_matter_ = false;
};

}  // namespace bale
