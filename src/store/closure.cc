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

constexpr std::uint64_t kMostStackBytes = 1 << 20;

// The records of one table whose bits are set, in the order of their ids.
class MarkedRecords {
 public:
  MarkedRecords(const PackSet& packs, std::uint32_t table, ScratchBits& bits,
                std::uint64_t first_bit)
      : packs_(&packs), table_(table), bits_(&bits), first_bit_(first_bit) {}

  // To the next one; false at the end.
  Result<bool> advance() {
    for (const std::uint64_t count = packs_->record_count(table_); next_ < count; ++next_) {
      // The pages of the index that lie behind are not needed any more.
      if (next_ % kRecordsPerRelease == 0) packs_->release_table_pages(table_);
      if (!TRY(bits_->test(first_bit_ + next_))) continue;
      oid_ = packs_->oid(table_, next_);
      location_ = packs_->location(table_, next_).value_or(ObjectLocation());
      ++next_;
      return true;
    }
    return false;
  }

  [[nodiscard]] const GitOid& oid() const { return oid_; }

  [[nodiscard]] ObjectLocation location() const { return location_; }

 private:
  static constexpr std::uint64_t kRecordsPerRelease = 1 << 15;

  const PackSet* packs_;
  std::uint32_t table_;
  ScratchBits* bits_;
  std::uint64_t first_bit_;
  std::uint64_t next_ = 0;
  GitOid oid_;
  ObjectLocation location_;
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
  if (options_.memory_bytes < kMinBytes) {
    return fail(ErrorCode::kLimitExceeded, "following links takes at least {} of memory",
                format_bytes(kMinBytes));
  }
  packs_ = TRY(store_->impl().proven_packs());
  std::uint64_t bits = 0;
  for (std::uint32_t table = 0; table < packs_->table_count(); ++table) {
    first_bit_.push_back(bits);
    bits += packs_->record_count(table);
  }
  FileSystem& files = store_->file_system();
  seen_ = TRY(ScratchBits::create(*budget_, bits, options_.memory_bytes / 4, files,
                                  options_.scratch_directory));
  lately_ = TRY(Buffer::allocate(*budget_, kLatelySlots * sizeof(LatelySlot), "recent links"));
  pending_ = TRY(
      ScratchStack<Pending>::create(*budget_, std::min(kMostStackBytes, options_.memory_bytes / 16),
                                    files, options_.scratch_directory));
  // What is left is shared out: a third to the sort, the rest to reading.
  const std::uint64_t left = budget_->free_bytes();
  reached_ =
      TRY(ExternalSorter<16>::create(*budget_, {.memory_bytes = std::max(kMinSorterBytes, left / 3),
                                                .file_system = &files,
                                                .scratch_directory = options_.scratch_directory,
                                                .operation = options_.operation}));
  context_.emplace(left - left / 3);
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
  const auto found = packs_->find(oid);
  if (!found) {
    TRY(options_.on_missing(
        {oid, type, from_name != nullptr ? *from_name : "object " + from->to_hex()}));
    return std::optional<Pending>();
  }
  if (!TRY(seen_->set(first_bit_[found->table] + found->position))) {
    return std::optional<Pending>();
  }
  ++object_count_;
  TRY(add_entry(found->location, type));
  return std::optional(Pending{oid, found->location, type});
}

Result<void> Closure::add_entry(const ObjectLocation& location, ObjectType type) {
  ExternalSorter<16>::Record record;
  store_be<std::uint32_t>(record.data(), location.pack);
  store_be<std::uint64_t>(record.data() + 4, location.offset);
  store_be<std::uint32_t>(record.data() + 12, static_cast<std::uint32_t>(type));
  return reached_->add(record);
}

Result<bool> Closure::reached(const GitOid& oid) {
  const auto found = packs_->find(oid);
  if (!found) return false;
  return seen_->test(first_bit_[found->table] + found->position);
}

Result<void> Closure::reach(const GitOid& oid, ObjectType type, const GitOid* from,
                            const std::string* from_name) {
  const std::optional<Pending> marked = TRY(mark(oid, type, from, from_name));
  if (!marked || type == ObjectType::kBlob) return {};
  return pending_->push(*marked);
}

Result<void> Closure::damaged(const GitOid& oid, const ObjectLocation& location,
                              const Error& error) {
  if (options_.on_damaged) return options_.on_damaged(oid, location, error);
  return options_.on_damage(error);
}

