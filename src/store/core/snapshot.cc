// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Look-ups over the packs of a snapshot, and reading from them. Archives are in archives.cc.

#include "bale/snapshot.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "hash/git_hash.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// What has no more bytes is proven in memory before it is given; the rest is read twice.
constexpr std::uint64_t kReadWholeBytes = 4 << 20;

using Place = PackSet::Place;

Error not_its_id(const Place& place, ObjectType type, const std::string& id) {
  return fail(ErrorCode::kCorrupt, "{}: entry at offset {}: the {} is not what its id {} says",
              place.pack->reader.path(), place.offset, git_type_name(type), id);
}

// Whether an object is what its entry's id and the id that led to it say.
Result<void> check_id(const Place& place, const ObjectView& object, const LookupId& id) {
  if (!is_store_id(object.id, object.type, object.payload)) {
    return not_its_id(place, object.type, object.id.to_hex());
  }
  if (id.id() && *id.id() != object.id) {
    return not_its_id(place, object.type, id.id()->to_hex());
  }
  if (id.oid() && git_oid(id.oid()->hash(), object.type, object.payload) != *id.oid()) {
    return not_its_id(place, object.type, id.oid()->to_hex());
  }
  return {};
}

Result<ObjectView> get_at(const Place& place, ReadContext& context, const LookupId& id) {
  const ObjectView object = TRY(place.pack->reader.get_at(place.offset, context));
  TRY(check_id(place, object, id));
  return object;
}

// The same in pieces. The id is checked after the last one.
Result<void> read_in_pieces(const Place& place, const EntryInfo& info, ReadContext& context,
                            const LookupId& id, const PackReader::PayloadSink& sink) {
  TypedHasher hasher(info.type, info.size);
  std::optional<GitHasher> git_hasher;
  if (id.oid()) git_hasher.emplace(id.oid()->hash(), info.type, info.size);
  const ObjectType type =
      TRY(place.pack->reader.read_at(place.offset, context, [&](Bytes piece) -> Result<void> {
        hasher.update(piece);
        if (git_hasher) git_hasher->update(piece);
        return sink(piece);
      }));
  if (!hasher.is_store_id(info.id)) return not_its_id(place, type, info.id.to_hex());
  if (id.id() && *id.id() != info.id) return not_its_id(place, type, id.id()->to_hex());
  if (git_hasher && git_hasher->finish() != *id.oid()) {
    return not_its_id(place, type, id.oid()->to_hex());
  }
  return {};
}

// Whether the entry is the one that the id leads to: its pack's own index says so, or its payload.
// A damaged catalog may lead to any entry.
Result<void> check_place(const Place& place, const EntryInfo& info, ReadContext& context,
                         const LookupId& id) {
  if (id.id() && *id.id() != info.id) return not_its_id(place, info.type, id.id()->to_hex());
  if (!id.oid()) return {};
  const std::optional<GitIndexView>& index = place.pack->git_index;
  if (index && index->hash() == id.oid()->hash()) {
    const auto found = index->find(*id.oid());
    if (found && found->offset == place.offset) return {};
  }
  return read_in_pieces(place, info, context, id, [](Bytes) -> Result<void> { return {}; });
}

Result<void> prove(const Place& place, const EntryInfo& info, ReadContext& context,
                   const LookupId& id) {
  const Result<void> proven =
      read_in_pieces(place, info, context, id, [](Bytes) -> Result<void> { return {}; });
  // What needs more memory than there is may still be looked at.
  if (!proven && proven.error().code == ErrorCode::kLimitExceeded) {
    return check_place(place, info, context, id);
  }
  return proven;
}

// Whether there are several entries of the id, of which one may be damaged. Not asked where the
// packs are too many to be open all at once.
bool has_choice(const PackSet& packs, const LookupId& id) {
  constexpr std::size_t kMostAsked = 64;
  if (!id.is_known() || packs.numbers().size() > kMostAsked) return false;
  int entries = 0;
  packs.for_each_copy(id.oid(), id.id(), [&](const ObjectLocation&) { return ++entries == 2; });
  return entries == 2;
}

// A damaged catalog may miss an object that the store has, so it is checked before nullopt.
std::optional<ObjectLocation> find_proven(const PackSet& packs, const LookupId& id) {
  const auto found = packs.find(id);
  if (found || packs.catalog_is_sound()) return found;
  const auto proven = packs.proven();
  return proven ? (*proven)->find(id) : std::nullopt;
}

// Calls `read` with the place of the object; where that fails, with the places of all other entries
// that have its id, until one succeeds. The first Error where none does. kInterrupted ends it at
// once.
Result<void> try_copies(const PackSet& packs, const ObjectLocation& location, const LookupId& id,
                        ReadContext& context,
                        const std::function<Result<void>(const Place&)>& read) {
  const Result<Place> first = packs.open_at(location, id);
  const Result<void> tried = first ? read(*first) : Result<void>(first.error());
  if (tried || tried.error().code == ErrorCode::kInterrupted || !id.is_known()) return tried;
  // The store's own id leads also into packs that have lost their Git index. The entry says it, if
  // that is not what is damaged.
  std::optional<ObjectId> own = id.id();
  if (!own && first) {
    const Result<StoredEntry> entry = first->pack->reader.stored_at(first->offset, 0, context);
    if (entry) own = entry->id;
  }
  std::optional<Result<void>> outcome;
  packs.for_each_copy(id.oid(), own, [&](const ObjectLocation& copy) {
    if (first && first->offset == copy.offset &&
        first->pack->name == packs.shelf().name(copy.pack)) {
      return false;
    }
    const Result<Place> place = packs.open_at(copy, {});
    if (!place) return false;
    const Result<void> again = read(*place);
    if (again || again.error().code == ErrorCode::kInterrupted) outcome = again;
    return outcome.has_value();
  });
  return outcome ? *outcome : tried;
}

}  // namespace

