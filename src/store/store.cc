// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Opening a store, its packs and look-ups across them. Archives are in archives.cc.

#include "bale/store.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/try.h"
#include "hash/blake3.h"
#include "io/atomic_file.h"
#include "io/path.h"
#include "store/store_impl.h"

namespace bale {
namespace {

// The index pages that look-ups leave resident are given back now and then: each look-up touches
// about one group of pages that the system maps at once.
constexpr std::uint64_t kPageGroupBytes = 64 << 10;
constexpr std::uint64_t kMostResidentBytes = 16 << 20;

constexpr std::string_view kPackSuffix = ".pack";

// The names of packs that are there whole: both .pack and .idx.
std::vector<std::string> whole_packs(const std::vector<DirectoryEntry>& entries) {
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : entries) {
    if (!entry.name.ends_with(kPackSuffix)) continue;
    const std::string name = entry.name.substr(0, entry.name.size() - kPackSuffix.size());
    const bool indexed = std::any_of(entries.begin(), entries.end(), [&](const auto& other) {
      return other.name == name + ".idx";
    });
    if (indexed) names.push_back(name);
  }
  return names;
}

}  // namespace

Result<void> Store::init(const std::string& path, FileSystem* file_system) {
  FileSystem& files = file_system != nullptr ? *file_system : posix_file_system();
  const StoreLayout layout{path};
  const Result<std::vector<DirectoryEntry>> there = files.list(path);
  if (there && !there->empty()) {
    const bool is_store = files.stat(layout.mark()).has_value();
    return fail(ErrorCode::kInvalidArgument, "{}: {} (name a new or an empty directory)", path,
                is_store ? "there is a store already" : "the directory is not empty");
  }
  if (!there && there.error().code != ErrorCode::kNotFound) return there.error();
  if (!there) TRY(files.create_directory(path));
  for (const std::string& directory : {layout.packs(), layout.archives(), layout.staging()}) {
    TRY(files.create_directory(directory));
  }
  static_cast<void>(TRY(files.create(layout.lock(), CreateMode::kExclusive)));
  // The mark comes last: with it, everything else is there.
  AtomicFile mark = TRY(AtomicFile::create(files, layout.mark(), Visibility::kHidden));
  TRY(mark.file().write_at(0, as_bytes(kStoreMark)));
  TRY(mark.commit());
  // What is imported into it shall not be lost with the store's own name.
  return there ? Result<void>() : files.sync_directory(parent_directory(path));
}

Result<void> Store::remove_empty(const std::string& path, FileSystem* file_system) {
  FileSystem& files = file_system != nullptr ? *file_system : posix_file_system();
  const StoreLayout layout{path};
  const std::unique_ptr<FileLock> lock = TRY(files.try_lock(layout.lock(), LockMode::kExclusive));
  std::vector<std::string> locks;
  bool empty = lock != nullptr;
  for (const std::string& directory : {layout.packs(), layout.archives(), layout.staging()}) {
    const std::vector<DirectoryEntry> entries = TRY(files.list(directory));
    for (const DirectoryEntry& entry : entries) {
      if (directory == layout.archives() && is_archive_lock_name(entry.name)) {
        locks.push_back(directory + "/" + entry.name);
      } else {
        empty = false;
      }
    }
  }
  if (!empty) {
    return fail(ErrorCode::kInvalidArgument, "{}: the store is in use or not empty", path);
  }
  // The mark goes first: without it, nobody takes what is left for a store.
  TRY(files.remove_file(layout.mark()));
  for (const std::string& name : locks) TRY(files.remove_file(name));
  for (const std::string& directory : {layout.packs(), layout.archives(), layout.staging()}) {
    TRY(files.remove_directory(directory));
  }
  TRY(files.remove_file(layout.lock()));
  return files.remove_directory(path);
}

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
  if (content != kStoreMark) {
    if (content.starts_with("bale store ")) {
      return fail(ErrorCode::kUnsupported, "{}: a store of another version of bale", path);
    }
    return fail(ErrorCode::kCorrupt, "{}: not the mark of a store", layout.mark());
  }
  Store store(std::make_unique<Impl>(files, path));
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

