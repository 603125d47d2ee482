// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/check/payload_checker.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "pack/read/entry_decoder.h"

namespace bale {
namespace {

// Where the walk over what was left may begin: so many places at most.
constexpr std::uint64_t kMostStretches = 1024;
constexpr std::uint64_t kLeastStretchBytes = 64 << 10;

// Parts a lane: enough that none waits long for the last one, few enough that a delta's base mostly
// lies in the same part.
constexpr std::uint64_t kPartsPerLane = 16;

// How many look-ups of bases are made before the pages they lie in are given back.
constexpr std::uint64_t kEntriesPerRelease = 1 << 13;

}  // namespace

PayloadChecker::PayloadChecker(const PackBytes& pack)
    : pack_(&pack),
      stretch_bytes_(std::max(kLeastStretchBytes, pack.file_bytes() / kMostStretches + 1)) {}

std::uint64_t PayloadChecker::slot_bytes() {
  return kFrameBytes + Decompressor::memory_bytes();
}

void PayloadChecker::prepare(std::size_t slot_count) {
  for (std::size_t i = 0; i < slot_count; ++i) {
    slots_.push_back(std::make_unique<Slot>(slot_bytes()));
  }
}

bool PayloadChecker::is_left(const EntryHeader& header, std::uint64_t offset) const {
  if (header.is_delta()) return true;
  if (!is_compressed_object(header)) return false;
  return header.header_bytes + header.stored_size > kLongestEntryBytes ||
         header.size > kFrameBytes || offset > first_delta_.load(std::memory_order_relaxed);
}

void PayloadChecker::saw(const ScannedEntry& entry) {
  const EntryHeader& header = entry.header;
  if (header.is_delta() && !any_delta()) first_delta_.store(entry.offset);
  const std::size_t number = entry.offset / stretch_bytes_;
  if (number >= stretches_.size()) {
    stretches_.resize(number + 1);
    stretches_.back().first_entry = entry.offset;
  }
  const std::uint64_t entry_bytes = header.header_bytes + header.stored_size;
  entries_end_ = entry.offset + entry_bytes;
  if (is_left(header, entry.offset)) {
    stretches_.back().left = true;
    left_bytes_ += entry_bytes;
    ++left_entries_;
  } else if (!is_compressed_object(header)) {
    bytes_ += header.size;
  }
}

Result<void> PayloadChecker::check(std::size_t slot, const ScannedBlock& block) {
  if (!block.any_compressed) return {};
  const EntryDecoder decoder(*pack_);
  Slot& found = *slots_[slot];
  std::uint64_t offset = block.entries_begin;
  while (offset < block.entries_end) {
    const Bytes entry = block.bytes.subspan(offset - block.offset);
    const EntryHeader header = TRY(decode_entry_header(entry));
    if (is_compressed_object(header) && !is_left(header, offset)) {
      const Bytes frames = entry.subspan(header.header_bytes, header.stored_size);
      const Result<void> checked = decoder.check_frames(offset, frames, header.size, found.context);
      if (!checked && checked.error().code != ErrorCode::kCorrupt) return checked.error();
      if (checked) {
        found.bytes += header.size;
      } else {
        found.findings.note(offset, checked.error());
      }
    }
    offset += header.header_bytes + header.stored_size;
  }
  return {};
}

void PayloadChecker::collect(std::size_t slot) {
  Slot& found = *slots_[slot];
  bytes_ += std::exchange(found.bytes, 0);
  findings_.merge(std::exchange(found.findings, {}));
}

// ---- what was left

// What the lanes share.
struct PayloadChecker::LeftWork {
  const EntryDecoder decoder;
  const IndexView* index;
  const Operation* operation;
  std::atomic<std::uint64_t> entries_done = 0;
  std::atomic<bool> failed = false;  // no part need go on
};

// Cuts what was left into parts of like sizes. A part ends where the next stretch begins that has
// an entry, or where entries end.
std::vector<PayloadChecker::Part> PayloadChecker::parts(std::size_t lane_count) const {
  const std::uint64_t part_bytes = left_bytes_ / (lane_count * kPartsPerLane) + 1;
  std::vector<Part> parts;
  bool goes_on = false;
  for (const Stretch& stretch : stretches_) {
    if (stretch.first_entry == kNone) continue;
    if (goes_on) parts.back().end = stretch.first_entry;
    goes_on = goes_on && stretch.left && parts.back().end - parts.back().begin < part_bytes;
    if (goes_on || !stretch.left) continue;
    Part part;
    part.begin = stretch.first_entry;
    part.end = entries_end_;
    parts.push_back(std::move(part));
    goes_on = true;
  }
  return parts;
}

// Goes on from part.begin, and moves it along: after kLimitExceeded it is the object that needs
// more memory.
Result<void> PayloadChecker::check_part(Part& part, ReadMemory& context, LeftWork& work) const {
  while (part.begin < part.end) {
    if (work.failed.load(std::memory_order_relaxed)) return {};
    if (work.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const EntryHeader header = TRY(work.decoder.header(part.begin, context));
    if (is_left(header, part.begin)) {
      const Result<ObjectType> read =
          work.decoder.read(part.begin, header, context, [](Bytes) -> Result<void> { return {}; });
      if (!read && read.error().code != ErrorCode::kCorrupt) return read.error();
      if (read) {
        part.bytes += header.size;
      } else {
        part.findings.note(part.begin, read.error());
      }
      const std::uint64_t done = work.entries_done.fetch_add(1) + 1;
      if (work.index != nullptr && done % kEntriesPerRelease == 0) work.index->release_pages();
    }
    part.begin += header.header_bytes + header.stored_size;
  }
  return {};
}

void PayloadChecker::check_on_lanes(std::vector<Part>& parts, const LeftOptions& options,
                                    LeftWork& work) const {
  std::vector<std::unique_ptr<ReadMemory>> contexts;
  for (std::size_t lane = 0; lane < options.lanes->count(); ++lane) {
    contexts.push_back(std::make_unique<ReadMemory>(options.memory_bytes / options.lanes->count()));
  }
  const auto report = [&] {
    options.operation->progress({.phase = "checking objects",
                                 .objects = work.entries_done,
                                 .objects_total = left_entries_});
  };
  Window window(options.lanes->count());
  for (Part& part : parts) {
    window.enter();
    report();
    options.lanes->post([this, &part, &contexts, &work, &window](std::size_t lane) {
      part.result = check_part(part, *contexts[lane], work);
      const bool may_go_on = part.result || part.result.error().code == ErrorCode::kLimitExceeded;
      if (!may_go_on) work.failed = true;
      window.leave();
    });
  }
  window.wait_until_empty();
  report();
}

Result<void> PayloadChecker::check_left(const LeftOptions& options) {
  LeftWork work{
      options.index != nullptr ? EntryDecoder(*pack_, *options.index) : EntryDecoder(*pack_),
      options.index, options.operation};
  std::vector<Part> all = parts(options.lanes->count());
  check_on_lanes(all, options, work);
  for (Part& part : all) {
    if (!part.result && part.result.error().code != ErrorCode::kLimitExceeded) {
      return part.result.error();
    }
  }
  for (Part& part : all) {
    if (!part.result) {
      // All the memory for this one.
      ReadMemory context(options.memory_bytes);
      TRY(check_part(part, context, work));
    }
    bytes_ += part.bytes;
    findings_.merge(std::move(part.findings));
  }
  return {};
}

}  // namespace bale
