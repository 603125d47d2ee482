// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/build/object_feeder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"

namespace bale {

ObjectId unknown_id(IdKind kind) {
  static constexpr std::array<std::byte, 32> kZeros{};
  return known_id<ObjectId>(kind, Bytes(kZeros).first(id_bytes(kind)));
}

Error ObjectFeeder::wrong_size() const {
  return fail(ErrorCode::kInvalidArgument, "an object was declared with {}, and {} came",
              counted(open_->payload_bytes(), "byte"), open_->received);
}

Result<EntryBlock*> ObjectFeeder::fresh_block() {
  if (block_ != nullptr && !block_->bytes().empty()) TRY(submit());
  if (block_ == nullptr) block_ = TRY(pipeline_.take());
  return block_;
}

Result<EntryBlock*> ObjectFeeder::block_with_room(std::uint64_t payload_bytes) {
  if (block_ != nullptr && block_->has_room(payload_bytes)) return block_;
  return fresh_block();
}

Result<void> ObjectFeeder::submit() {
  return pipeline_.submit(std::exchange(block_, nullptr));
}

Result<void> ObjectFeeder::add(const EntryHeader& header, Bytes payload,
                               EntryBlock::Treatment treatment, const EntryHints& hints) {
  EntryBlock* block = TRY(block_with_room(payload.size()));
  block->append(header, payload, treatment);
  if (block->search() != nullptr) block->set_last_hints(hints);
  return block->is_full() ? submit() : Result<void>();
}

Result<void> ObjectFeeder::begin(const EntryHeader& header, EntryBlock::Treatment treatment) {
  Open open{.header = header};
  open.compress = treatment == EntryBlock::Treatment::kTryToCompress;
  if (fits_a_block(header.stored_size)) {
    EntryBlock* block = TRY(block_with_room(header.stored_size));
    open.whole = block->append_open(header, treatment);
  } else {
    EntryBlock* block = TRY(fresh_block());
    block->begin_payload(header,
                         open.compress ? StoredSizeForm::kPadded : StoredSizeForm::kShortest);
    if (open.compress) block->want_compression();
  }
  open_ = open;
  return {};
}

Result<void> ObjectFeeder::write(Bytes piece) {
  if (!open_) return fail(ErrorCode::kInvalidArgument, "a payload is fed to no object");
  const std::uint64_t position = open_->received;
  open_->received += piece.size();
  if (open_->received > open_->payload_bytes()) return wrong_size();
  if (!fits_a_block(open_->payload_bytes())) return write_pieces(piece);
  if (!piece.empty()) std::memcpy(open_->whole.data() + position, piece.data(), piece.size());
  return {};
}

Result<void> ObjectFeeder::write_pieces(Bytes bytes) {
  while (!bytes.empty()) {
    if (operation_.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    // The last piece stays here until end() has said the id.
    if (block_->piece_room() == 0) {
      EntryBlock* block = TRY(fresh_block());
      block->continue_payload();
      if (open_->compress) block->want_compression();
    }
    const std::size_t taken = std::min(bytes.size(), block_->piece_room());
    block_->append_piece(bytes.first(taken));
    bytes = bytes.subspan(taken);
  }
  return {};
}

Result<EntryHeader> ObjectFeeder::end(const ObjectId& id, const EntryHints& hints) {
  if (!open_) return fail(ErrorCode::kInvalidArgument, "no object is being fed");
  if (open_->received != open_->payload_bytes()) return wrong_size();
  if (id.kind() != open_->header.id.kind()) {
    return fail(ErrorCode::kInvalidArgument, "object {} was begun with the other kind of id",
                id.to_hex());
  }
  EntryHeader header = std::exchange(open_, std::nullopt)->header;
  header.id = id;
  if (fits_a_block(header.stored_size)) {
    block_->set_last_id(id);
    if (block_->search() != nullptr) block_->set_last_hints(hints);
    if (block_->is_full()) TRY(submit());
  } else {
    block_->end_payload(header);
    TRY(submit());
  }
  return header;
}

Result<void> ObjectFeeder::submit_all() {
  if (block_ == nullptr || block_->bytes().empty()) return {};
  if (!open_) return submit();
  // Alone, it stays where it is.
  if (!fits_a_block(open_->payload_bytes()) || block_->entry_count() == 1) return {};
  Buffer aside = TRY(Buffer::allocate(budget_, kAsideBytes, "an object that is being fed"));
  EntryBlock open_entry(aside.span());
  block_->move_last_entry(open_entry);
  TRY(submit());
  block_ = TRY(pipeline_.take());
  open_->whole = open_entry.move_last_entry(*block_);
  return {};
}

}  // namespace bale
