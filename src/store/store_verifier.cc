// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See bale/store_verifier.h.
//
//   packs      checksums, headers, indexes against packs (verify_pack), Git indexes
//   records    each archive's chain, each readable
//   links      the closure of all refs of all those records
//   objects    in the order of the packs, each decoded once, compared with both its ids
//
// What is found wrong is collected, and the check goes on as far as it can.

#include "bale/store_verifier.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "bale/pack_verifier.h"
#include "base/error.h"
#include "base/try.h"
#include "format/entry.h"
#include "hash/blake3.h"
#include "hash/git_hash.h"
#include "object/percent.h"
#include "pack/entry_decoder.h"
#include "store/closure.h"
#include "store/oid_list.h"
#include "store/oid_set.h"
#include "store/store_impl.h"

namespace bale {
namespace {

constexpr std::size_t kMostErrors = 1000;
// Of the memory: for the closure's sort and marks, for reading objects.
constexpr std::uint64_t kReadShare = 4;
constexpr std::uint64_t kListBytes = 4 << 20;

Error without_git_index(const std::string& path, const Error& error) {
  if (error.code != ErrorCode::kNotFound) return error;
  return fail(ErrorCode::kCorrupt,
              "{}: it is missing, and without it no Git id leads into its pack", path);
}

class StoreVerifier {
 public:
  StoreVerifier(const Store& store, const StoreCheckOptions& options)
      : store_(store),
        packs_(store.impl().packs()),
        options_(options),
        context_(options.memory_bytes / kReadShare),
        list_context_(kListBytes),
        missing_budget_(options.memory_bytes / kReadShare) {}

  Result<StoreReport> run();

 private:
  // Damage goes into the report; anything else ends the check.
  Result<void> note(const Error& error);
  // The same for what an operation returned.
  Result<void> note_if_failed(const Result<void>& result);

  [[nodiscard]] bool known_missing(const GitOid& oid) const {
    return std::any_of(missing_.begin(), missing_.end(),
                       [&](const OidSet& set) { return set.contains(oid); });
  }

  Result<void> check_packs();
  Result<void> check_archive(const std::string& name, Closure* closure);
  Result<void> check_tips(const Record& record, const std::string& shown, Closure* closure);
  Result<void> check_unreached(Closure* closure);
  Result<void> check_reached(Closure& closure);
  Result<void> check_all_objects();
  Result<void> check_object(const ObjectLocation& location, std::optional<ObjectType> expected);

