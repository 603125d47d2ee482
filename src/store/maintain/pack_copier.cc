// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/maintain/pack_copier.h"

#include <algorithm>
#include <utility>

#include "bale/pack_verifier.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "store/core/read_check.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// What is longer goes through in pieces.

// Besides the pack that is built: the walk, the marks of what was copied, and decoding.
constexpr std::uint64_t kMinOwnBytes = 2 * kMinPackWalkBytes + (1 << 20);

std::uint64_t pack_memory(const PackCopierOptions& options) {
  return std::max(StagedPack::smallest_memory_bytes(options.level, options.recompress),
                  options.memory_bytes / 2);
}

std::uint64_t own_memory(const PackCopierOptions& options) {
  return options.memory_bytes - std::min(options.memory_bytes, pack_memory(options));
}

// The position of an id in a pack's index; nullopt where it has none, or leads elsewhere.
Result<std::optional<std::uint64_t>> position_of(const PackReader& reader, const ObjectId& id,
                                                 std::optional<std::uint64_t> offset) {
  const std::uint64_t position = reader.lower_bound(id);
  if (position == reader.record_count()) return std::nullopt;
  const IndexRecord record = TRY(reader.record(position));
  if (record.id != id || (offset && record.offset != *offset)) {
    return std::nullopt;
  }
  return position;
}

}  // namespace

std::uint64_t smallest_copy_memory_bytes(int level, bool recompress) {
  return StagedPack::smallest_memory_bytes(level, recompress) + kMinOwnBytes;
}

Result<void> PackCopier::start_pack() {
  if (staged_ != nullptr) return {};
  staged_ = TRY(StagedPack::create(store_, options_.hash,
                                   {.level = options_.level,
                                    .deltas = options_.recompress,
                                    .memory_bytes = pack_memory(options_),
                                    .lanes = options_.lanes,
                                    .sync = options_.sync,
                                    .operation = options_.operation}));
  stored_bytes_ = 0;
  return {};
}

Result<void> PackCopier::make_room(std::uint64_t stored_bytes) {
  if (options_.max_pack_bytes > 0 && stored_bytes_ > 0 &&
      stored_bytes_ + stored_bytes > options_.max_pack_bytes) {
    TRY(end_pack());
    copied_.reset();
  }
  TRY(start_pack());
  stored_bytes_ += stored_bytes;
  return {};
}

Result<void> PackCopier::end_pack() {
  if (staged_ == nullptr) return {};
  totals_.packs.push_back(TRY(staged_->install()));
  staged_.reset();
  return {};
}

Result<void> PackCopier::finish() {
  return end_pack();
}

Result<void> PackCopier::copy(std::uint32_t number, const Keeps& keeps) {
  TRY(start_pack());
  const std::uint64_t own = own_memory(options_);
  const std::string scratch = staged_->directory();
  PackWalk walk = TRY(PackWalk::create(store_, number,
                                       {.memory_bytes = std::max(kMinPackWalkBytes, own / 2),
                                        .scratch_directory = scratch,
                                        .most_stored_bytes = kFrameBytes,
                                        .operation = &options_.operation}));
  copied_.reset();
  copied_budget_ = std::make_unique<Budget>(std::max<std::uint64_t>(1 << 20, own / 8));
  while (const auto entry = TRY(walk.next())) {
    if (!TRY(keeps(entry->stored, entry->oid))) {
      ++totals_.dropped;
      continue;
    }
    TRY(make_room(entry->stored.stored_size));
    TRY(copy_entry(walk, *entry));
    ++totals_.objects;
    totals_.bytes += entry->stored.size;
    options_.operation.progress(
        {.phase = "copying objects", .objects = totals_.objects, .bytes = totals_.bytes});
  }
  copied_.reset();
  return {};
}

Result<void> PackCopier::copy_entry(PackWalk& walk, const PackWalk::Entry& entry) {
  const PackReader& reader = walk.pack().reader;
  if (!options_.recompress && TRY(may_stay_stored(reader, entry.stored))) {
    return copy_stored(walk, entry);
  }
  return add_decoded(reader, entry.stored.offset, walk.context(), entry.oid, 0);
}

