// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/maintain/pack_walk.h"

#include <algorithm>
#include <utility>

#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"
#include "format/container.h"
#include "io/page_release.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

std::uint64_t read_bytes(const PackWalkOptions& options) {
  return std::max(kAnyObjectBytes, options.memory_bytes / 2);
}

static_assert(kMinPackWalkBytes >= kAnyObjectBytes + kMinSorterBytes);

}  // namespace

Result<PackWalk> PackWalk::create(const Snapshot& store, std::uint32_t number,
                                  const PackWalkOptions& options) {
  std::shared_ptr<const StoredPack> pack = TRY(open_pack(store, number));
  if (!pack->git_index) return *pack->git_index_error;
  PackWalk walk(std::move(pack), options);
  walk.offset_ = kHeaderBytes;
  walk.context_.emplace(read_bytes(options));
  TRY(walk.turn_round(store));
  return walk;
}

Result<void> PackWalk::turn_round(const Snapshot& store) {
  budget_ = std::make_unique<Budget>(options_.memory_bytes - read_bytes(options_));
  by_offset_ = TRY(Sorter::create(*budget_, {.memory_bytes = budget_->limit_bytes(),
                                             .file_system = &store.file_system(),
                                             .scratch_directory = options_.scratch_directory,
                                             .operation = options_.operation}));
  const GitIndexView& index = *pack_->git_index;
  for (std::uint64_t i = 0; i < index.record_count(); ++i) {
    if (i % kRecordsPerRelease == 0) index.release_pages();
    Sorter::Record record{};
    store_be<std::uint64_t>(record.data(), index.offset(i));
    const GitOid oid = index.oid(i);
    std::copy(oid.bytes().begin(), oid.bytes().end(), record.begin() + 8);
    TRY(by_offset_->add(record));
  }
  index.release_pages();
  TRY(by_offset_->sort());
  return next_oid();
}

Result<void> PackWalk::next_oid() {
  const Sorter::Record* record = TRY(by_offset_->next());
  waiting_ = record != nullptr ? std::optional(*record) : std::nullopt;
  return {};
}

Result<std::optional<GitOid>> PackWalk::oid_at(std::uint64_t offset) {
  std::optional<GitOid> oid;
  while (waiting_ && load_be<std::uint64_t>(waiting_->data()) <= offset) {
    if (load_be<std::uint64_t>(waiting_->data()) < offset || oid) {
      return fail(ErrorCode::kCorrupt,
                  "{}: its Git index leads to offset {}, where no entry is, or twice to one",
                  pack_->reader.path(), load_be<std::uint64_t>(waiting_->data()));
    }
    const GitHash hash = pack_->git_index->hash();
    oid = known_id<GitOid>(hash, Bytes(*waiting_).subspan(8, oid_bytes(hash)));
    TRY(next_oid());
  }
  return oid;
}

Result<std::optional<PackWalk::Entry>> PackWalk::next() {
  if (entries_ == pack_->reader.entry_count()) return std::nullopt;
  if (options_.operation != nullptr && options_.operation->cancelled()) {
    return fail(ErrorCode::kInterrupted, "interrupted");
  }
  Entry entry;
  entry.oid = TRY(oid_at(offset_));
  entry.stored = TRY(pack_->reader.stored_at(offset_, options_.most_stored_bytes, *context_));
  offset_ += entry.stored.entry_bytes;
  ++entries_;
  return entry;
}

}  // namespace bale
