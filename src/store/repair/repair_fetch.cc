// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. An object that is too large to be kept while it is checked is fetched twice:
// once to be hashed, and once more into the pack, where it is hashed again.

#include "store/repair/repair_fetch.h"

#include <algorithm>

#include "base/budget.h"
#include "base/error.h"
#include "base/try.h"
#include "hash/git_hash.h"
#include "object/git_objects.h"
#include "store/core/record_mark.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// Of what is asked for in one round: ids that wait and ids that were asked for take about so much.
constexpr std::uint64_t kBytesAnId = 160;

}  // namespace

Result<bool> LostFetcher::fetch(const LostSearch& search) {
  bool any = false;
  for (const GitHash hash : {GitHash::kSha1, GitHash::kSha256}) {
    TRY(fetch_of_hash(search, hash));
    const bool installed = TRY(install());
    any = any || installed;
  }
  return any;
}

Result<bool> LostFetcher::fetch(const std::set<ObjectId>& records) {
  bool any = false;
  for (const ObjectId& id : records) {
    TRY(fetch_own(id, std::nullopt));
    const bool installed = TRY(install());
    any = any || installed;
  }
  return any;
}

Result<void> LostFetcher::fetch_of_hash(const LostSearch& search, GitHash hash) {
  for (const auto& [id, its_hash] : search.ids()) {
    if (its_hash == hash) TRY(fetch_own(id, hash));
  }
  asked_.clear();
  waiting_.clear();
  for (const GitOid& oid : search.oids()) {
    if (oid.hash() != hash) continue;
    waiting_.push_back(oid);
    asked_.insert(oid);
  }
  while (!waiting_.empty()) {
    if (work_.options.work.operation.cancelled())
      return fail(ErrorCode::kInterrupted, "interrupted");
    const GitOid oid = waiting_.front();
    waiting_.pop_front();
    TRY(fetch_by_oid(search, oid));
    work_.options.work.operation.progress(
        {.phase = "fetching lost objects", .objects = staged_count_});
  }
  return {};
}

Result<void> LostFetcher::fetch_by_oid(const LostSearch& search, const GitOid& oid) {
  Arrival arrival;
  std::optional<GitHasher> hasher;
  const bool there = TRY(work_.options.from->fetch(
      oid, {.begin = [&](ObjectType type, std::uint64_t size) -> Result<void> {
              arrival = {.type = type, .size = size, .kept = size <= most_kept_bytes()};
              hasher.emplace(oid.hash(), type, size);
              return {};
            },
            .write = [&](Bytes piece) -> Result<void> {
              arrival.received += piece.size();
              if (arrival.received > arrival.size) return {};
              hasher->update(piece);
              if (arrival.kept) arrival.payload += as_text(piece);
              return {};
            }}));
  if (!there) return {};
  if (!hasher || arrival.received != arrival.size || hasher->finish() != oid) {
    refuse(oid.to_hex());
    return {};
  }
  if (!arrival.kept) return fetch_large(oid, arrival);
  StagedPack* pack = TRY(staged(oid.hash()));
  TRY(pack->add(oid, arrival.type, as_bytes(arrival.payload)));
  ++staged_count_;
  return follow(search, oid, arrival);
}

Result<void> LostFetcher::fetch_large(const GitOid& oid, const Arrival& known) {
  StagedPack* pack = TRY(staged(oid.hash()));
  GitHasher hasher(oid.hash(), known.type, known.size);
  std::uint64_t received = 0;
  const auto changed = [&] {
    return fail(ErrorCode::kIncomplete, "{}: object {} is another than it was a moment ago",
                work_.options.from->path(), oid.to_hex());
  };
  TRY(pack->begin(known.type, known.size));
  const bool there = TRY(work_.options.from->fetch(
      oid, {.begin = [&](ObjectType type, std::uint64_t size) -> Result<void> {
              return type == known.type && size == known.size ? Result<void>() : changed();
            },
            .write = [&](Bytes piece) -> Result<void> {
              received += piece.size();
              if (received > known.size) return changed();
              hasher.update(piece);
              return pack->write(piece);
            }}));
  if (!there || received != known.size || hasher.finish() != oid) return changed();
  TRY(pack->end(oid));
  ++staged_count_;
  return {};
}

