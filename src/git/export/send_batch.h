// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// SendBatch: entries for a Git pack: filled by one thread, recoded on a lane, written by the first
// thread.
//
// Memory: memory_bytes(), charged. One thread at a time.

#pragma once

#include <cstdint>
#include <vector>

#include "bale/pack_reader.h"
#include "bale/result.h"
#include "base/budget.h"
#include "git/export/entry_recoder.h"
#include "git/export/pack_stream.h"
#include "git/export/sent_log.h"

namespace bale {

class SendBatch {
 public:
  /// The most entries, however small.
  static constexpr std::size_t kMostEntries = 1024;

  [[nodiscard]] static std::uint64_t memory_bytes();

  [[nodiscard]] static Result<SendBatch> create(Budget& budget);

  /// Copies the stored payload. `base`: a delta's base. `unpacked_bytes`: of payload or program;
  /// this and the stored payload have at most kMostRecodedBytes. False if there is no room; an
  /// empty batch has room for any entry.
  bool add(const PackReader& pack, const StoredEntry& entry, const SentLog::Found& base,
           std::size_t unpacked_bytes);

  [[nodiscard]] bool empty() const { return pieces_.empty(); }

  /// Recodes all entries. write() returns a failure.
  void recode(EntryRecoder& recoder);

  /// Appends the entries to the stream and their positions to the log, and empties the batch.
  /// kCorrupt, with pack and offset, if recoding an entry failed.
  Result<void> write(GitPackStream& stream, SentLog& log);

 private:
  struct Piece {
    const PackReader* pack;
    StoredEntry entry;  // with its payload in stored_
    SentLog::Found base;
    std::size_t room;  // for the recoded form
    std::size_t size = 0;
    Bytes zlib;
  };

  SendBatch() = default;

  Buffer stored_;
  std::size_t stored_bytes_ = 0;
  Buffer recoded_;
  std::size_t room_bytes_ = 0;  // the sum of the pieces'
  Charge pieces_charge_;
  std::vector<Piece> pieces_;
  Result<void> result_;
};

}  // namespace bale
