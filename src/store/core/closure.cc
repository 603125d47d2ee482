// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/closure.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/damage.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "io/page_release.h"
#include "object/git_objects.h"
#include "store/core/object_links.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// Trees of neighbouring commits share nearly all their links: a link that was followed a moment ago
// needs no look-up.
struct RecentLink {
  std::array<std::byte, 32> oid;
  std::uint32_t oid_bytes;  // 0: the slot is free
  std::uint32_t type;       // of the object, or kMissing

  static constexpr std::uint32_t kMissing = 255;
};

constexpr std::size_t kRecentLinks = 8192;

// A delta has the type of its base, so a type is found at the end of a chain. Versions of one thing
// share most of theirs.
struct RecentType {
  std::uint64_t offset;
  std::uint32_t pack;
  std::uint32_t type;  // and 1; 0: the slot is free
};

constexpr std::size_t kRecentTypes = 16384;

std::size_t slot_of(const ObjectLocation& location) {
  return (location.offset * 0x9E3779B97F4A7C15 + location.pack) >> 50;
}

static_assert(kRecentTypes == std::size_t{1} << (64 - 50));

// For headers, which are read while links of an object are followed that context_ holds.
constexpr std::uint64_t kTypeReadBytes = 512 << 10;

// Chains are at most this long in any pack that can be read; what is longer is damage.
constexpr int kMostBases = 64;

constexpr std::uint64_t kMostStackBytes = 1 << 20;

// The records of one table that are marked, in the order of their ids.
class MarkedRecords {
 public:
  MarkedRecords(const PackSet& packs, std::uint32_t table, ScratchArray<std::uint8_t>& marks,
                std::uint64_t first_mark)
      : packs_(&packs), table_(table), marks_(&marks), first_mark_(first_mark) {}

