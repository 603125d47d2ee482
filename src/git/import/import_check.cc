// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Nodes and links are sorted by id, and merged.
//
//   node   Git id (32 bytes, SHA-1 with 12 zero bytes), what it is (1 byte)
//   link   Git id of the target, what it is claimed to be (1 byte)

#include "git/import/import_check.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"

namespace bale {
namespace {

// A node's state; types are 0 to 3.
constexpr std::uint8_t kUnreached = 4;
constexpr std::uint8_t kMissing = 5;
// A link without a claimed type.
constexpr std::uint8_t kNoClaim = 6;

constexpr std::size_t kOidRoom = 32;
constexpr std::size_t kMostRoots = 100'000;

// A direct-mapped table of recent links: consecutive versions of a tree share most of them.
struct RecentLink {
  std::array<std::byte, kOidRoom> oid;
  std::uint8_t used_claim;  // plus 1; 0: the slot is free
};

constexpr std::size_t kRecentLinks = 16384;

using LogRecord = ExternalSorter<40>::Record;

LogRecord record_of(const GitOid& oid, std::uint8_t what) {
  LogRecord record{};
  const Bytes bytes = oid.bytes();
  std::copy(bytes.begin(), bytes.end(), record.begin());
  record[kOidRoom] = static_cast<std::byte>(what);
  record[kOidRoom + 1] = static_cast<std::byte>(oid.hash());
  return record;
}

GitOid oid_in(const LogRecord& record) {
  const auto hash = static_cast<GitHash>(record[kOidRoom + 1]);
  return known_id<GitOid>(hash, Bytes(record).first(oid_bytes(hash)));
}

std::uint8_t what_in(const LogRecord& record) {
  return static_cast<std::uint8_t>(record[kOidRoom]);
}

// Merges two sorted sequences.
class Merged {
 public:
  Merged(ExternalSorter<40>& a, ExternalSorter<40>& b) : sorters_{&a, &b} {}

  Result<void> start() {
    for (std::size_t i = 0; i < 2; ++i) {
      TRY(sorters_[i]->sort());
      TRY(step(i));
    }
    return {};
  }

  [[nodiscard]] const LogRecord* peek() const {
    if (!next_[0] || !next_[1]) return next_[0] ? &*next_[0] : next_[1] ? &*next_[1] : nullptr;
    return *next_[1] < *next_[0] ? &*next_[1] : &*next_[0];
  }

  Result<void> pop() { return step(next_[0] && peek() == &*next_[0] ? 0 : 1); }

 private:
  Result<void> step(std::size_t i) {
    const LogRecord* record = TRY(sorters_[i]->next());
    next_[i] = record != nullptr ? std::optional(*record) : std::nullopt;
    return {};
  }