// Marks the entry as copied, and tells whether it may be taken over as it is stored. A base that
// came from another pack may be deeper than the one that it stands for, so it does not count.
Result<bool> PackCopier::may_stay_stored(const PackReader& reader, const StoredEntry& entry) {
  if (!copied_) {
    copied_ = TRY(ScratchBits::create(*copied_budget_, reader.record_count(),
                                      copied_budget_->limit_bytes() / 2, store_.file_system(),
                                      staged_->directory()));
  }
  bool base_is_here = true;
  if (entry.is_delta()) {
    const std::optional<std::uint64_t> base = TRY(position_of(reader, entry.base, std::nullopt));
    base_is_here = base && TRY(copied_->test(*base));
  }
  if (const auto position = TRY(position_of(reader, entry.id, entry.offset))) {
    TRY_VOID(copied_->set(*position));
  }
  return base_is_here;
}

Result<void> PackCopier::copy_stored(PackWalk& walk, const PackWalk::Entry& entry) {
  ++totals_.verbatim;
  if (entry.stored.stored_size <= kFrameBytes) {
    return staged_->add_stored(entry.oid, entry.stored);
  }
  TRY(staged_->begin_stored(entry.stored));
  TRY(walk.pack().reader.read_stored(entry.stored.offset, walk.context(),
                                     [this](Bytes piece) { return staged_->write(piece); }));
  return staged_->end_stored(entry.oid);
}

Result<void> PackCopier::add_decoded(const PackReader& reader, std::uint64_t offset,
                                     ReadContext& context, const std::optional<GitOid>& oid,
                                     std::uint64_t lineage) {
  const EntryInfo info = TRY(reader.info_at(offset, context));
  // The pack's trailer is right, so an id that is not was written so: StagedPack refuses it.
  Result<void> added;
  if (info.size <= kFrameBytes || info.base) {
    const ObjectView object = TRY(reader.get_at(offset, context));
    added = staged_->add_as(info.id, oid, object.type, object.payload, lineage);
  } else {
    TRY(staged_->begin(info.type, info.size));
    TRY_VOID(
        reader.read_at(offset, context, [this](Bytes piece) { return staged_->write(piece); }));
    added = staged_->end_as(info.id, oid);
  }
  if (added || added.error().code != ErrorCode::kCorrupt) return added;
  return fail(ErrorCode::kCorrupt, "{}: entry at offset {}: {}", reader.path(), offset,
              added.error().message);
}

Result<void> PackCopier::add(const ObjectLocation& location, const std::optional<GitOid>& oid,
                             std::uint64_t lineage) {
  if (!context_) context_.emplace(own_memory(options_) / 2);
  const std::shared_ptr<const StoredPack> pack = TRY(open_pack(store_, location.pack));
  TRY(make_room(TRY(pack->reader.info_at(location.offset, *context_)).stored_size));
  TRY(add_decoded(pack->reader, location.offset, *context_, oid, lineage));
  ++totals_.objects;
  return {};
}

Result<std::vector<Error>> pack_damage(const Snapshot& store, std::uint32_t number,
                                       const std::string& scratch_directory,
                                       std::uint64_t memory_bytes, const Operation& operation) {
  const auto opened = open_pack(store, number);
  if (!opened && opened.error().code != ErrorCode::kCorrupt &&
      opened.error().code != ErrorCode::kIo) {
    return opened.error();
  }
  if (!opened) return std::vector<Error>{opened.error()};
  const StoredPack& pack = **opened;
  if (!pack.git_index) return std::vector<Error>{*pack.git_index_error};
  const Result<PackReport> report =
      verify_pack(pack.reader.path(), {.scratch_directory = scratch_directory,
                                       .decode = false,
                                       .work = {.memory_bytes = memory_bytes,
                                                .operation = operation,
                                                .file_system = &store.file_system()}});
  if (!report && report.error().code == ErrorCode::kIo) {
    const std::optional<Error> failure =
        TRY(read_failure(store.file_system(), pack.reader.path(), operation));
    if (failure) return std::vector<Error>{*failure};
  }
  if (!report) return report.error();
  std::vector<Error> errors = report->errors;
  if (const Result<void> index = pack.git_index->check(); !index) {
    if (index.error().code != ErrorCode::kCorrupt) return index.error();
    errors.push_back(index.error());
  }
  return errors;
}

}  // namespace bale