Result<void> Store::Impl::refresh() {
  const std::vector<DirectoryEntry> entries = TRY(file_system_.list(layout_.packs()));
  std::vector<std::unique_ptr<StoredPack>> packs;
  index_bytes_ = 0;
  std::vector<std::pair<std::int64_t, std::string>> by_age;
  for (std::string& name : whole_packs(entries)) {
    const Result<FileInfo> info = file_system_.stat(layout_.pack(name));
    by_age.emplace_back(info ? -info->modified_ns : 0, std::move(name));
  }
  std::sort(by_age.begin(), by_age.end());
  for (const auto& aged : by_age) {
    const std::string& name = aged.second;
    const auto known = std::find_if(packs_.begin(), packs_.end(), [&](const auto& pack) {
      return pack != nullptr && pack->name == name;
    });
    if (known != packs_.end()) {
      packs.push_back(std::move(*known));
    } else {
      PackReader reader = TRY(PackReader::open(
          layout_.pack(name), {.access = PackAccess::kRead, .file_system = &file_system_}));
      std::optional<GitIndexView> git_index;
      Result<GitIndexView> opened =
          GitIndexView::open(file_system_, layout_.git_index(name), reader.trailer());
      if (opened) {
        git_index = std::move(*opened);
      } else if (opened.error().code != ErrorCode::kNotFound) {
        return opened.error();
      }
      packs.push_back(
          std::make_unique<StoredPack>(StoredPack{name, std::move(reader), std::move(git_index)}));
    }
    if (packs.back()->git_index) index_bytes_ += packs.back()->git_index->file_bytes();
  }
  packs_ = std::move(packs);
  return {};
}

void Store::Impl::count_lookup() const {
  if (index_bytes_ <= kMostResidentBytes) return;
  if (lookups_.fetch_add(1) % (kMostResidentBytes / kPageGroupBytes) != 0) return;
  for (const auto& pack : packs_) {
    pack->reader.release_pages();
    if (pack->git_index) pack->git_index->release_pages();
  }
}

std::optional<Store::Impl::GitFound> Store::Impl::find(const GitOid& oid) const {
  for (std::size_t i = 0; i < packs_.size(); ++i) {
    if (!packs_[i]->git_index) continue;
    count_lookup();
    if (const auto found = packs_[i]->git_index->find(oid)) {
      return GitFound{static_cast<std::uint32_t>(i), *found};
    }
  }
  return std::nullopt;
}

std::optional<ObjectLocation> Store::Impl::find(const ObjectId& id) const {
  for (std::size_t i = 0; i < packs_.size(); ++i) {
    count_lookup();
    if (const auto offset = packs_[i]->reader.find(id)) {
      return ObjectLocation{static_cast<std::uint32_t>(i), *offset};
    }
  }
  return std::nullopt;
}

std::uint32_t Store::pack_count() const {
  return static_cast<std::uint32_t>(impl_->packs().size());
}

const PackReader& Store::pack(std::uint32_t number) const {
  CHECK(number < impl_->packs().size());
  return impl_->packs()[number]->reader;
}

const std::string& Store::pack_name(std::uint32_t number) const {
  CHECK(number < impl_->packs().size());
  return impl_->packs()[number]->name;
}

std::optional<ObjectLocation> Store::find(const GitOid& oid) const {
  const auto found = impl_->find(oid);
  if (!found) return std::nullopt;
  return ObjectLocation{found->pack, found->found.offset};
}

std::optional<ObjectLocation> Store::find(const ObjectId& id) const {
  return impl_->find(id);
}

Result<ObjectView> Store::get(const ObjectLocation& location, ReadContext& context) const {
  const PackReader& from = pack(location.pack);
  const ObjectView object = TRY(from.get_at(location.offset, context));
  if (store_id(object.type, object.payload) != object.id) {
    return fail(ErrorCode::kCorrupt, "{}: entry at offset {}: the {} is not what its id {} says",
                from.path(), location.offset, to_string(object.type), object.id.to_hex());
  }
  return object;
}

Result<ObjectType> Store::read(const ObjectLocation& location, ReadContext& context,
                               const PackReader::PayloadSink& sink) const {
  const PackReader& from = pack(location.pack);
  const EntryInfo info = TRY(from.info_at(location.offset, context));
  TypedHasher hasher(info.type, info.size);
  const ObjectType type =
      TRY(from.read_at(location.offset, context, [&](Bytes piece) -> Result<void> {
        hasher.update(piece);
        return sink(piece);
      }));
  if (hasher.store_id() != info.id) {
    return fail(ErrorCode::kCorrupt, "{}: entry at offset {}: the {} is not what its id {} says",
                from.path(), location.offset, to_string(type), info.id.to_hex());
  }
  return type;
}

}  // namespace bale
