// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header for the order. It is that of these records, as rows of bytes, numbers big-endian:
//
//   name        16 bytes   its beginning; zeros without one
//   lineage      4 bytes   of a hash of the name
//   pack         4 bytes   0 is the newest
//   offset       8 bytes
//   object id   32 bytes   with zeros behind a SHA-1; all zeros for what Git does not know

#include "store/maintain/lineage_copier.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "object/git_objects.h"
#include "scratch/external_sorter.h"
#include "store/core/object_links.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr std::size_t kNameBytes = 16;
constexpr std::size_t kPlacePosition = kNameBytes + 4;
constexpr std::size_t kBaseOidPosition = kPlacePosition + 12;

using Sorter = ExternalSorter<64>;

std::uint64_t hash_of(std::string_view text) {
  return load_le<std::uint64_t>(blake3(as_bytes(text)).data());
}

std::uint64_t walk_bytes(const LineageCopyOptions& options) {
  return std::max(kMinPackWalkBytes, options.memory_bytes / 8);
}

std::uint64_t tree_bytes(const LineageCopyOptions& options) {
  return std::max(kAnyObjectBytes, options.memory_bytes / 8);
}

class LineageCopier {
 public:
  LineageCopier(const Snapshot& store, const std::vector<std::uint32_t>& numbers,
                PackCopier& copier, const LineageCopyOptions& options)
      : store_(store),
        numbers_(numbers),
        copier_(copier),
        options_(options),
        packs_(packs_of(store)),
        budget_(std::min(options.memory_bytes / 4,
                         options.memory_bytes / 2 - walk_bytes(options) - tree_bytes(options))) {
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      ranks_[numbers[i]] = static_cast<std::uint32_t>(i);
    }
  }

  Result<void> run();

 private:
  Result<void> start();
  Result<void> name_children(std::uint32_t number);
  Result<void> add_nameless(std::uint32_t number);
  Result<void> add(std::string_view name, const ObjectLocation& location,
                   const std::optional<GitOid>& oid);
  Result<PackWalk> walk(std::uint32_t number) const;

  [[nodiscard]] std::uint64_t bit_of(const PackSet::Found& found) const {
    return first_bit_[found.table] + found.position;
  }

  const Snapshot store_;
  const std::vector<std::uint32_t>& numbers_;
  PackCopier& copier_;
  const LineageCopyOptions& options_;
  const std::shared_ptr<const PackSet> packs_;
  std::map<std::uint32_t, std::uint32_t> ranks_;  // of the packs by age; 0 is the newest
  Budget budget_;
  std::vector<std::uint64_t> first_bit_;
  std::optional<ScratchBits> named_;
  std::optional<Sorter> order_;
};

Result<void> LineageCopier::start() {
  TRY(copier_.start_pack());
  std::uint64_t bits = 0;
  for (std::uint32_t table = 0; table < packs_->table_count(); ++table) {
    first_bit_.push_back(bits);
    bits += packs_->record_count(table);
  }
  named_ = TRY(ScratchBits::create(budget_, bits, budget_.limit_bytes() / 4, store_.file_system(),
                                   copier_.directory()));
  order_ = TRY(Sorter::create(budget_, {.memory_bytes = budget_.limit_bytes() / 2,
                                        .file_system = &store_.file_system(),
                                        .scratch_directory = copier_.directory(),
                                        .operation = options_.operation}));
  return {};
}

