// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/export/send_batch.h"

#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {

std::uint64_t SendBatch::memory_bytes() {
  return kMostRecodedBytes + EntryRecoder::bound(kMostRecodedBytes) + kMostEntries * sizeof(Piece);
}

Result<SendBatch> SendBatch::create(Budget& budget) {
  SendBatch batch;
  batch.stored_ = TRY(Buffer::allocate(budget, kMostRecodedBytes, "objects to export"));
  batch.recoded_ =
      TRY(Buffer::allocate(budget, EntryRecoder::bound(kMostRecodedBytes), "compressed objects"));
  batch.pieces_charge_ = TRY(budget.charge(kMostEntries * sizeof(Piece), "objects to export"));
  batch.pieces_.reserve(kMostEntries);
  return batch;
}

bool SendBatch::add(const PackReader& pack, const StoredEntry& entry, const SentLog::Found& base,
                    std::size_t unpacked_bytes) {
  const std::size_t room = EntryRecoder::bound(unpacked_bytes);
  if (pieces_.size() == kMostEntries || entry.stored.size() > stored_.size() - stored_bytes_ ||
      room > recoded_.size() - room_bytes_) {
    return false;
  }
  Piece piece{.pack = &pack, .entry = entry, .base = base, .room = room};
  std::byte* const copy = stored_.data() + stored_bytes_;
  if (!entry.stored.empty()) std::memcpy(copy, entry.stored.data(), entry.stored.size());
  piece.entry.stored = Bytes(copy, entry.stored.size());
  stored_bytes_ += entry.stored.size();
  room_bytes_ += room;
  pieces_.push_back(piece);
  return true;
}

void SendBatch::recode(EntryRecoder& recoder) {
  MutableBytes rest = recoded_.span();
  for (Piece& piece : pieces_) {
    const auto recoded = recoder.recode(piece.entry, piece.base.size, rest.first(piece.room));
    if (!recoded) {
      result_ = fail(recoded.error(), "{}: entry at offset {}: {}", piece.pack->path(),
                     piece.entry.offset, recoded.error().message);
      return;
    }
    piece.size = recoded->size;
    piece.zlib = rest.first(recoded->zlib_bytes);
    rest = rest.subspan(recoded->zlib_bytes);
  }
}

Result<void> SendBatch::write(GitPackStream& stream, SentLog& log) {
  TRY(std::exchange(result_, {}));
  for (const Piece& piece : pieces_) {
    const std::uint64_t position = stream.position();
    if (piece.entry.is_delta()) {
      const std::uint64_t base_position = TRY(log.position(piece.base.ordinal));
      TRY(stream.delta(base_position, piece.size, piece.zlib));
    } else {
      TRY(stream.object(*piece.entry.type, piece.size, piece.zlib));
    }
    TRY(log.place(position));
  }
  pieces_.clear();
  stored_bytes_ = 0;
  room_bytes_ = 0;
  return {};
}

}  // namespace bale
