// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Opening a store, its packs and look-ups across them. Archives are in archives.cc; making a store
// in store_making.cc.

#include "bale/store.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "hash/git_hash.h"
#include "store/core/proven_info.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// How often packs may be collected between a look-up and the opening of what it led to.
constexpr int kFindAttempts = 10;

// What has no more bytes is proven in memory before it is given; the rest is read twice.
constexpr std::uint64_t kReadWholeBytes = 4 << 20;

using Place = Store::Impl::Place;

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

// The same for what is not held in memory: proven in the end.
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

}  // namespace

Result<Store> Store::open(const std::string& path, FileSystem* file_system) {
  FileSystem& files = file_system != nullptr ? *file_system : posix_file_system();
  const StoreLayout layout{path};
  const Result<std::unique_ptr<File>> mark = files.open(layout.mark());
  if (!mark && mark.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound, "{}: there is no store (bale init makes one)", path);
  }
  if (!mark) return mark.error();
  std::string content(2 * kStoreMark.size(), '\0');
  content.resize(TRY((*mark)->read_at(
      0, std::as_writable_bytes(std::span<char>(content.data(), content.size())))));
  if (content != kStoreMark && content != kOldStoreMark) {
    if (content.starts_with("bale store ")) {
      return fail(ErrorCode::kUnsupported, "{}: a store of another version of bale", path);
    }
    return fail(ErrorCode::kCorrupt, "{}: not the mark of a store", layout.mark());
  }
  Store store(std::make_unique<Impl>(files, path, content == kStoreMark));
  TRY(store.refresh());
  return store;
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

const std::string& Store::path() const {
  return impl_->layout().root;
}

FileSystem& Store::file_system() const {
  return impl_->file_system();
}

Result<void> Store::refresh() {
  return impl_->refresh();
}

Result<void> Store::Impl::refresh() const {
  use(TRY(PackSet::read(file_system_, layout_, shelf_)));
  return {};
}

Result<std::shared_ptr<const StoredPack>> Store::Impl::open(std::uint32_t number) const {
  Result<std::shared_ptr<const StoredPack>> pack = shelf_.open(number);
  if (pack || pack.error().code != ErrorCode::kNotFound) return pack;
  return fail(ErrorCode::kNotFound, "{}: the pack was taken away meanwhile (try again)",
              layout_.pack(shelf_.name(number)));
}

Result<std::shared_ptr<const PackSet>> Store::Impl::proven_packs() const {
  std::shared_ptr<const PackSet> seen = packs();
  if (seen->catalog_is_sound()) return seen;
  std::shared_ptr<const PackSet> proven = TRY(seen->without_catalog(fail(
      ErrorCode::kCorrupt, "{}: its checksum is wrong, and it is not used", layout_.catalog())));
  const std::lock_guard lock(mutex_);
  if (packs_ == seen) packs_ = proven;
  return proven;
}

Result<Store::Impl::Place> Store::Impl::open_at(const ObjectLocation& location,
                                                const LookupId& id) const {
  ObjectLocation at = location;
  for (int attempt = 1;; ++attempt) {
    Result<std::shared_ptr<const StoredPack>> pack = open(at.pack);
    if (pack) return Place{std::move(*pack), at.offset};
    if (pack.error().code != ErrorCode::kNotFound || !id.is_known() || attempt == kFindAttempts) {
      return pack.error();
    }
    TRY(refresh());
    const std::shared_ptr<const PackSet> now = packs();
    std::optional<ObjectLocation> found;
    if (id.oid()) {
      if (const auto entry = now->find(*id.oid())) found = entry->location;
    } else {
      found = now->find(*id.id());
    }
    if (!found) return pack.error();
    at = *found;
  }
}

Result<void> Store::Impl::try_copies(const ObjectLocation& location, const LookupId& id,
                                     ReadContext& context,
                                     const std::function<Result<void>(const Place&)>& read) const {
  const Result<Place> first = open_at(location, id);
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
  packs()->for_each_copy(id.oid(), own, [&](const ObjectLocation& copy) {
    if (first && first->offset == copy.offset && first->pack->name == shelf_.name(copy.pack)) {
      return false;
    }
    const Result<Place> place = open_at(copy, {});
    if (!place) return false;
    const Result<void> again = read(*place);
    if (again || again.error().code == ErrorCode::kInterrupted) outcome = again;
    return outcome.has_value();
  });
  return outcome ? *outcome : tried;
}

