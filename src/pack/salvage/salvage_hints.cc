// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "pack/salvage/salvage_hints.h"

#include "base/endian.h"
#include "base/try.h"
#include "pack/read/index_view.h"

namespace bale {
namespace {

constexpr std::uint64_t kRecordsAReport = 1 << 16;

Result<bool> belongs_to(const IndexView& index, const PackBytes& pack) {
  const auto& trailer = index.trailer();
  if (!trailer || pack.file_bytes() < kMinPackBytes) return false;
  Digest pack_trailer;
  TRY(pack.read(pack.file_bytes() - pack_trailer.size(), pack_trailer));
  return trailer->pack_trailer == pack_trailer && index.check_checksum();
}

}  // namespace

std::uint64_t SalvageHints::start_of(const ObjectId& id) {
  return load_be<std::uint64_t>(id.bytes().data());
}

Result<SalvageHints> SalvageHints::create(const PackBytes& pack, const std::string& index_path,
                                          Budget& budget, const SorterOptions& options) {
  SalvageHints hints;
  if (index_path.empty()) return hints;
  const Result<IndexView> index = IndexView::open(*options.file_system, index_path);
  if (!index) {
    const ErrorCode code = index.error().code;
    if (code == ErrorCode::kCorrupt || code == ErrorCode::kNotFound) return hints;
    return index.error();
  }
  hints.trusted_ = TRY(belongs_to(*index, pack));
  hints.sorter_ = TRY(ExternalSorter<16>::create(budget, options));
  for (std::uint64_t i = 0; i < index->record_count(); ++i) {
    if (i % kRecordsAReport == 0) index->release_pages();
    const Result<IndexRecord> record = index->record(i);
    if (!record || record->offset >= pack.file_bytes()) continue;
    ExternalSorter<16>::Record bytes;
    store_be<std::uint64_t>(bytes.data(), record->offset);
    store_be<std::uint64_t>(bytes.data() + 8, start_of(record->id));
    TRY(hints.sorter_->add(bytes));
  }
  TRY(hints.sorter_->sort());
  return hints;
}

Result<std::optional<SalvageHints::Hint>> SalvageHints::first_from(std::uint64_t offset) {
  while (sorter_ && (!next_ || next_->offset < offset)) {
    const auto* const record = TRY(sorter_->next());
    if (record == nullptr) {
      sorter_.reset();
      next_.reset();
      break;
    }
    next_ = Hint{.offset = load_be<std::uint64_t>(record->data()),
                 .id_start = load_be<std::uint64_t>(record->data() + 8)};
  }
  return next_;
}

}  // namespace bale