  std::array<ExternalSorter<40>*, 2> sorters_;
  std::array<std::optional<LogRecord>, 2> next_;
};

}  // namespace

Result<LinkLog> LinkLog::create(Budget& budget, const ImportCheckOptions& options,
                                std::uint64_t memory_bytes) {
  LinkLog log;
  log.shallow_ = options.shallow;
  log.recent_ =
      TRY(Buffer::allocate(budget, kRecentLinks * sizeof(RecentLink), "links of an import"));
  const std::uint64_t left =
      memory_bytes - std::min<std::uint64_t>(memory_bytes, log.recent_.size());
  const SorterOptions sorting{.memory_bytes = std::max(kMinSorterBytes, left / 2),
                              .file_system = options.file_system,
                              .scratch_directory = options.scratch_directory,
                              .operation = options.operation};
  log.nodes_ = TRY(Sorter::create(budget, sorting));
  log.links_ = TRY(Sorter::create(budget, sorting));
  return log;
}

Result<void> LinkLog::add_node(const GitOid& oid, std::uint8_t what) {
  return nodes_->add(record_of(oid, what));
}

Result<void> LinkLog::add_link(const Link& link) {
  if (link.submodule || (cut_ && link.is_parent)) return {};
  const std::uint8_t claim = link.claims_type ? static_cast<std::uint8_t>(link.type) : kNoClaim;
  const LogRecord record = record_of(link.oid, claim);
  auto* slots = reinterpret_cast<RecentLink*>(recent_.data());
  RecentLink& slot = slots[load_be<std::uint64_t>(record.data()) % kRecentLinks];
  if (slot.used_claim == claim + 1 && std::memcmp(slot.oid.data(), record.data(), kOidRoom) == 0) {
    return {};
  }
  std::memcpy(slot.oid.data(), record.data(), kOidRoom);
  slot.used_claim = static_cast<std::uint8_t>(claim + 1);
  return links_->add(record);
}

Result<void> LinkLog::add_tip(const GitOid& oid) {
  return links_->add(record_of(oid, kNoClaim));
}

Result<void> LinkLog::add_unreached(const GitOid& oid) {
  return add_node(oid, kUnreached);
}

Result<void> LinkLog::add_missing(const GitOid& oid) {
  return add_node(oid, kMissing);
}

Result<void> LinkLog::add_object(const GitOid& oid, ObjectType type, Bytes payload) {
  TRY(add_node(oid, static_cast<std::uint8_t>(type)));
  if (type == ObjectType::kBlob) return {};
  cut_ = type == ObjectType::kState && std::binary_search(shallow_->begin(), shallow_->end(), oid);
  Result<void> added;
  const Result<void> parsed = for_each_link(
      oid.hash(), type, payload, [&](const Link& link) { return added = add_link(link); });
  TRY(added);
  if (!parsed) ++malformed_count_;
  return {};
}

Result<void> LinkLog::begin_object(const GitOid& oid, ObjectType type) {
  TRY(add_node(oid, static_cast<std::uint8_t>(type)));
  cut_ = type == ObjectType::kState && std::binary_search(shallow_->begin(), shallow_->end(), oid);
  stream_.emplace(oid.hash(), type);
  return {};
}

Result<void> LinkLog::feed(Bytes piece) {
  return stream_->feed(piece, [&](const Link& link) { return add_link(link); });
}

Result<void> LinkLog::end_object() {
  Result<void> added;
  const Result<void> parsed =
      stream_->finish([&](const Link& link) { return added = add_link(link); });
  TRY(added);
  if (!parsed) ++malformed_count_;
  stream_.reset();
  return {};
}

Result<ImportCheck> ImportCheck::create(const ImportCheckOptions& options) {
  CHECK(options.operation != nullptr && options.shallow != nullptr);
  if (options.memory_bytes < kMinImportCheckBytes) {
    return fail(ErrorCode::kLimitExceeded, "checking an import needs at least {} of memory",
                format_bytes(kMinImportCheckBytes));
  }
  ImportCheck check(options);
  check.listed_ = TRY(LinkLog::create(*check.budget_, options, options.memory_bytes / 2));
  check.received_ = TRY(LinkLog::create(*check.budget_, options, options.memory_bytes / 2));
  return check;
}

Result<ImportCheckResult> ImportCheck::finish(const Snapshot& store, bool incremental) {
  ImportCheckResult result;
  Merged nodes(*listed_->nodes_, *received_->nodes_);
  Merged links(*listed_->links_, *received_->links_);
  TRY(nodes.start());
  TRY(links.start());
  const auto same_oid = [](const LogRecord& a, const LogRecord& b) {
    return std::memcmp(a.data(), b.data(), kOidRoom) == 0;
  };
  while (nodes.peek() != nullptr || links.peek() != nullptr) {
    // This step handles the smaller id.
    const LogRecord* const node = nodes.peek();
    const LogRecord* const link = links.peek();
    const bool node_first =
        link == nullptr ||
        (node != nullptr && std::memcmp(node->data(), link->data(), kOidRoom) <= 0);
    const LogRecord at = node_first ? *node : *link;
    std::optional<std::uint8_t> type;
    bool is_known = false;
    bool need_not_be_linked = false;
    bool is_unreached = false;
    for (; nodes.peek() != nullptr && same_oid(*nodes.peek(), at); TRY(nodes.pop())) {
      const std::uint8_t what = what_in(*nodes.peek());
      is_known = true;
      if (what < kUnreached) type = what;
      if (what >= kUnreached) need_not_be_linked = true;
      if (what == kUnreached) is_unreached = true;
    }
    bool is_linked = false;
    for (; links.peek() != nullptr && same_oid(*links.peek(), at); TRY(links.pop())) {
      is_linked = true;
      const std::uint8_t claim = what_in(*links.peek());
      if (type && claim != kNoClaim && claim != *type) ++result.mismatched_links;
    }
    if (is_known && !is_linked && !need_not_be_linked && !result.unlinked) {
      result.unlinked = oid_in(at);
    }
    // An object wrongly considered unreached must be listed with everything that it reaches.
    const bool is_reached_after_all = is_linked && is_unreached && !type;
    if (is_known && !is_reached_after_all) continue;
    const GitOid oid = oid_in(at);
    if (incremental && store.find(oid)) continue;
    if (result.more_roots.size() < kMostRoots) result.more_roots.insert(oid);
  }
  return result;
}

}  // namespace bale
