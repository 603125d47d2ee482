// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. That a base stands before its delta is what makes chains end: offsets fall along
// every chain, so there can be no cycle.

#include "pack/index_builder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/try.h"
#include "pack/hashed_writer.h"

namespace bale {

Result<IndexBuilder> IndexBuilder::create(Budget& budget, IndexBuilderOptions options) {
  CHECK(options.memory_bytes >= kMinIndexBuilderBytes);
  const std::uint64_t base_bytes = std::max(kMinSorterBytes, options.memory_bytes / 8);
  IndexBuilder builder;
  builder.budget_ = &budget;
  builder.entries_ =
      TRY(ExternalSorter<41>::create(budget, {.memory_bytes = options.memory_bytes - base_bytes,
                                              .file_system = options.file_system,
                                              .scratch_directory = options.scratch_directory,
                                              .operation = options.operation}));
  builder.bases_ =
      TRY(ExternalSorter<40>::create(budget, {.memory_bytes = base_bytes,
                                              .file_system = options.file_system,
                                              .scratch_directory = options.scratch_directory,
                                              .operation = options.operation}));
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

Result<IndexSummary> IndexBuilder::write(File& file, Budget& budget, const Digest& pack_trailer) {
  HashedWriter out = TRY(
      HashedWriter::create(file, 0, budget, kIndexWriteBufferBytes, "the index's write buffer"));
  TRY(entries_->sort());
  TRY(bases_->sort());
  base_ = TRY(bases_->next());

  const FileHeader header = encode_index_header(0);
  TRY(out.append(Bytes(header).first(kCountPosition)));
  const Hole count_hole = TRY(out.reserve(sizeof(std::uint64_t)));

  IndexSummary summary;
  SortRecord last{};
  bool first = true;
  while (const SortRecord* record = TRY(entries_->next())) {
    // Equal ids stand together, the first entry first.
    if (!first && std::memcmp(record->data(), last.data(), 33) == 0) {
      ++summary.duplicates;
      continue;
    }
    first = false;
    last = *record;
    TRY(prove_bases_up_to(last));
    const std::size_t id_end = 1 + id_bytes(static_cast<IdKind>(last[0]));
    TRY(out.append(Bytes(last).first(id_end)));
    TRY(out.append(Bytes(last).subspan(33)));
    if (++summary.records % (1 << 16) == 0 && options_.operation != nullptr) {
      options_.operation->progress({.phase = "writing the index",
                                    .objects = summary.records + summary.duplicates,
                                    .objects_total = entries_->record_count()});
    }
  }
  TRY(prove_no_base_left());

  std::array<std::byte, 8> count;
  store_be<std::uint64_t>(count.data(), summary.records);
  TRY(out.fill(count_hole, count));
  TRY(out.append(encode_index_trailer_start(pack_trailer)));
  const Digest checksum = out.digest();
  TRY(out.append(checksum));
  TRY(out.flush());
  summary.index_bytes = out.position();
  summary.scratch_bytes = entries_->scratch_bytes() + bases_->scratch_bytes();
  return summary;
}

// Both streams are sorted by hash: whatever is needed below this record was not there.
Result<void> IndexBuilder::prove_bases_up_to(const SortRecord& record) {
  while (base_ != nullptr) {
    const int order = record[0] == std::byte{0}
                          ? std::memcmp(base_->data(), record.data() + 1, 32)
                          : -1;  // all content hashes stand before all change ids
    if (order > 0) return {};
    if (order < 0) return prove_no_base_left();
    const auto delta_offset = load_be<std::uint64_t>(base_->data() + 32);
    if (options_.bases_first && sort_record_offset(record) >= delta_offset) {
      return fail(ErrorCode::kCorrupt, "the delta at offset {} stands before its base {}",
                  delta_offset, to_hex(Bytes(*base_).first(32)));
    }
    base_ = TRY(bases_->next());
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