// What the store says that an object is: a blob if it is missing, nothing if it is damaged.
Result<std::optional<ObjectType>> Closure::type_of(const GitOid& oid) {
  const auto found = packs_->find(oid);
  if (!found) return std::optional(ObjectType::kBlob);
  const auto info = store_->info(found->location, *context_, oid);
  if (info) return std::optional(info->type);
  TRY(damaged(oid, found->location, info.error()));
  return std::optional<ObjectType>();
}

Result<void> Closure::add(const GitOid& oid, const std::string& from) {
  const std::optional<ObjectType> type = TRY(type_of(oid));
  return type ? reach(oid, *type, nullptr, &from) : Result<void>();
}

Result<void> Closure::add_alone(const GitOid& oid, const std::string& from) {
  CHECK(pending_->empty());
  const std::optional<ObjectType> type = TRY(type_of(oid));
  if (type) static_cast<void>(TRY(mark(oid, *type, nullptr, &from)));
  return {};
}

Result<void> Closure::walk() {
  while (!pending_->empty()) {
    if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const Pending pending = TRY(pending_->pop());
    const Result<void> visited = visit(pending);
    if (!visited && visited.error().code != ErrorCode::kCorrupt) return visited.error();
    if (!visited) TRY(damaged(pending.oid, pending.location, visited.error()));
    options_.operation->progress({.phase = "walking the history", .objects = object_count_});
  }
  return {};
}

Result<void> Closure::visit(const Pending& pending) {
  const std::optional<GitOid> checked =
      options_.check_oids ? std::optional(pending.oid) : std::nullopt;
  Result<ObjectView> read = store_->get(pending.location, *context_, checked);
  if (!read && read.error().code == ErrorCode::kNotFound) {
    read = store_->get(pending.location, *context_, pending.oid);  // its pack was collected
  }
  if (!read && read.error().code == ErrorCode::kIo) {
    return damaged(pending.oid, pending.location, read.error());
  }
  const ObjectView object = TRY(std::move(read));
  if (object.type != pending.type) {
    return fail(ErrorCode::kCorrupt, "object {} is a {}, and is linked to as a {}",
                pending.oid.to_hex(), to_string(object.type), to_string(pending.type));
  }
  const bool cut = options_.shallow != nullptr && options_.shallow->contains(pending.oid);
  std::optional<Link> tree;
  Result<void> followed;
  const Result<void> parsed = for_each_link(
      pending.oid.hash(), object.type, object.payload, [&](const Link& link) -> Result<void> {
        if (link.submodule) return {};
        // A commit's links are its tree and its parents.
        if (cut && link.type == ObjectType::kState &&
            (!options_.follow_shallow || !packs_->find(link.oid))) {
          return {};
        }
        // What was pushed last is looked at first: a commit's tree before its parents, so that the
        // stack does not fill with the trees of the whole history.
        if (object.type == ObjectType::kState && link.type == ObjectType::kTree) {
          tree = link;
          return {};
        }
        followed = reach(link.oid, link.type, &pending.oid, nullptr);
        return followed;
      });
  if (!followed) return followed;
  if (tree) TRY(reach(tree->oid, tree->type, &pending.oid, nullptr));
  if (!parsed) {
    return fail(ErrorCode::kCorrupt, "object {}: {}", pending.oid.to_hex(), parsed.error().message);
  }
  return {};
}

Result<void> Closure::sort() {
  context_.reset();
  pending_.reset();
  lately_ = Buffer();
  packs_->shelf().release_pages();
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
    const std::function<Result<void>(const GitOid&, const ObjectLocation&)>& use) {
  const auto later = [](const MarkedRecords& a, const MarkedRecords& b) {
    return b.oid() < a.oid();
  };
  std::vector<MarkedRecords> heap;
  for (std::uint32_t table = 0; table < packs_->table_count(); ++table) {
    MarkedRecords records(*packs_, table, *seen_, first_bit_[table]);
    if (TRY(records.advance())) heap.push_back(records);
  }
  std::make_heap(heap.begin(), heap.end(), later);
  for (std::uint64_t count = 0; !heap.empty(); ++count) {
    if (count % (1 << 12) == 0 && options_.operation->cancelled()) {
      return fail(ErrorCode::kInterrupted, "interrupted");
    }
    std::pop_heap(heap.begin(), heap.end(), later);
    TRY(use(heap.back().oid(), heap.back().location()));
    if (TRY(heap.back().advance())) {
      std::push_heap(heap.begin(), heap.end(), later);
    } else {
      heap.pop_back();
    }
  }
  return {};
}

}  // namespace bale
