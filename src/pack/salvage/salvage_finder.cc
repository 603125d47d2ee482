// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/salvage/salvage_finder.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/try.h"
#include "format/container.h"

namespace bale {
namespace {

constexpr std::uint64_t kEntriesAReport = 256;

// Whether a header can begin with these bytes: of those that cannot, most are seen so. Tag and type
// stand at fixed places, and a state goes under a change id, everything else under a content hash.
bool may_begin_entry(Bytes bytes) {
  if (bytes.size() < kMinEntryHeaderBytes || bytes[0] > std::byte{1}) return false;
  const bool change_id = bytes[0] == std::byte{1};
  const std::size_t type_position =
      1 + id_bytes(change_id ? IdKind::kChangeId : IdKind::kContentHash);
  if (type_position >= bytes.size()) return false;
  const auto type =
      static_cast<EntryType>(std::to_integer<unsigned>(bytes[type_position]) >> 4 & 7);
  return change_id == (type == EntryType::kState) && type <= EntryType::kDelta;
}

}  // namespace

Result<SalvageFinder> SalvageFinder::create(const PackBytes& pack, SalvageProver& prover,
                                            SalvageHints& hints, Budget& budget,
                                            const Operation& operation,
                                            std::uint64_t more_vain_bytes) {
  SalvageFinder finder(pack, prover, hints, operation, more_vain_bytes);
  finder.window_ = TRY(Buffer::allocate(budget, kWindowBytes, "searching for entries"));
  TRY(finder.read_pack_header());
  return finder;
}

Result<void> SalvageFinder::read_pack_header() {
  if (pack_->file_bytes() < kHeaderBytes) return {};
  FileHeader bytes;
  TRY(pack_->read(0, bytes));
  const Result<std::uint64_t> count = decode_pack_header(bytes);
  if (!count) return {};
  declared_count_ = *count;
  position_ = kHeaderBytes;
  return {};
}

void SalvageFinder::note_gap(std::uint64_t end) {
  if (end <= position_) return;
  const SalvageGap gap{.offset = position_, .size = end - position_};
  gap_bytes_ += gap.size;
  if (gaps_.size() < kMostGaps) gaps_.push_back(gap);
}

void SalvageFinder::accept(const Found& found) {
  note_gap(found.offset);
  position_ = found.end();
  ++found_count_;
}

// A delta is not proven yet. It is held back until it is known what follows.
Result<std::optional<SalvageFinder::Found>> SalvageFinder::next() {
  if (!is_ahead_) ahead_ = TRY(find_next(nullptr));
  is_ahead_ = false;
  while (ahead_ && ahead_->header.is_delta()) {
    const Found delta = *ahead_;
    ahead_ = TRY(find_next(&delta));
    is_ahead_ = true;
    const bool refuted = ahead_ && ahead_->offset < delta.end();
    if (!refuted) return delta;
    is_ahead_ = false;
  }
  return ahead_;
}

Result<std::optional<SalvageFinder::Found>> SalvageFinder::find_next(const Found* delta_before) {
  if (operation_->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  if (found_count_ % kEntriesAReport == 0) {
    operation_->progress({.phase = "searching for entries",
                          .objects = found_count_,
                          .objects_total = declared_count_.value_or(0),
                          .bytes = position_,
                          .bytes_total = pack_->file_bytes()});
  }
  const std::uint64_t end = pack_->entries_end();
  if (position_ >= end) return std::nullopt;
  std::optional<Found> found = TRY(prover_->try_at(position_));
  // What is as long as a trailer, and stands where one should, is one.
  if (!found && end - position_ != kPackTrailerBytes) {
    if (delta_before != nullptr) {
      found = TRY(find_across(*delta_before));
      if (found) position_ = delta_before->offset;
    }
    if (!found) found = TRY(search());
    if (!found) note_gap(end);
  }
  if (found) {
    accept(*found);
  } else {
    position_ = end;
  }
  return found;
}

// An entry that begins in what was taken for a delta and ends behind it: bytes of the delta were
// taken out, and its program goes on in the entry that followed.
Result<std::optional<SalvageFinder::Found>> SalvageFinder::find_across(const Found& delta) {
  std::uint64_t from = delta.offset + 1;
  while (!gave_up_ && !prover_->ran_out()) {
    const std::optional<std::uint64_t> offset = TRY(next_plausible(from));
    if (!offset || *offset >= delta.end()) break;
    std::optional<Found> found = TRY(prover_->try_at(*offset));
    if (found && found->end() > delta.end()) return found;
    from = *offset + 1;
  }
  return std::nullopt;
}

Result<std::optional<SalvageFinder::Found>> SalvageFinder::try_hint(
    const SalvageHints::Hint& hint) {
  std::optional<Found> found = TRY(prover_->try_at(hint.offset));
  if (found && SalvageHints::start_of(found->header.id) != hint.id_start) found.reset();
  return found;
}

// There is no entry at position_.
Result<std::optional<SalvageFinder::Found>> SalvageFinder::search() {
  // Of a header of which bytes were taken out, the beginning may look whole.
  const std::uint64_t from = found_count_ == 0 ? 0 : position_ + 1;
  if (gave_up_) return search_hints(from);
  if (hints_->trusted()) {
    // No entry begins between two that follow each other in a right index; so if this one is where
    // it should be, only the one before it was lost.
    const auto hint = TRY(hints_->first_from(position_ + 1));
    if (hint) {
      const std::optional<Found> found = TRY(try_hint(*hint));
      if (found) return found;
    }
  }
  return search_bytes(from);
}

Result<std::optional<SalvageFinder::Found>> SalvageFinder::search_bytes(std::uint64_t from) {
  while (!prover_->ran_out()) {
    const std::optional<std::uint64_t> offset = TRY(next_plausible(from));
    if (!offset) return std::nullopt;
    std::optional<Found> found = TRY(prover_->try_at(*offset));
    if (found) return found;
    from = *offset + 1;
  }
  gave_up_ = true;
  prover_->allow_more(more_vain_bytes_);
  return search_hints(from);
}

Result<std::optional<SalvageFinder::Found>> SalvageFinder::search_hints(std::uint64_t from) {
  while (!prover_->ran_out()) {
    const auto hint = TRY(hints_->first_from(from));
    if (!hint) break;
    std::optional<Found> found = TRY(try_hint(*hint));
    if (found) return found;
    from = hint->offset + 1;
  }
  return std::nullopt;
}

// At least a header's bytes, where the file has so many left.
Result<Bytes> SalvageFinder::window_from(std::uint64_t offset) {
  const std::uint64_t left = pack_->entries_end() - offset;
  const std::uint64_t wanted = std::min<std::uint64_t>(left, kMaxEntryHeaderBytes);
  const bool there = offset >= window_offset_ && offset - window_offset_ <= window_bytes_ &&
                     window_bytes_ - (offset - window_offset_) >= wanted;
  if (!there) {
    if (operation_->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    window_offset_ = offset;
    window_bytes_ = std::min<std::uint64_t>(left, kWindowBytes);
    TRY(pack_->read(offset, window_.span().first(window_bytes_)));
  }
  return Bytes(window_.span()).first(window_bytes_).subspan(offset - window_offset_);
}

// Where the next header stands that is worth a try.
Result<std::optional<std::uint64_t>> SalvageFinder::next_plausible(std::uint64_t from) {
  const std::uint64_t end = pack_->entries_end();
  while (from < end) {
    const Bytes bytes = TRY(window_from(from));
    // The last ones of the window are looked at in the next.
    const bool last = from + bytes.size() == end;
    const std::size_t count = last ? bytes.size() : bytes.size() - kMaxEntryHeaderBytes + 1;
    for (std::size_t i = 0; i < count; ++i) {
      const Bytes start = bytes.subspan(i);
      if (!may_begin_entry(start)) continue;
      const Result<EntryHeader> header =
          decode_entry_header(start.first(std::min(start.size(), kMaxEntryHeaderBytes)));
      if (header && header->stored_size <= end - (from + i) - header->header_bytes &&
          is_plausible(*header)) {
        return from + i;
      }
    }
    from += count;
  }
  return std::nullopt;
}

}  // namespace bale