  // To the next one; false at the end.
  Result<bool> advance() {
    for (const std::uint64_t count = packs_->record_count(table_); next_ < count; ++next_) {
      // The pages of the index that lie behind are not needed any more.
      if (next_ % kRecordsPerRelease == 0) packs_->release_table_pages(table_);
      if (TRY(marks_->get(first_mark_ + next_)) == 0) continue;
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
  const PackSet* packs_;
  std::uint32_t table_;
  ScratchArray<std::uint8_t>* marks_;
  std::uint64_t first_mark_;
  std::uint64_t next_ = 0;
  GitOid oid_;
  ObjectLocation location_;
};

}  // namespace

Closure::Closure(const Snapshot& store, ClosureOptions options)
    : store_(store),
      options_(std::move(options)),
      budget_(std::make_unique<Budget>(options_.memory_bytes)) {}

Result<Closure> Closure::create(const Snapshot& store, ClosureOptions options) {
  CHECK(options.operation != nullptr);
  Closure closure(store, std::move(options));
  TRY(closure.start());
  return closure;
}

Result<void> Closure::start() {
  if (options_.memory_bytes < kMinBytes) {
    return fail(ErrorCode::kLimitExceeded, "following links takes at least {} of memory",
                memory_size(kMinBytes));
  }
  packs_ = TRY(packs_of(store_)->proven());
  std::uint64_t marks = 0;
  for (std::uint32_t table = 0; table < packs_->table_count(); ++table) {
    first_mark_.push_back(marks);
    marks += packs_->record_count(table);
  }
  FileSystem& files = store_.file_system();
  const std::uint64_t besides = options_.memory_bytes - kAnyObjectBytes - kTypeReadBytes;
  marks_ = TRY(ScratchArray<std::uint8_t>::create(
      *budget_, marks, besides / 4, files, options_.scratch_directory, "marks of what is reached"));
  recent_links_ =
      TRY(Buffer::allocate(*budget_, kRecentLinks * sizeof(RecentLink), "recent links"));
  recent_types_ =
      TRY(Buffer::allocate(*budget_, kRecentTypes * sizeof(RecentType), "types of recent entries"));
  pending_ = TRY(ScratchStack<Pending>::create(*budget_, std::min(kMostStackBytes, besides / 8),
                                               files, options_.scratch_directory));
  // What is left is shared out: a third to the sort, the rest to reading, which gets enough.
  const std::uint64_t left = budget_->free_bytes();
  const std::uint64_t sort_bytes = std::min(left / 3, left - kAnyObjectBytes - kTypeReadBytes);
  reached_ = TRY(
      ExternalSorter<16>::create(*budget_, {.memory_bytes = std::max(kMinSorterBytes, sort_bytes),
                                            .file_system = &files,
                                            .scratch_directory = options_.scratch_directory,
                                            .operation = options_.operation}));
  context_.emplace(left - sort_bytes - kTypeReadBytes);
  type_context_.emplace(kTypeReadBytes);
  return {};
}

std::string Closure::From::shown() const {
  return name != nullptr ? *name : "object " + oid->to_hex();
}

// Goes from delta to base by headers alone, until one says a type or is known.
Result<ObjectType> Closure::stored_type(const GitOid& oid, const ObjectLocation& location) {
  auto* slots = reinterpret_cast<RecentType*>(recent_types_.data());
  std::array<ObjectLocation, kMostBases> chain;
  std::size_t length = 0;
  std::optional<ObjectType> type;
  const auto pack = store_.pack(location.pack);
  for (ObjectLocation at = location; pack && length < chain.size();) {
    const RecentType& slot = slots[slot_of(at)];
    if (slot.type != 0 && slot.pack == at.pack && slot.offset == at.offset) {
      type = static_cast<ObjectType>(slot.type - 1);
      break;
    }
    chain[length++] = at;
    const Result<StoredEntry> entry = (*pack)->stored_at(at.offset, 0, *type_context_);
    if (!entry) break;
    type = entry->type;
    if (type) break;
    const auto base = (*pack)->find(entry->base);
    if (!base) break;
    at.offset = *base;
  }
  // The long way knows what is wrong, and what else the store may have.
  if (!type) type = TRY(store_.info(location, *type_context_, oid)).type;
  for (std::size_t i = 0; i < length; ++i) {
    slots[slot_of(chain[i])] = {.offset = chain[i].offset,
                                .pack = chain[i].pack,
                                .type = static_cast<std::uint32_t>(*type) + 1};
  }
  return *type;
}

// Counts an object, and says where it is; nothing if it has been counted before or is missing.
Result<std::optional<Closure::Pending>> Closure::mark(const Link& link, const From& from) {
  const Bytes bytes = link.oid.bytes();
  auto* slots = reinterpret_cast<RecentLink*>(recent_links_.data());
  RecentLink& slot = slots[load_be<std::uint64_t>(bytes.data()) % kRecentLinks];
  if (slot.oid_bytes == bytes.size() &&
      std::memcmp(slot.oid.data(), bytes.data(), bytes.size()) == 0) {
    if (slot.type != RecentLink::kMissing) {
      TRY(check_claim(link, static_cast<ObjectType>(slot.type), from));
    }
    return std::nullopt;
  }
  const auto remember = [&](std::uint32_t type) {
    slot.oid_bytes = static_cast<std::uint32_t>(bytes.size());
    slot.type = type;
    std::memcpy(slot.oid.data(), bytes.data(), bytes.size());
  };
  if (options_.is_absent && options_.is_absent(link.oid)) {
    remember(RecentLink::kMissing);
    return std::nullopt;
  }
  const auto found = packs_->find(link.oid);
  if (!found) {
    remember(RecentLink::kMissing);
    TRY(options_.on_missing({link.oid, link.type, link.claims_type, from.shown()}));
    return std::nullopt;
  }
  const std::uint64_t key = first_mark_[found->table] + found->position;
  const std::uint8_t known = TRY(marks_->get(key));
  ObjectType type = link.type;
  bool is_proven = true;
  if (known != 0) {
    type = static_cast<ObjectType>(known - 1);
  } else {
    const Result<ObjectType> stored = stored_type(link.oid, found->location);
    // Where a header proves nothing, a large object may be too large to prove it by here: visit()
    // does, whatever the link claims.
    is_proven = stored || stored.error().code != ErrorCode::kLimitExceeded;
    if (stored) type = *stored;
    if (is_proven && !stored && !is_unreadable(stored.error())) return stored.error();
    if (is_proven && !stored) TRY(damaged(link.oid, found->location, stored.error()));
    TRY(marks_->set(key, static_cast<std::uint8_t>(static_cast<unsigned>(type) + 1)));
    ++object_count_;
    TRY(add_entry(found->location, type));
    if (is_proven && !stored) return std::nullopt;
  }
  remember(static_cast<std::uint32_t>(type));
  TRY(check_claim(link, type, from));
  // A damaged header may call anything a blob. Unless the link says so too, visit() proves it.
  const bool is_leaf =
      is_proven && type == ObjectType::kBlob && link.claims_type && link.type == ObjectType::kBlob;
  if (known != 0 || is_leaf) return std::nullopt;
  return Pending{link.oid, found->location};
}

Result<void> Closure::check_claim(const Link& link, ObjectType stored, const From& from) {
  if (link.type == stored || !link.claims_type || !options_.on_mismatch) return {};
  return options_.on_mismatch({link.oid, link.type, stored, from.shown()});
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
  return TRY(marks_->get(first_mark_[found->table] + found->position)) != 0;
}

Result<void> Closure::reach(const Link& link, const From& from) {
  const std::optional<Pending> marked = TRY(mark(link, from));
  return marked ? pending_->push(*marked) : Result<void>();
}

Result<void> Closure::damaged(const GitOid& oid, const ObjectLocation& location,
                              const Error& error) {
  if (options_.on_damaged) return options_.on_damaged(oid, location, error);
  return options_.on_damage(error);
}

Result<void> Closure::add(const GitOid& oid, const std::string& from) {
  return reach({.oid = oid, .claims_type = false}, {.name = &from});
}

Result<void> Closure::add_alone(const GitOid& oid, const std::string& from) {
  CHECK(pending_->empty());
  TRY_VOID(mark({.oid = oid, .claims_type = false}, {.name = &from}));
  return {};
}

Result<void> Closure::walk() {
  while (!pending_->empty()) {
    if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const Pending pending = TRY(pending_->pop());
    TRY(visit(pending));
    options_.operation->progress({.phase = "walking the history", .objects = object_count_});
  }
  return {};
}

Result<void> Closure::visit(const Pending& pending) {
  const bool cut = options_.shallow != nullptr && options_.shallow->contains(pending.oid);
  const From from{.oid = &pending.oid};
  std::optional<Link> tree;
  const auto follow = [&](ObjectType holder, const Link& link) -> Result<void> {
    if (link.submodule) return {};
    if (cut && link.is_parent && (!options_.follow_shallow || !packs_->find(link.oid))) return {};
    // What was pushed last is looked at first: a commit's tree before its parents, so that the
    // stack does not fill with the trees of the whole history.
    if (holder == ObjectType::kState && !link.is_parent) {
      tree = link;
      return {};
    }
    return reach(link, from);
  };
  const auto read_by = [&](const LookupId& id) {
    return read_links(store_, pending.location, *context_, id, pending.oid.hash(), follow);
  };
  LinksRead read = TRY(read_by(options_.check_oids ? LookupId(pending.oid) : LookupId()));
  if (!read.type && read.type.error().code == ErrorCode::kNotFound) {
    read = TRY(read_by(pending.oid));  // its pack was collected
  }
  if (!read.type && is_unreadable(read.type.error())) {
    return damaged(pending.oid, pending.location, read.type.error());
  }
  if (!read.type) return read.type.error();
  if (tree) TRY(reach(*tree, from));
  if (read.malformed && options_.on_malformed) {
    return options_.on_malformed(pending.oid, fail(ErrorCode::kCorrupt, "object {}: {}",
                                                   pending.oid.to_hex(), read.malformed->message));
  }
  return {};
}

Result<void> Closure::sort() {
  context_.reset();
  type_context_.reset();
  pending_.reset();
  recent_links_ = Buffer();
  recent_types_ = Buffer();
  packs_->shelf().release_pages();
  return reached_->sort();
}

Result<std::optional<ReachedObject>> Closure::next() {
  const auto* record = TRY(reached_->next());
  if (record == nullptr) return std::nullopt;
  return ReachedObject{
      {load_be<std::uint32_t>(record->data()), load_be<std::uint64_t>(record->data() + 4)},
      static_cast<ObjectType>(load_be<std::uint32_t>(record->data() + 12))};
}

Result<void> Closure::for_each_oid(
    const std::function<Result<void>(const GitOid&, const ObjectLocation&)>& use) {
  const auto later = [](const MarkedRecords& a, const MarkedRecords& b) {
    return b.oid() < a.oid();
  };
  std::vector<MarkedRecords> heap;
  for (std::uint32_t table = 0; table < packs_->table_count(); ++table) {
    MarkedRecords records(*packs_, table, *marks_, first_mark_[table]);
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