  const Store& store_;
  const std::shared_ptr<const PackSet> packs_;
  const StoreCheckOptions& options_;
  ReadContext context_;
  ReadContext list_context_;  // for a list that is read while objects are looked at
  std::set<GitOid> shallow_;
  Budget missing_budget_;
  std::vector<OidSet> missing_;                              // what archives were made without
  std::vector<std::pair<std::string, ObjectId>> unreached_;  // of which record, and its list
  std::set<GitOid> reported_;                                // missing links that were reported
  std::uint64_t objects_total_ = 0;
  StoreReport report_;
};

Result<void> StoreVerifier::note(const Error& error) {
  if (error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kNotFound) return error;
  if (report_.errors.size() < kMostErrors) {
    report_.errors.push_back({ErrorCode::kCorrupt, error.message});
  } else {
    ++report_.errors_omitted;
  }
  return {};
}

Result<void> StoreVerifier::note_if_failed(const Result<void>& result) {
  return result ? result : note(result.error());
}

Result<StoreReport> StoreVerifier::run() {
  if (options_.memory_bytes < kMinStoreCheckBytes) {
    return fail(ErrorCode::kInvalidArgument, "verifying a store needs at least {} bytes of memory",
                kMinStoreCheckBytes);
  }
  std::vector<std::string> names;
  if (options_.archive) {
    if (!TRY(store_.newest_record(*options_.archive))) {
      return fail(ErrorCode::kNotFound, "{}: there is no archive {} (bale list names them all)",
                  store_.path(), *options_.archive);
    }
    names.push_back(*options_.archive);
  } else {
    names = TRY(store_.archives());
  }
  report_.packs = store_.pack_count();
  if (options_.quick || !options_.archive) TRY(check_packs());

  std::optional<Closure> closure;
  if (!options_.quick) {
    closure = TRY(Closure::create(
        store_, {.memory_bytes = options_.memory_bytes / 2 - kListBytes,
                 .scratch_directory = store_.impl().layout().staging(),
                 .shallow = &shallow_,
                 .follow_shallow = true,
                 .on_missing = [this](const MissingLink& link) -> Result<void> {
                   if (known_missing(link.oid) || !reported_.insert(link.oid).second) return {};
                   return note(fail(ErrorCode::kCorrupt,
                                    "{} {} is in none of the packs; {} needs it",
                                    git_type_name(link.type), link.oid.to_hex(), link.from));
                 },
                 .on_damage = [this](const Error& error) { return note(error); },
                 .operation = &options_.operation}));
  }
  for (const std::string& name : names) {
    TRY(check_archive(name, closure ? &*closure : nullptr));
  }
  if (closure) TRY(closure->walk());
  TRY(check_unreached(closure ? &*closure : nullptr));
  if (!closure) return report_;
  if (options_.archive) {
    TRY(check_reached(*closure));
  } else {
    TRY(check_all_objects());
  }
  return report_;
}

Result<void> StoreVerifier::check_packs() {
  for (const PackSet::Damage& damage : packs_->damage()) {
    if (damage.unreadable || damage.pack.empty()) TRY(note(damage.error));
  }
  for (const std::uint32_t number : packs_->numbers()) {
    const StoreLayout& layout = store_.impl().layout();
    const auto opened = store_.impl().open(number);
    if (!opened) {
      TRY(note(opened.error()));
      continue;
    }
    const std::shared_ptr<const StoredPack>& pack = *opened;
    const PackReport checked =
        TRY(verify_pack(layout.pack(pack->name), {.memory_bytes = options_.memory_bytes / 2,
                                                  .scratch_directory = layout.staging(),
                                                  .decode = false,
                                                  .operation = options_.operation,
                                                  .file_system = &store_.file_system()}));
    for (const Error& error : checked.errors) TRY(note(error));
    report_.errors_omitted += checked.errors_omitted;
    if (options_.quick) report_.objects += checked.objects;
    objects_total_ += checked.objects;
    if (pack->git_index) {
      TRY(note_if_failed(pack->git_index->check()));
    } else {
      TRY(note(without_git_index(layout.git_index(pack->name), *pack->git_index_error)));
    }
  }
  return {};
}

Result<void> StoreVerifier::check_archive(const std::string& name, Closure* closure) {
  const Result<std::optional<ObjectId>> newest = store_.newest_record(name);
  if (!newest) return note(newest.error());
  std::set<ObjectId> seen;
  std::uint64_t back = 0;
  for (std::optional<ObjectId> id = *newest; id; ++back) {
    const std::string shown = back == 0 ? name : fmt::format("{}@{}", name, back);
    if (!seen.insert(*id).second) {
      return note(fail(ErrorCode::kCorrupt, "{}: its records go round in a circle", shown));
    }
    const Result<ArchiveRecord> read = store_.record(*id, context_);
    if (!read) return note(fail(ErrorCode::kCorrupt, "{}: {}", shown, read.error().message));
    const Record& record = read->record;
    if (record.missing.list && record.hash) {
      Result<OidSet> missing =
          OidSet::load(store_, record.missing, *record.hash, context_, missing_budget_);
      if (missing) {
        missing_.push_back(std::move(*missing));
      } else {
        TRY(note({missing.error().code, shown + ": " + missing.error().message}));
      }
    }
    shallow_.insert(record.shallow.begin(), record.shallow.end());
    TRY(check_tips(record, shown, closure));
    id = record.previous;
  }
  return {};
}

Result<void> StoreVerifier::check_tips(const Record& record, const std::string& shown,
                                       Closure* closure) {
  const auto check = [&](const GitOid& oid, const std::string& what) -> Result<void> {
    const std::string from = shown + ", " + percent_encode(what);
    if (closure != nullptr) return closure->add(oid, from);
    if (store_.find(oid) || known_missing(oid)) return {};
    return note(fail(ErrorCode::kCorrupt, "object {} is in none of the packs; {} needs it",
                     oid.to_hex(), from));
  };
  for (const auto& [name, oid] : record.refs) TRY(check(oid, name));
  if (record.root) TRY(check(*record.root, "the root tree"));
  if (record.unreached.list) unreached_.emplace_back(shown, *record.unreached.list);
  const Result<GitOid> detached = GitOid::from_hex(record.head);
  if (detached) TRY(check(*detached, "HEAD"));
  return {};
}

// Only that they are there: what they lead to is among them, is reached, or had gone from the
// source before. So they come after the walk, which must not take them for looked at.
Result<void> StoreVerifier::check_unreached(Closure* closure) {
  for (const auto& [shown, list] : unreached_) {
    const std::string from = shown + ", its objects without a ref";
    bool by_use = false;  // which does not end for damage
    const Result<void> listed =
        read_oid_list(store_, list, list_context_, [&](const GitOid& oid) -> Result<void> {
          Result<void> checked;
          if (closure != nullptr) {
            checked = closure->add_alone(oid, from);
          } else if (!store_.find(oid)) {
            checked =
                note(fail(ErrorCode::kCorrupt, "object {} is in none of the packs; {} needs it",
                          oid.to_hex(), from));
          }
          by_use = !checked;
          return checked;
        });
    if (listed) continue;
    if (by_use) return listed;
    TRY(note({listed.error().code, shown + ": " + listed.error().message}));
  }
  return {};
}

Result<void> StoreVerifier::check_reached(Closure& closure) {
  objects_total_ = closure.object_count();
  TRY(closure.sort());
  while (const auto reached = TRY(closure.next())) {
    TRY(check_object(reached->location, reached->type));
  }
  return {};
}

// Entries as they follow each other in the packs, reached or not.
Result<void> StoreVerifier::check_all_objects() {
  for (const std::uint32_t number : packs_->numbers()) {
    const auto opened = store_.pack(number);
    if (!opened) {
      TRY(note(opened.error()));
      continue;
    }
    const PackReader& pack = **opened;
    std::uint64_t offset = kHeaderBytes;
    for (std::uint64_t i = 0; i < pack.entry_count(); ++i) {
      const Result<EntryInfo> info = pack.info_at(offset, context_);
      if (!info) {
        TRY(note(info.error()));
        break;
      }
      TRY(check_object({number, offset}, std::nullopt));
      offset += info->entry_bytes;
    }
  }
  return {};
}

Result<void> StoreVerifier::check_object(const ObjectLocation& location,
                                         std::optional<ObjectType> expected) {
  if (options_.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  const auto opened = store_.impl().open(location.pack);
  if (!opened) return note(opened.error());
  const StoredPack& pack = **opened;
  const Result<EntryInfo> info = pack.reader.info_at(location.offset, context_);
  if (!info) return note(info.error());
  const auto where = [&] {
    return fmt::format("{}: entry at offset {}", pack.reader.path(), location.offset);
  };
  if (expected && info->type != *expected) {
    TRY(note(fail(ErrorCode::kCorrupt, "{}: a {}, and it is linked to as a {}", where(),
                  to_string(info->type), to_string(*expected))));
  }
  TypedHasher hasher(info->type, info->size);
  std::optional<GitHasher> git_hasher;
  if (pack.git_index) git_hasher.emplace(pack.git_index->hash(), info->type, info->size);
  bool first = true;
  bool is_record = false;
  const Result<ObjectType> read =
      pack.reader.read_at(location.offset, context_, [&](Bytes piece) -> Result<void> {
        if (first) is_record = info->type == ObjectType::kAction && looks_like_record(piece);
        first = false;
        hasher.update(piece);
        if (git_hasher) git_hasher->update(piece);
        return {};
      });
  if (!read) return note(read.error());
  ++report_.objects;
  report_.bytes += info->size;
  if (report_.objects % 64 == 0) {
    options_.operation.progress({.phase = "checking objects",
                                 .objects = report_.objects,
                                 .objects_total = objects_total_,
                                 .bytes = report_.bytes});
  }
  if (hasher.store_id() != info->id) {
    TRY(note(fail(ErrorCode::kCorrupt, "{}: the {} is not what its id {} says", where(),
                  to_string(info->type), info->id.to_hex())));
  }
  if (!git_hasher || is_record) return {};
  const GitOid oid = git_hasher->finish();
  const auto indexed = pack.git_index->find(oid);
  const bool right = indexed && (indexed->offset == location.offset ||
                                 // Of an id that repeats, the index leads to the first.
                                 indexed->offset < location.offset);
  if (right) return {};
  return note(fail(ErrorCode::kCorrupt, "{}: its Git id {} is not in the pack's Git index", where(),
                   oid.to_hex()));
}

}  // namespace

Result<StoreReport> verify_store(const Store& store, const StoreCheckOptions& options) {
  return StoreVerifier(store, options).run();
}

}  // namespace bale
