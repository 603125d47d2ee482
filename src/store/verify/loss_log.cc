// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A loss is a record of: the kind of its id, the id, its type + 1 or 0, whether an entry of it is
// damaged, and that entry's pack and offset.

#include "store/verify/loss_log.h"

#include <algorithm>

#include "base/endian.h"
#include "base/known_id.h"
#include "base/try.h"
#include "io/page_release.h"

namespace bale {
namespace {

constexpr std::size_t kEntriesAtOnce = 10'000;

constexpr std::size_t kOidPosition = 1;
constexpr std::size_t kTypePosition = kOidPosition + 32;
constexpr std::size_t kDamagedPosition = kTypePosition + 1;
constexpr std::size_t kPackPosition = kDamagedPosition + 1;
constexpr std::size_t kOffsetPosition = kPackPosition + 4;

ExternalSorter<64>::Record encode(const Loss& loss) {
  ExternalSorter<64>::Record record{};
  record[0] = static_cast<std::byte>(loss.oid.hash());
  const Bytes oid = loss.oid.bytes();
  std::copy(oid.begin(), oid.end(), record.begin() + kOidPosition);
  if (loss.type)
    record[kTypePosition] = static_cast<std::byte>(static_cast<unsigned>(*loss.type) + 1);
  if (!loss.damaged) return record;
  record[kDamagedPosition] = std::byte{1};
  store_be<std::uint32_t>(record.data() + kPackPosition, loss.damaged->pack);
  store_be<std::uint64_t>(record.data() + kOffsetPosition, loss.damaged->offset);
  return record;
}

Loss decode(const ExternalSorter<64>::Record& record) {
  Loss loss;
  const auto hash = static_cast<GitHash>(record[0]);
  loss.oid = known_id<GitOid>(hash, Bytes(record).subspan(kOidPosition, oid_bytes(hash)));
  const unsigned type = std::to_integer<unsigned>(record[kTypePosition]);
  if (type > 0) loss.type = static_cast<ObjectType>(type - 1);
  if (record[kDamagedPosition] != std::byte{0}) {
    loss.damaged = ObjectLocation{load_be<std::uint32_t>(record.data() + kPackPosition),
                                  load_be<std::uint64_t>(record.data() + kOffsetPosition)};
  }
  return loss;
}

}  // namespace

Result<void> for_each_name(
    const PackSet& packs, const std::set<ObjectLocation>& entries,
    const std::function<Result<void>(const GitOid& oid, const ObjectLocation& location)>& use) {
  if (entries.empty()) return {};
  for (std::uint32_t table = 0; table < packs.table_count(); ++table) {
    for (std::uint64_t i = 0; i < packs.record_count(table); ++i) {
      if (i % kRecordsPerRelease == 0) packs.release_table_pages(table);
      const std::optional<ObjectLocation> location = packs.location(table, i);
      if (!location || !entries.contains(*location)) continue;
      const GitOid oid = packs.oid(table, i);
      const auto found = packs.find(oid);
      if (found && found->location == *location) TRY(use(oid, *location));
    }
  }
  return {};
}

template <typename Sorter>
Result<void> LossLog::start(std::optional<Sorter>& sorter) {
  if (sorter) return {};
  SorterOptions options = options_;
  options.memory_bytes = kMinSorterBytes;
  sorter.emplace(TRY(Sorter::create(budget_, options)));
  return {};
}

Result<void> LossLog::add(const Loss& loss) {
  TRY(start(losses_));
  return losses_->add(encode(loss));
}

Result<void> LossLog::add_damaged_entry(const ObjectLocation& location) {
  TRY(start(entries_));
  Entries::Record record{};
  store_be<std::uint32_t>(record.data(), location.pack);
  store_be<std::uint64_t>(record.data() + 4, location.offset);
  return entries_->add(record);
}

Result<void> LossLog::name_entries(const PackSet& packs) {
  if (!entries_) return {};
  TRY(entries_->sort());
  const auto lose = [this](const GitOid& oid, const ObjectLocation& location) {
    return add({.oid = oid, .type = std::nullopt, .damaged = location});
  };
  std::set<ObjectLocation> batch;
  while (const Entries::Record* record = TRY(entries_->next())) {
    batch.insert(
        {load_be<std::uint32_t>(record->data()), load_be<std::uint64_t>(record->data() + 4)});
    if (batch.size() < kEntriesAtOnce) continue;
    TRY(for_each_name(packs, batch, lose));
    batch.clear();
  }
  entries_.reset();
  return for_each_name(packs, batch, lose);
}

Result<void> LossLog::for_each(const std::function<Result<void>(const Loss&)>& use) {
  if (!losses_) return {};
  TRY(losses_->sort());
  std::optional<Loss> last;
  while (const Losses::Record* record = TRY(losses_->next())) {
    Loss loss = decode(*record);
    // Where its type is known, that comes last: of what one object was noted for, all is the same.
    if (last && last->oid != loss.oid) TRY(use(*last));
    last = std::move(loss);
  }
  losses_.reset();
  return last ? use(*last) : Result<void>();
}

}  // namespace bale
