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
#include "store/store_impl.h"

namespace bale {
namespace {

// How often packs may be collected between a look-up and the opening of what it led to.
constexpr int kAttempts = 10;

Error not_its_id(const PackReader& pack, std::uint64_t offset, ObjectType type,
                 const std::string& id) {
  return fail(ErrorCode::kCorrupt, "{}: entry at offset {}: the {} is not what its id {} says",
              pack.path(), offset, git_type_name(type), id);
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

Result<Store::Impl::Place> Store::Impl::open_at(const ObjectLocation& location,
                                                const std::optional<GitOid>& oid) const {
  ObjectLocation at = location;
  for (int attempt = 1;; ++attempt) {
    Result<std::shared_ptr<const StoredPack>> pack = open(at.pack);
    if (pack) return Place{std::move(*pack), at.offset};
    if (pack.error().code != ErrorCode::kNotFound || !oid || attempt == kAttempts) {
      return pack.error();
    }
    TRY(refresh());
    const auto found = packs()->find(*oid);
    if (!found) return pack.error();
    at = found->location;
  }
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
  const auto found = impl_->packs()->find(oid);
  if (!found) return std::nullopt;
  return found->location;
}

std::optional<ObjectLocation> Store::find(const ObjectId& id) const {
  return impl_->packs()->find(id);
}

Result<EntryInfo> Store::info(const ObjectLocation& location, ReadContext& context,
                              const std::optional<GitOid>& oid) const {
  const Impl::Place place = TRY(impl_->open_at(location, oid));
  return place.pack->reader.info_at(place.offset, context);
}

Result<ObjectView> Store::get(const ObjectLocation& location, ReadContext& context,
                              const std::optional<GitOid>& oid) const {
  const Impl::Place place = TRY(impl_->open_at(location, oid));
  const PackReader& from = place.pack->reader;
  const ObjectView object = TRY(from.get_at(place.offset, context));
  if (!is_store_id(object.id, object.type, object.payload)) {
    return not_its_id(from, place.offset, object.type, object.id.to_hex());
  }
  if (oid && git_oid(oid->hash(), object.type, object.payload) != *oid) {
    return not_its_id(from, place.offset, object.type, oid->to_hex());
  }
  return object;
}

Result<ObjectType> Store::read(const ObjectLocation& location, ReadContext& context,
                               const PackReader::PayloadSink& sink,
                               const std::optional<GitOid>& oid) const {
  const Impl::Place place = TRY(impl_->open_at(location, oid));
  const PackReader& from = place.pack->reader;
  const EntryInfo info = TRY(from.info_at(place.offset, context));
  TypedHasher hasher(info.type, info.size);
  std::optional<GitHasher> git_hasher;
  if (oid) git_hasher.emplace(oid->hash(), info.type, info.size);
  const ObjectType type = TRY(from.read_at(place.offset, context, [&](Bytes piece) -> Result<void> {
    hasher.update(piece);
    if (git_hasher) git_hasher->update(piece);
    return sink(piece);
  }));
  if (!hasher.is_store_id(info.id)) {
    return not_its_id(from, place.offset, type, info.id.to_hex());
  }
  if (git_hasher && git_hasher->finish() != *oid) {
    return not_its_id(from, place.offset, type, oid->to_hex());
  }
  return type;
}

}  // namespace bale