const std::string& Snapshot::path() const {
  return packs_->shelf().layout().root;
}

FileSystem& Snapshot::file_system() const {
  return packs_->shelf().file_system();
}

std::uint32_t Snapshot::pack_count() const {
  return static_cast<std::uint32_t>(packs_->numbers().size());
}

std::vector<std::uint32_t> Snapshot::pack_numbers() const {
  return packs_->numbers();
}

Result<std::shared_ptr<const PackReader>> Snapshot::pack(std::uint32_t number) const {
  const std::shared_ptr<const StoredPack> pack = TRY(packs_->open(number));
  return std::shared_ptr<const PackReader>(pack, &pack->reader);
}

std::string Snapshot::pack_name(std::uint32_t number) const {
  return packs_->shelf().name(number);
}

std::vector<Error> Snapshot::damage() const {
  std::vector<Error> errors;
  for (const PackSet::Damage& damage : packs_->damage()) errors.push_back(damage.error);
  return errors;
}

std::optional<ObjectLocation> Snapshot::find(const GitOid& oid) const {
  return find_proven(*packs_, oid);
}

std::optional<ObjectLocation> Snapshot::find(const ObjectId& id) const {
  return find_proven(*packs_, id);
}

Error Snapshot::missing(std::string_view what) const {
  if (const PackSet::Damage* const damage = packs_->inaccessible()) {
    return fail(damage->error, "{} is in none of the packs that can be read; {}", what,
                damage->error.message);
  }
  const auto& damage = packs_->damage();
  // A pack that cannot be opened says more than one that has lost its Git index only.
  for (const bool whole_pack : {true, false}) {
    for (const PackSet::Damage& of_pack : damage) {
      if (of_pack.pack.empty() || of_pack.unreadable != whole_pack) continue;
      return fail(ErrorCode::kCorrupt, of_pack.error.hint,
                  "{} is in none of the packs that can be used; {}", what, of_pack.error.message);
    }
  }
  return fail(ErrorCode::kCorrupt, "{} is in none of the packs", what);
}

Result<EntryInfo> Snapshot::info(const ObjectLocation& location, ReadContext& context,
                                 const LookupId& id) const {
  std::optional<EntryInfo> info;
  TRY(try_copies(*packs_, location, id, context, [&](const Place& place) -> Result<void> {
    const EntryInfo read = TRY(place.pack->reader.info_at(place.offset, context));
    TRY(check_place(place, read, context, id));
    info = read;
    return {};
  }));
  return *info;
}

Result<EntryInfo> Snapshot::proven_info(const ObjectLocation& location, ReadContext& context,
                                        const LookupId& id) const {
  if (!has_choice(*packs_, id)) return info(location, context, id);
  std::optional<EntryInfo> proven;
  TRY(try_copies(*packs_, location, id, context, [&](const Place& place) -> Result<void> {
    const EntryInfo read = TRY(place.pack->reader.info_at(place.offset, context));
    TRY(prove(place, read, context, id));
    proven = read;
    return {};
  }));
  return *proven;
}

Result<ObjectView> Snapshot::get(const ObjectLocation& location, ReadContext& context,
                                 const LookupId& id) const {
  std::optional<ObjectView> object;
  TRY(try_copies(*packs_, location, id, context, [&](const Place& place) -> Result<void> {
    object = TRY(get_at(place, context, id));
    return {};
  }));
  return *object;
}

Result<ObjectView> Snapshot::get(const LookupId& id, ReadContext& context) const {
  const auto location = find_proven(*packs_, id);
  if (location) return get(*location, context, id);
  if (!id.is_known()) return fail(ErrorCode::kInvalidArgument, "there is no id to look up");
  return missing("object " + (id.oid() ? id.oid()->to_hex() : id.id()->to_hex()));
}

Result<ObjectType> Snapshot::read(const ObjectLocation& location, ReadContext& context,
                                  const PackReader::PayloadSink& sink, const LookupId& id) const {
  ObjectType read_type = ObjectType::kBlob;
  TRY(read_object(location, context,
                  {.begin = [&](ObjectType type, std::uint64_t) -> Result<void> {
                     read_type = type;
                     return {};
                   },
                   .write = sink},
                  id));
  return read_type;
}

Result<void> Snapshot::read_object(const ObjectLocation& location, ReadContext& context,
                                   const ObjectSink& sink, const LookupId& id) const {
  // Once something was given, no other copy can take the place of the first.
  std::optional<Result<void>> given;
  const Result<void> read =
      try_copies(*packs_, location, id, context, [&](const Place& place) -> Result<void> {
        if (given) return {};
        const EntryInfo info = TRY(place.pack->reader.info_at(place.offset, context));
        if (info.base || info.size <= kReadWholeBytes) {
          const Result<ObjectView> object = get_at(place, context, id);
          if (object) {
            given = sink.begin(object->type, object->payload.size());
            if (*given) given = sink.write(object->payload);
            return {};
          }
          if (object.error().code != ErrorCode::kLimitExceeded || info.base) return object.error();
        }
        TRY(read_in_pieces(place, info, context, id, [](Bytes) -> Result<void> { return {}; }));
        given = sink.begin(info.type, info.size);
        if (*given) given = read_in_pieces(place, info, context, id, sink.write);
        return {};
      });
  return given ? *given : read;
}

}  // namespace bale
