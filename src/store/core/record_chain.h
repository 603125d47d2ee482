// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// RecordChain: the records of an archive one after the other, newest first. All that counts or
// shows the records of an archive walks over them with this, so that all agree where it ends:
//
//   imp 1 <- imp 2 <- removed <- imp 3 <- imp 4        (each names the one before as `previous`)
//                                ^^^^^    ^^^^^ the archive: what came before its removal is none
//
//   RecordChain chain = chain_from(store, newest_id, context);
//   while (std::optional<ArchiveRecord> entry = TRY(chain.next())) use(*entry);
//
// Memory: the record that is being read. Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "bale/object.h"
#include "bale/pack_reader.h"
#include "bale/record.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

class RecordChain {
 public:
  using ReadRecord = std::function<Result<ArchiveRecord>(const ObjectId&)>;

  /// `newest` may be nullopt or lead to a removal: then the chain is empty. What `read` refers to
  /// must outlive the chain.
  RecordChain(std::optional<ObjectId> newest, ReadRecord read)
      : next_(newest), read_(std::move(read)) {}

  /// The next older record; nullopt after the oldest, and where the archive was removed. Errors of
  /// reading it, and kCorrupt where the records go round in a circle; after an error there is
  /// nothing more.
  Result<std::optional<ArchiveRecord>> next();

  /// The removal that the chain ended before, once next() gave nullopt for it. For maintenance: it
  /// must stay as long as the records after it, which name it.
  [[nodiscard]] const std::optional<ObjectId>& removal() const { return removal_; }

 private:
  std::optional<ObjectId> next_;
  ReadRecord read_;
  std::optional<ObjectId> removal_;
  // A circle is found in constant memory: one id is remembered, and replaced by the newest one
  // after 1, 2, 4, 8, ... steps. On a circle, the steps outgrow it, and the id comes back.
  std::optional<ObjectId> remembered_;
  std::uint64_t steps_ = 0;
  std::uint64_t remember_after_ = 1;
};

/// How many records an archive has.
struct RecordCount {
  std::uint64_t records = 0;   ///< those that could be counted
  std::optional<Error> error;  ///< why that is not all
};

/// Of the archive whose newest record this is: what the record says. Only where an older version
/// wrote it, older records are read, back to one that says it.
[[nodiscard]] RecordCount count_records(const Snapshot& store, const ArchiveRecord& newest,
                                        ReadContext& context);

/// What is said where the record `back` imports ago cannot be read: which it is, why, and what
/// helps. Other errors than of reading it, kInterrupted, stay as they are.
[[nodiscard]] Error record_error(const std::string& name, std::uint64_t back, const Error& error);

/// The chain in a store, from this record back. The context must outlive it.
[[nodiscard]] RecordChain chain_from(const Snapshot& store, const std::optional<ObjectId>& newest,
                                     ReadContext& context);

}  // namespace bale
