// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The order is that of these records' bytes, with big-endian numbers:
//
//   base name               16 bytes   its beginning; 0 without a path, all ones from the database
//   lineage                  8 bytes   0 without a path, all ones from the database
//   number in the listing    8 bytes
//   object id               32 bytes   with zeros behind a SHA-1
//
// Most objects of the database are also listed by the walk. So with_database, records are first
// sorted with the id in front of the same key. Of two records with one id, the smaller is the
// walk's.

#include "git/import/lineage_order.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/endian.h"
#include "base/known_id.h"
#include "base/try.h"
#include "hash/blake3.h"

namespace bale {
namespace {

constexpr std::size_t kNameBytes = 16;
constexpr std::size_t kKeyBytes = kNameBytes + 2 * 8;
constexpr std::size_t kOidBytes = 32;
constexpr std::uint64_t kNoPath = 0;
constexpr std::uint64_t kDatabase = std::numeric_limits<std::uint64_t>::max();

using LineageRecord = ExternalSorter<kKeyBytes + kOidBytes>::Record;

std::uint64_t hash_of(std::string_view text) {
  return load_le<std::uint64_t>(blake3(as_bytes(text)).data());
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

LineageRecord make_record(const ListedObject& object, std::uint64_t number) {
  LineageRecord record{};
  std::uint64_t lineage = kNoPath;
  if (object.from_database) {
    std::fill_n(record.begin(), kNameBytes, std::byte{0xFF});
    lineage = kDatabase;
  } else if (object.path) {
    const Bytes name = as_bytes(base_name(*object.path));
    std::copy_n(name.begin(), std::min(name.size(), kNameBytes), record.begin());
    lineage = lineage_of(*object.path);
  }
  store_be(record.data() + kNameBytes, lineage);
  store_be(record.data() + kNameBytes + 8, number);
  const Bytes oid = object.oid.bytes();
  std::copy(oid.begin(), oid.end(), record.begin() + kKeyBytes);
  return record;
}

// Converts to the record that is sorted by id.
LineageRecord oid_to_front(LineageRecord record) {
  std::rotate(record.begin(), record.begin() + kKeyBytes, record.end());
  return record;
}

LineageRecord oid_to_back(LineageRecord record) {
  std::rotate(record.begin(), record.begin() + kOidBytes, record.end());
  return record;
}

}  // namespace

std::uint64_t lineage_of(std::string_view path) {
  return std::clamp(hash_of(path), kNoPath + 1, kDatabase - 1);
}

Result<LineageOrder> LineageOrder::create(const LineageOrderOptions& options) {
  LineageOrder order;
  order.hash_ = options.hash;
  order.budget_ = std::make_unique<Budget>(options.memory_bytes);
  SorterOptions sorter{.memory_bytes = options.memory_bytes,
                       .file_system = options.file_system,
                       .scratch_directory = options.scratch_directory,
                       .operation = options.operation};
  if (options.with_database) {
    sorter.memory_bytes /= 2;
    order.by_oid_ = TRY(Sorter::create(*order.budget_, sorter));
  }
  order.by_lineage_ = TRY(Sorter::create(*order.budget_, sorter));
  return order;
}

Result<void> LineageOrder::add(const ListedObject& object) {
  const LineageRecord record = make_record(object, count_++);
  return by_oid_ ? by_oid_->add(oid_to_front(record)) : by_lineage_->add(record);
}

Result<void> LineageOrder::sort() {
  if (by_oid_) TRY(drop_repetitions());
  return by_lineage_->sort(budget_->limit_bytes());
}

Result<void> LineageOrder::drop_repetitions() {
  TRY(by_oid_->sort());
  std::optional<LineageRecord> before;
  while (const LineageRecord* record = TRY(by_oid_->next())) {
    if (before && std::equal(before->begin(), before->begin() + kOidBytes, record->begin()))
      continue;
    before = *record;
    TRY(by_lineage_->add(oid_to_back(*record)));
  }
  by_oid_.reset();
  return {};
}

Result<std::optional<OrderedObject>> LineageOrder::next() {
  const LineageRecord* record = TRY(by_lineage_->next());
  if (record == nullptr) return std::nullopt;
  const auto lineage = load_be<std::uint64_t>(record->data() + kNameBytes);
  const Bytes oid = Bytes(*record).subspan(kKeyBytes, oid_bytes(hash_));
  return OrderedObject{.oid = known_id<GitOid>(hash_, oid),
                       .lineage = lineage == kDatabase ? 0 : lineage,
                       .only_database = lineage == kDatabase};
}

}  // namespace bale