std::uint32_t Store::pack_count() const {
  return static_cast<std::uint32_t>(impl_->packs()->numbers().size());
}

std::vector<std::uint32_t> Store::pack_numbers() const {
  return impl_->packs()->numbers();
}

Result<std::shared_ptr<const PackReader>> Store::pack(std::uint32_t number) const {
  const std::shared_ptr<const StoredPack> pack = TRY(impl_->open(number));
  return std::shared_ptr<const PackReader>(pack, &pack->reader);
}

std::string Store::pack_name(std::uint32_t number) const {
  return impl_->shelf().name(number);
}

std::vector<Error> Store::damage() const {
  std::vector<Error> errors;
  for (const PackSet::Damage& damage : impl_->packs()->damage()) errors.push_back(damage.error);
  return errors;
}

std::optional<ObjectLocation> Store::find(const GitOid& oid) const {
  const std::shared_ptr<const PackSet> packs = impl_->packs();
  auto found = packs->find(oid);
  if (!found && !packs->catalog_is_sound()) {
    const auto proven = impl_->proven_packs();
    if (proven) found = (*proven)->find(oid);
  }
  if (!found) return std::nullopt;
  return found->location;
}

std::optional<ObjectLocation> Store::find(const ObjectId& id) const {
  const std::shared_ptr<const PackSet> packs = impl_->packs();
  const auto found = packs->find(id);
  if (found || packs->catalog_is_sound()) return found;
  const auto proven = impl_->proven_packs();
  return proven ? (*proven)->find(id) : std::nullopt;
}

Error Store::missing(std::string_view what) const {
  const std::shared_ptr<const PackSet> packs = impl_->packs();
  if (const PackSet::Damage* const damage = packs->inaccessible()) {
    return fail(ErrorCode::kIo, "{} is in none of the packs that can be read; {}", what,
                damage->error.message);
  }
  const auto& damage = packs->damage();
  // A pack that cannot be opened says more than one that has lost its Git index only.
  for (const bool whole_pack : {true, false}) {
    for (const PackSet::Damage& of_pack : damage) {
      if (of_pack.pack.empty() || of_pack.unreadable != whole_pack) continue;
      return fail(ErrorCode::kCorrupt, "{} is in none of the packs that can be used; {}", what,
                  of_pack.error.message);
    }
  }
  return fail(ErrorCode::kCorrupt, "{} is in none of the packs", what);
}

Result<EntryInfo> Store::info(const ObjectLocation& location, ReadContext& context,
                              const LookupId& id) const {
  std::optional<EntryInfo> info;
  TRY(impl_->try_copies(location, id, context, [&](const Impl::Place& place) -> Result<void> {
    const EntryInfo read = TRY(place.pack->reader.info_at(place.offset, context));
    TRY(check_place(place, read, context, id));
    info = read;
    return {};
  }));
  return *info;
}

Result<EntryInfo> proven_info(const Store& store, const ObjectLocation& location,
                              ReadContext& context, const LookupId& id) {
  if (!has_choice(*store.impl().packs(), id)) return store.info(location, context, id);
  std::optional<EntryInfo> info;
  TRY(store.impl().try_copies(location, id, context, [&](const Place& place) -> Result<void> {
    const EntryInfo read = TRY(place.pack->reader.info_at(place.offset, context));
    TRY(prove(place, read, context, id));
    info = read;
    return {};
  }));
  return *info;
}

Result<ObjectView> Store::get(const ObjectLocation& location, ReadContext& context,
                              const LookupId& id) const {
  std::optional<ObjectView> object;
  TRY(impl_->try_copies(location, id, context, [&](const Impl::Place& place) -> Result<void> {
    object = TRY(get_at(place, context, id));
    return {};
  }));
  return *object;
}

Result<ObjectType> Store::read(const ObjectLocation& location, ReadContext& context,
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

Result<void> Store::read_object(const ObjectLocation& location, ReadContext& context,
                                const ObjectSink& sink, const LookupId& id) const {
  // Once something was given, no other copy can take the place of the first.
  std::optional<Result<void>> given;
  const Result<void> read =
      impl_->try_copies(location, id, context, [&](const Impl::Place& place) -> Result<void> {
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
