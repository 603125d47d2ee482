// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. A base precedes its delta, so offsets decrease along every chain, and there is no
// cycle.

#include "pack/build/index_builder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/try.h"
#include "pack/build/index_writer.h"
#include "scratch/record_window.h"

namespace bale {

namespace {

// The second sort's share of the memory.
std::uint64_t base_bytes_of(std::uint64_t memory_bytes) {
  return std::max(kMinSorterBytes, memory_bytes / 8);
}

bool same_id(const SortRecord& a, const SortRecord& b) {
  static constexpr std::size_t kIdBytes = kHashRecordBytes - 8;
  // The first eight bytes decide nearly all comparisons.
  return std::memcmp(a.data(), b.data(), 8) == 0 && std::memcmp(a.data(), b.data(), kIdBytes) == 0;
}

}  // namespace

Result<IndexBuilder> IndexBuilder::create(Budget& budget, IndexBuilderOptions options) {
  CHECK(options.memory_bytes >= kMinIndexBuilderBytes);
  const std::uint64_t base_bytes = base_bytes_of(options.memory_bytes);
  IndexBuilder builder;
  builder.budget_ = &budget;
  builder.entries_ =
      TRY(ExternalSorter<41>::create(budget, {.memory_bytes = options.memory_bytes - base_bytes,
                                              .file_system = options.file_system,
                                              .scratch_directory = options.scratch_directory,
                                              .operation = options.operation,
                                              .lanes = options.lanes}));
  builder.bases_ =
      TRY(ExternalSorter<40>::create(budget, {.memory_bytes = base_bytes,
                                              .file_system = options.file_system,
                                              .scratch_directory = options.scratch_directory,
                                              .operation = options.operation,
                                              .lanes = options.lanes}));
  builder.options_ = std::move(options);
  return builder;
}

Result<void> IndexBuilder::add(const ObjectId& id, std::uint64_t offset) {
  return entries_->add(make_sort_record(id, offset));
}

Result<void> IndexBuilder::add_base(const ObjectId& base, std::uint64_t delta_offset) {
  CHECK(base.kind() == IdKind::kContentHash);
  BaseRecord record;
  std::copy(base.bytes().begin(), base.bytes().end(), record.begin());
  store_be<std::uint64_t>(record.data() + 32, delta_offset);
  return bases_->add(record);
}

Result<IndexSummary> IndexBuilder::write(File& file, Budget& budget, const Digest& pack_trailer,
                                         std::uint64_t merge_memory_bytes) {
  IndexWriter out = TRY(IndexWriter::create(file, budget, options_.lanes));
  const std::uint64_t memory_bytes = std::max(options_.memory_bytes, merge_memory_bytes);
  TRY(entries_->sort(memory_bytes - base_bytes_of(memory_bytes)));
  TRY(bases_->sort(base_bytes_of(memory_bytes)));
  TRY(next_base());

  IndexSummary summary;
  SortRecord last{};
  bool first = true;
  for (;;) {
    const std::span<const SortRecord> block = TRY(entries_->next_block());
    if (block.empty()) break;
    for (const SortRecord& record : block) {
      // Equal ids are adjacent, the first entry first.
      if (same_id(record, last) && !first) {
        ++summary.duplicates;
        if (options_.on_duplicate) {
          TRY(options_.on_duplicate(sort_record_offset(last), sort_record_offset(record)));
        }
        continue;
      }
      first = false;
      last = record;
      if (may_need_proof(record)) TRY(prove_bases_up_to(record));
      TRY(out.append(record));
      if (++summary.records % (1 << 16) == 0 && options_.operation != nullptr) {
        options_.operation->progress({.phase = "writing the index",
                                      .objects = summary.records + summary.duplicates,
                                      .objects_total = entries_->record_count()});
      }
    }
  }
  TRY(prove_no_base_left());
  summary.index_bytes = TRY(out.finish(summary.records, pack_trailer));
  summary.scratch_bytes = entries_->scratch_bytes() + bases_->scratch_bytes();
  return summary;
}

Result<void> IndexBuilder::next_base() {
  base_ = TRY(bases_->next());
  if (base_ != nullptr) base_window_ = record_window(*base_, 0);
  return {};
}

// False for most records at the cost of a comparison: those before the smallest base.
bool IndexBuilder::may_need_proof(const SortRecord& record) const {
  if (base_ == nullptr) return false;
  return record[0] != static_cast<std::byte>(IdKind::kContentHash) ||
         record_window(record, 1) >= base_window_;
}

// Both streams are sorted by hash: bases needed before this record are missing.
Result<void> IndexBuilder::prove_bases_up_to(const SortRecord& record) {
  while (base_ != nullptr) {
    const int order = record[0] == std::byte{0} ? std::memcmp(base_->data(), record.data() + 1, 32)
                                                : -1;  // all content hashes precede all change ids
    if (order > 0) return {};
    if (order < 0) return prove_no_base_left();
    const auto delta_offset = load_be<std::uint64_t>(base_->data() + 32);
    if (options_.bases_first && sort_record_offset(record) >= delta_offset) {
      return fail(ErrorCode::kCorrupt, "the delta at offset {} precedes its base {}", delta_offset,
                  to_hex(Bytes(*base_).first(32)));
    }
    TRY(next_base());
  }
  return {};
}

Result<void> IndexBuilder::prove_no_base_left() {
  if (base_ == nullptr) return {};
  return fail(ErrorCode::kCorrupt,
              "the delta at offset {} needs the base {}, which is not in the pack",
              load_be<std::uint64_t>(base_->data() + 32), to_hex(Bytes(*base_).first(32)));
}

}  // namespace bale
