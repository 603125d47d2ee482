// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/closure.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/try.h"
#include "object/git_objects.h"
#include "store/store_impl.h"

namespace bale {
namespace {

// Trees of neighbouring commits share nearly all their links: a link that was followed a moment ago
// needs no look-up. 8192 slots of 40 bytes.
struct LatelySlot {
  std::array<std::byte, 32> oid;
  std::uint64_t used;
};

constexpr std::size_t kLatelySlots = 8192;

constexpr std::uint64_t kPendingStep = 1 << 14;

std::uint64_t bitmap_bytes(const StoredPack& pack) {
  return pack.git_index ? (pack.git_index->record_count() + 7) / 8 : 0;
}

// The records of one pack's Git index whose bits are set, in the order of their ids.
class MarkedRecords {
 public:
  MarkedRecords(std::uint32_t pack, const GitIndexView& index, Bytes bits)
      : pack_(pack), index_(&index), bits_(bits) {}

  // To the next one; false at the end.
  bool advance() {
    for (; next_ < index_->record_count(); ++next_) {
      // The pages of the index that lie behind are not needed any more.
      if (next_ % kRecordsPerRelease == 0) index_->release_pages();
      const auto byte = std::to_integer<unsigned>(bits_[next_ / 8]);
      if ((byte >> (next_ % 8) & 1) == 0) continue;
      oid_ = index_->oid(next_);
      offset_ = index_->offset(next_);
      ++next_;
      return true;
    }
    return false;
  }

  [[nodiscard]] const GitOid& oid() const { return oid_; }

  [[nodiscard]] ObjectLocation location() const { return {pack_, offset_}; }

 private:
  static constexpr std::uint64_t kRecordsPerRelease = 1 << 16;

