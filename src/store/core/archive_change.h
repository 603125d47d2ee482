// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ArchiveChange: what changes of an archive that write records alone have in common: the locks, the
// copying of records, and the move of the archive to the newest one.
//
//   ArchiveChange change(store, name, options, read_bytes);
//   TRY(change.lock());
//   ObjectId copy = TRY(change.copy(id, previous, id));   // oldest first
//   std::string pack = TRY(change.finish(copy));
//
// Not thread-safe.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "bale/archive_changes.h"
#include "bale/pack_reader.h"
#include "bale/record.h"
#include "store/core/locks.h"
#include "store/core/staged_pack.h"

namespace bale {

class ArchiveChange {
 public:
  /// What the pack with the records takes.
  [[nodiscard]] static std::uint64_t pack_memory_bytes();

  static constexpr std::uint64_t kMinReadBytes = kAnyObjectBytes;

  /// `store`, `name` and `options` must outlive it.
  ArchiveChange(Store& store, const std::string& name, const ArchiveChangeOptions& options,
                std::uint64_t read_bytes)
      : store_(store), name_(name), options_(options), context_(read_bytes) {}

  /// Takes the locks of an import, and refreshes the store.
  Result<void> lock();

  /// The id of the archive's newest record; kNotFound, and why, where there is none.
  Result<ObjectId> newest();

  /// Adds a record. `hash` is that of the Git index, which will be empty.
  Result<ObjectId> add(const Record& record, GitHash hash);

  /// Adds a copy of the record `id` with another `previous` and `replaces`, which says that the
  /// archive has `number` records with it. kUnsupported where the record holds what this version
  /// does not know.
  Result<ObjectId> copy(const ObjectId& id, const std::optional<ObjectId>& previous,
                        const ObjectId& replaces, std::uint64_t number);

  /// Installs the pack with what was added, and moves the archive to `record`; the pack's name.
  Result<std::string> finish(const ObjectId& record);

  /// kInterrupted once the operation is cancelled.
  [[nodiscard]] Result<void> go_on() const;

  [[nodiscard]] ReadContext& context() { return context_; }

 private:
  Store& store_;
  const std::string& name_;
  const ArchiveChangeOptions& options_;
  ReadContext context_;
  ImportLocks locks_;
  std::unique_ptr<StagedPack> staged_;  // from the first record on
};

/// kInvalidArgument for an invalid name, or less memory than `smallest`.
Result<void> check_archive_change(const std::string& name, const ArchiveChangeOptions& options,
                                  std::uint64_t smallest);

}  // namespace bale
