// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A record is: pack (4 bytes), offset (8), Git id (32), its hash (1), whether it is reached (1).

#include "git/import/stored_objects.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/damage.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/known_id.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr std::size_t kOidAt = 12;
constexpr std::size_t kHashAt = kOidAt + 32;
constexpr std::size_t kReachedAt = kHashAt + 1;

// Hashing a pack costs about as much as decoding one in this many of its entries.
constexpr std::uint64_t kEntriesHashedForOneRead = 256;

constexpr std::uint64_t kMostHeldBytes = 1 << 20;

// Whether an error means that a stored object is bad: the source has a good copy.
bool is_bad_copy(const Error& error) {
  return is_damage(error) || is_unreadable(error);
}

}  // namespace

Result<StoredObjects> StoredObjects::create(const Snapshot& store,
                                            const StoredObjectsOptions& options) {
  StoredObjects stored(store, options);
  stored.by_place_ =
      TRY(Sorter::create(*stored.budget_, {.memory_bytes = options.memory_bytes / 8,
                                           .file_system = &store.file_system(),
                                           .scratch_directory = options.scratch_directory,
                                           .operation = options.operation}));
  return stored;
}

Result<void> StoredObjects::add(const GitOid& oid, const ObjectLocation& location,
                                bool is_reached) {
  Sorter::Record record{};
  store_be<std::uint32_t>(record.data(), location.pack);
  store_be<std::uint64_t>(record.data() + 4, location.offset);
  std::copy(oid.bytes().begin(), oid.bytes().end(), record.begin() + kOidAt);
  record[kHashAt] = static_cast<std::byte>(oid.hash());
  record[kReachedAt] = static_cast<std::byte>(is_reached);
  ++wanted_[location.pack];
  return by_place_->add(record);
}

// Whether the checksums of the pack and its Git index match.
Result<bool> StoredObjects::is_proven(std::uint32_t number) const {
  const auto pack = open_pack(store_, number);
  if (!pack || !(*pack)->git_index || !(*pack)->git_index->check()) return false;
  const PackReader& reader = (*pack)->reader;
  const auto file = store_.file_system().open(reader.path());
  if (!file) return false;
  const Result<FileInfo> info = store_.file_system().stat(reader.path());
  const Bytes trailer = reader.trailer();
  if (!info || info->size < trailer.size()) return false;
  Blake3Hasher hasher;
  std::vector<std::byte> piece(256 << 10);
  for (std::uint64_t at = 0, end = info->size - trailer.size(); at < end;) {
    if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), end - at));
    const Result<std::size_t> got = (*file)->read_at(at, MutableBytes(piece).first(wanted));
    if (!got || *got == 0) return false;
    hasher.update(Bytes(piece).first(*got));
    at += *got;
  }
  const Blake3Hash hash = hasher.finish();
  return std::equal(hash.begin(), hash.end(), trailer.begin(), trailer.end());
}

Result<void> StoredObjects::read_links(const GitOid& oid, const ObjectLocation& at,
                                       const EntryInfo& info, LinkLog& log,
                                       ReadContext& context) const {
  if (info.size <= kMostHeldBytes) {
    const ObjectView object = TRY(store_.get(at, context, oid));
    return log.add_object(oid, object.type, object.payload);
  }
  TRY(log.begin_object(oid, info.type));
  TRY_VOID(store_.read(
      at, context, [&](Bytes piece) { return log.feed(piece); }, oid));
  return log.end_object();
}

Result<void> StoredObjects::read_through(const GitOid& oid, const ObjectLocation& at,
                                         ReadContext& context) const {
  TRY_VOID(store_.read(
      at, context, [](Bytes) -> Result<void> { return {}; }, oid));
  return {};
}

Result<void> StoredObjects::check(LinkLog& log, const UseDamaged& use_damaged) {
  TRY(by_place_->sort());
  ReadContext context(options_.memory_bytes - options_.memory_bytes / 8);
  std::optional<std::uint32_t> pack;
  bool proven = false;
  std::uint64_t count = 0;
  while (const Sorter::Record* record = TRY(by_place_->next())) {
    if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    const ObjectLocation at{load_be<std::uint32_t>(record->data()),
                            load_be<std::uint64_t>(record->data() + 4)};
    const auto hash = static_cast<GitHash>((*record)[kHashAt]);
    const GitOid oid = known_id<GitOid>(hash, Bytes(*record).subspan(kOidAt, oid_bytes(hash)));
    const bool is_reached = (*record)[kReachedAt] != std::byte{0};
    if (pack != at.pack) {
      pack = at.pack;
      const auto reader = store_.pack(at.pack);
      proven = reader && wanted_[at.pack] * kEntriesHashedForOneRead >= (*reader)->entry_count() &&
               TRY(is_proven(at.pack));
    }
    options_.operation->progress({.phase = "checking what is stored", .objects = ++count});
    const Result<EntryInfo> info = store_.info(at, context, oid);
    if (!info && !is_bad_copy(info.error())) return info.error();
    Result<void> read;
    if (!info) {
      read = info.error();
    } else if (is_reached && info->type != ObjectType::kBlob) {
      read = read_links(oid, at, *info, log, context);
    } else if (!proven) {
      read = read_through(oid, at, context);
    }
    if (!read && !is_bad_copy(read.error())) return read;
    if (!read) {
      TRY(use_damaged(oid, is_reached));
    } else if (!is_reached) {
      TRY(log.add_unreached(oid));
    } else if (info->type == ObjectType::kBlob) {
      TRY(log.add_object(oid, ObjectType::kBlob, {}));
    }
  }
  return {};
}

}  // namespace bale