  std::uint32_t pack_;
  const GitIndexView* index_;
  Bytes bits_;
  std::uint64_t next_ = 0;
  GitOid oid_;
  std::uint64_t offset_ = 0;
};

}  // namespace

Closure::Closure(const Store& store, ClosureOptions options)
    : store_(&store),
      options_(std::move(options)),
      budget_(std::make_unique<Budget>(options_.memory_bytes)) {}

Result<Closure> Closure::create(const Store& store, ClosureOptions options) {
  CHECK(options.operation != nullptr);
  Closure closure(store, std::move(options));
  TRY(closure.start());
  return closure;
}

Result<void> Closure::start() {
  for (const auto& pack : store_->impl().packs()) {
    seen_.push_back(
        TRY(Buffer::allocate(*budget_, bitmap_bytes(*pack), "marking the objects of a pack")));
  }
  lately_ = TRY(Buffer::allocate(*budget_, kLatelySlots * sizeof(LatelySlot), "recent links"));
  // What is left is shared out: a quarter each to the sort and the stack, half to reading.
  const std::uint64_t left = budget_->free_bytes();
  reached_ =
      TRY(ExternalSorter<16>::create(*budget_, {.memory_bytes = std::max(kMinSorterBytes, left / 4),
                                                .file_system = &store_->file_system(),
                                                .scratch_directory = options_.scratch_directory,
                                                .operation = options_.operation}));
  context_.emplace(left / 2);
  return {};
}

bool Closure::seen_lately(const GitOid& oid) {
  const auto key = load_be<std::uint64_t>(oid.bytes().data());
  auto* slots = reinterpret_cast<LatelySlot*>(lately_.data());
  LatelySlot& slot = slots[key % kLatelySlots];
  const Bytes bytes = oid.bytes();
  if (slot.used == bytes.size() && std::memcmp(slot.oid.data(), bytes.data(), bytes.size()) == 0) {
    return true;
  }
  slot.used = bytes.size();
  std::memcpy(slot.oid.data(), bytes.data(), bytes.size());
  return false;
}

// Counts an object; nothing if it has been counted before or is missing.
Result<std::optional<Closure::Pending>> Closure::mark(const GitOid& oid, ObjectType type,
                                                      const GitOid* from,
                                                      const std::string* from_name) {
  if (seen_lately(oid)) return std::optional<Pending>();
  const auto found = store_->impl().find(oid);
  if (!found) {
    TRY(options_.on_missing(
        {oid, type, from_name != nullptr ? *from_name : "object " + from->to_hex()}));
    return std::optional<Pending>();
  }
  auto& byte = seen_[found->pack].span()[found->found.position / 8];
  const std::byte bit{static_cast<unsigned char>(1U << (found->found.position % 8))};
  if ((byte & bit) != std::byte{0}) return std::optional<Pending>();
  byte |= bit;
  ++object_count_;
  ExternalSorter<16>::Record record;
  store_be<std::uint32_t>(record.data(), found->pack);
  store_be<std::uint64_t>(record.data() + 4, found->found.offset);
  store_be<std::uint32_t>(record.data() + 12, static_cast<std::uint32_t>(type));
  TRY(reached_->add(record));
  return std::optional(Pending{oid, {found->pack, found->found.offset}, type});
}

Result<void> Closure::reach(const GitOid& oid, ObjectType type, const GitOid* from,
                            const std::string* from_name) {
  const std::optional<Pending> marked = TRY(mark(oid, type, from, from_name));
  if (!marked || type == ObjectType::kBlob) return {};
  if (pending_.size() == pending_.capacity()) {
    const std::uint64_t capacity = std::max<std::uint64_t>(kPendingStep, 2 * pending_.capacity());
    // The old and the new array are there together for a moment.
    Charge grown = TRY(
        budget_->charge((capacity + pending_.capacity()) * sizeof(Pending), "the walk's stack"));
    pending_.reserve(capacity);
    pending_charge_ = std::move(grown);
  }
  pending_.push_back(*marked);
  return {};
}

// What the store says that an object is: a blob if it is missing, nothing if it is damaged.
Result<std::optional<ObjectType>> Closure::type_of(const GitOid& oid) {
  const auto location = store_->find(oid);
  if (!location) return std::optional(ObjectType::kBlob);
  const auto info = store_->pack(location->pack).info_at(location->offset, *context_);
  if (info) return std::optional(info->type);
  TRY(options_.on_damage(info.error()));
  return std::optional<ObjectType>();
}

Result<void> Closure::add(const GitOid& oid, const std::string& from) {
  const std::optional<ObjectType> type = TRY(type_of(oid));
  return type ? reach(oid, *type, nullptr, &from) : Result<void>();
}

Result<void> Closure::add_alone(const GitOid& oid, const std::string& from) {
  CHECK(pending_.empty());
  const std::optional<ObjectType> type = TRY(type_of(oid));
  if (type) static_cast<void>(TRY(mark(oid, *type, nullptr, &from)));
  return {};
}

Result<void> Closure::walk() {
  while (!pending_.empty()) {
    if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const Pending pending = pending_.back();
    pending_.pop_back();
    const Result<void> visited = visit(pending);
    if (!visited && visited.error().code != ErrorCode::kCorrupt) return visited.error();
    if (!visited) TRY(options_.on_damage(visited.error()));
    options_.operation->progress({.phase = "walking the history", .objects = object_count_});
  }
  return {};
}

Result<void> Closure::visit(const Pending& pending) {
  const ObjectView object = TRY(store_->get(pending.location, *context_));
  if (object.type != pending.type) {
    return fail(ErrorCode::kCorrupt, "object {} is a {}, and is linked to as a {}",
                pending.oid.to_hex(), to_string(object.type), to_string(pending.type));
  }
  const bool cut = options_.shallow != nullptr && options_.shallow->contains(pending.oid);
  const std::size_t before = pending_.size();
  Result<void> followed;
  const Result<void> parsed = for_each_link(
      pending.oid.hash(), object.type, object.payload, [&](const Link& link) -> Result<void> {
        if (link.submodule) return {};
        // A commit's links are its tree and its parents.
        if (cut && link.type == ObjectType::kState &&
            (!options_.follow_shallow || !store_->find(link.oid))) {
          return {};
        }
        followed = reach(link.oid, link.type, &pending.oid, nullptr);
        return followed;
      });
  if (!followed) return followed;
  // What comes first is looked at first: a commit's tree before its parents, so that the stack does
  // not fill with the trees of the whole history.
  std::reverse(pending_.begin() + static_cast<std::ptrdiff_t>(before), pending_.end());
  if (!parsed) {
    return fail(ErrorCode::kCorrupt, "object {}: {}", pending.oid.to_hex(), parsed.error().message);
  }
  return {};
}

Result<void> Closure::sort() {
  context_.reset();
  pending_ = {};
  pending_charge_.release();
  lately_ = Buffer();
  for (const auto& pack : store_->impl().packs()) {
    pack->reader.release_pages();
    if (pack->git_index) pack->git_index->release_pages();
  }
  return reached_->sort();
}

Result<std::optional<ReachedObject>> Closure::next() {
  const auto* record = TRY(reached_->next());
  if (record == nullptr) return std::optional<ReachedObject>();
  return std::optional<ReachedObject>(ReachedObject{
      {load_be<std::uint32_t>(record->data()), load_be<std::uint64_t>(record->data() + 4)},
      static_cast<ObjectType>(load_be<std::uint32_t>(record->data() + 12))});
}

Result<void> Closure::for_each_oid(
    const std::function<Result<void>(const GitOid&, const ObjectLocation&)>& use) const {
  const auto later = [](const MarkedRecords& a, const MarkedRecords& b) {
    return b.oid() < a.oid();
  };
  std::vector<MarkedRecords> heap;
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const auto& index = store_->impl().packs()[i]->git_index;
    if (!index) continue;
    MarkedRecords records(static_cast<std::uint32_t>(i), *index, seen_[i].span());
    if (records.advance()) heap.push_back(records);
  }
  std::make_heap(heap.begin(), heap.end(), later);
  for (std::uint64_t count = 0; !heap.empty(); ++count) {
    if (count % (1 << 12) == 0 && options_.operation->cancelled()) {
      return fail(ErrorCode::kInterrupted, "interrupted");
    }
    std::pop_heap(heap.begin(), heap.end(), later);
    TRY(use(heap.back().oid(), heap.back().location()));
    if (heap.back().advance()) {
      std::push_heap(heap.begin(), heap.end(), later);
    } else {
      heap.pop_back();
    }
  }
  return {};
}

}  // namespace bale