Result<void> LineageCopier::run() {
  TRY(start());
  for (const std::uint32_t number : numbers_) TRY(name_children(number));
  for (const std::uint32_t number : numbers_) TRY(add_nameless(number));
  named_.reset();
  TRY(order_->sort());
  std::map<std::uint32_t, std::uint32_t> numbers;
  for (const auto& [number, rank] : ranks_) numbers[rank] = number;
  const std::array<std::byte, 32> none{};
  while (const Sorter::Record* record = TRY(order_->next())) {
    const std::byte* place = record->data() + kPlacePosition;
    const ObjectLocation location{numbers[load_be<std::uint32_t>(place)],
                                  load_be<std::uint64_t>(place + 4)};
    const std::shared_ptr<const StoredPack> pack = TRY(open_pack(store_, location.pack));
    const GitHash hash = pack->git_index->hash();
    const Bytes oid = Bytes(*record).subspan(kBaseOidPosition, 32);
    const bool known = !std::equal(oid.begin(), oid.end(), none.begin());
    TRY(copier_.add(
        location,
        known ? std::optional(known_id<GitOid>(hash, oid.first(oid_bytes(hash)))) : std::nullopt,
        load_be<std::uint32_t>(record->data() + kNameBytes)));
    if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    options_.operation->progress({.phase = "packing objects",
                                  .objects = copier_.totals().objects,
                                  .objects_total = order_->record_count()});
  }
  return {};
}

Result<PackWalk> LineageCopier::walk(std::uint32_t number) const {
  return PackWalk::create(store_, number,
                          {.memory_bytes = walk_bytes(options_),
                           .scratch_directory = copier_.directory(),
                           .operation = options_.operation});
}

// Gives what this pack's trees lead to the names that they have for it, unless it has one.
Result<void> LineageCopier::name_children(std::uint32_t number) {
  PackWalk entries = TRY(walk(number));
  const GitHash hash = entries.pack().git_index->hash();
  ReadContext context(tree_bytes(options_));
  std::uint64_t seen = 0;
  while (const auto entry = TRY(entries.next())) {
    options_.operation->progress({.phase = "reading trees", .objects = ++seen});
    const EntryInfo info = TRY(entries.pack().reader.info_at(entry->stored.offset, context));
    if (info.type != ObjectType::kTree || !options_.keeps(number, *entry)) continue;
    // A malformed tree names nothing after that place: its objects then go without a name.
    const LinksRead tree = TRY(read_links(store_, {number, entry->stored.offset}, context, {}, hash,
                                          [&](ObjectType, const Link& link) -> Result<void> {
                                            if (link.submodule) return {};
                                            const auto found = packs_->find(link.oid);
                                            if (!found || !ranks_.contains(found->location.pack))
                                              return {};
                                            if (!TRY(named_->set(bit_of(*found)))) return {};
                                            return add(link.name, found->location, link.oid);
                                          }));
    if (!tree.type) return tree.type.error();
  }
  return {};
}

Result<void> LineageCopier::add_nameless(std::uint32_t number) {
  PackWalk entries = TRY(walk(number));
  while (const auto entry = TRY(entries.next())) {
    if (!options_.keeps(number, *entry)) {
      copier_.drop();
      continue;
    }
    const ObjectLocation location{number, entry->stored.offset};
    if (entry->oid) {
      const auto found = packs_->find(*entry->oid);
      if (found && found->location == location && TRY(named_->test(bit_of(*found)))) continue;
    }
    TRY(add({}, location, entry->oid));
  }
  return {};
}

Result<void> LineageCopier::add(std::string_view name, const ObjectLocation& location,
                                const std::optional<GitOid>& oid) {
  Sorter::Record record{};
  if (!name.empty()) {
    std::copy_n(as_bytes(name).begin(), std::min(name.size(), kNameBytes), record.begin());
    store_be<std::uint32_t>(record.data() + kNameBytes,
                            static_cast<std::uint32_t>(hash_of(name)) | 1U);
  }
  store_be<std::uint32_t>(record.data() + kPlacePosition, ranks_[location.pack]);
  store_be<std::uint64_t>(record.data() + kPlacePosition + 4, location.offset);
  if (oid) std::copy(oid->bytes().begin(), oid->bytes().end(), record.begin() + kBaseOidPosition);
  return order_->add(record);
}

}  // namespace

Result<void> copy_by_lineage(const Snapshot& store, const std::vector<std::uint32_t>& numbers,
                             PackCopier& copier, const LineageCopyOptions& options) {
  return LineageCopier(store, numbers, copier, options).run();
}

}  // namespace bale