// What was found lost leads on. Ids beyond the bound are found by the next round's search.
Result<void> LostFetcher::follow(const LostSearch& search, const GitOid& oid,
                                 const Arrival& arrival) {
  const std::uint64_t most = std::max<std::uint64_t>(1000, most_kept_bytes() / kBytesAnId);
  const bool cut = arrival.type == ObjectType::kState && search.is_boundary(oid);
  const Result<void> parsed = for_each_link(
      oid.hash(), arrival.type, as_bytes(arrival.payload), [&](const Link& link) -> Result<void> {
        if (link.submodule || (cut && link.is_parent)) return {};
        if (asked_.size() >= most || asked_.contains(link.oid)) return {};
        if (store_.snapshot().find(link.oid) || !search.is_wanted(link.oid)) return {};
        asked_.insert(link.oid);
        waiting_.push_back(link.oid);
        return {};
      });
  // One that Git would call malformed is what it was: the next search tells of it.
  if (!parsed && !is_damage(parsed.error())) return parsed;
  return {};
}

Result<void> LostFetcher::fetch_own(const ObjectId& id, std::optional<GitHash> hash) {
  Arrival arrival;
  const bool there = TRY(work_.options.from->fetch(
      id, {.begin = [&](ObjectType type, std::uint64_t size) -> Result<void> {
             if (size > most_kept_bytes()) {
               return fail(ErrorCode::kLimitExceeded,
                           {.kind = HintKind::kNeedsMemory,
                            .needed_bytes = 8 * size,
                            .allowed_bytes = work_.options.work.memory_bytes},
                           "object {} of {} needs more memory", id.to_hex(), format_bytes(size));
             }
             arrival = {.type = type, .size = size, .kept = true};
             return {};
           },
           .write = [&](Bytes piece) -> Result<void> {
             arrival.received += piece.size();
             if (arrival.received <= arrival.size) arrival.payload += as_text(piece);
             return {};
           }}));
  if (!there) return {};
  const Bytes payload = as_bytes(arrival.payload);
  const EntryIdentity is =
      arrival.received != arrival.size
          ? EntryIdentity::kWrong
          : identify_entry(id, arrival.type, payload, records_are_marked(store_));
  if (is == EntryIdentity::kWrong) {
    refuse(id.to_hex());
    return {};
  }
  if (is == EntryIdentity::kRecord) {
    const Result<Record> record = decode_record(payload);
    if (record && record->hash) hash = record->hash;
  }
  const GitHash known_by = hash.value_or(GitHash::kSha1);
  StagedPack* pack = TRY(staged(known_by));
  std::optional<GitOid> oid;
  if (is == EntryIdentity::kObject) oid = git_oid(known_by, arrival.type, payload);
  TRY(pack->add_as(id, oid, arrival.type, payload));
  ++staged_count_;
  return {};
}

void LostFetcher::refuse(const std::string& id) {
  if (!refused_.insert(id).second) return;
  work_.note(fmt::format("{}: what it gives as object {} is another: refused",
                         work_.options.from->path(), id));
}

Result<StagedPack*> LostFetcher::staged(GitHash hash) {
  if (staged_ == nullptr) {
    staged_ = TRY(StagedPack::create(store_, hash, work_.staged_pack_options()));
    staged_count_ = 0;
  }
  return staged_.get();
}

Result<bool> LostFetcher::install() {
  if (staged_ == nullptr) return false;
  const std::unique_ptr<StagedPack> done = std::move(staged_);
  TRY(done->install());
  work_.summary.objects_refetched += staged_count_;
  return true;
}

}  // namespace bale
