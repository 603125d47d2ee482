// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Opening a store, and its snapshots. Making a store is in store_making.cc.

#include "bale/store.h"

#include <mutex>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "store/core/store_impl.h"

namespace bale {

class Store::Impl {
 public:
  Impl(std::shared_ptr<PackShelf> shelf, std::shared_ptr<const PackSet> packs)
      : shelf_(std::move(shelf)), packs_(std::move(packs)) {}

  [[nodiscard]] const std::shared_ptr<PackShelf>& shelf() const { return shelf_; }

  [[nodiscard]] std::shared_ptr<const PackSet> packs() const {
    const std::lock_guard lock(mutex_);
    return packs_;
  }

  void use(std::shared_ptr<const PackSet> packs) {
    const std::lock_guard lock(mutex_);
    packs_ = std::move(packs);
  }

 private:
  const std::shared_ptr<PackShelf> shelf_;
  mutable std::mutex mutex_;
  std::shared_ptr<const PackSet> packs_;
};

Result<Store> Store::open(const std::string& path, FileSystem* file_system) {
  FileSystem& files = file_system != nullptr ? *file_system : posix_file_system();
  const StoreLayout layout{path};
  const Result<std::unique_ptr<File>> mark = files.open(layout.mark());
  if (!mark && mark.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound, {HintKind::kCreateStore}, "{}: there is no store", path);
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
  auto shelf = std::make_shared<PackShelf>(files, layout, content == kStoreMark);
  std::shared_ptr<const PackSet> packs = TRY(PackSet::read(shelf));
  return Store(std::make_unique<Impl>(std::move(shelf), std::move(packs)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

const std::string& Store::path() const {
  return impl_->shelf()->layout().root;
}

FileSystem& Store::file_system() const {
  return impl_->shelf()->file_system();
}

Snapshot Store::snapshot() const {
  return snapshot_of(impl_->packs());
}

Result<Snapshot> Store::fresh_snapshot() const {
  return snapshot_of(TRY(PackSet::read(impl_->shelf())));
}

Result<void> Store::refresh() {
  impl_->use(TRY(PackSet::read(impl_->shelf())));
  return {};
}

}  // namespace bale
