// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/known_losses.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "base/try.h"
#include "io/atomic_file.h"
#include "store/core/pack_set.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr std::size_t kListPieceBytes = 64 << 10;
constexpr std::string_view kMore = "more\n";

Result<void> remove_list(FileSystem& files, const StoreLayout& layout, bool sync) {
  const Result<void> removed = files.remove_file(layout.lost());
  if (!removed && removed.error().code == ErrorCode::kNotFound) return {};
  TRY(removed);
  return sync ? files.sync_directory(layout.root) : Result<void>();
}

// False for a malformed line, too.
bool is_stored(const Snapshot& store, std::string_view line) {
  const Result<GitOid> oid = GitOid::from_hex(line);
  return oid && store.find(*oid);
}

Result<bool> lists_missing_object(const Snapshot& store) {
  const Result<std::unique_ptr<File>> file = store.file_system().open(layout_of(store).lost());
  if (!file && file.error().code == ErrorCode::kNotFound) return false;
  if (!file) return file.error();
  std::string text(kListPieceBytes, '\0');
  for (std::uint64_t offset = 0;;) {
    const std::size_t got = TRY((*file)->read_at(
        offset, std::as_writable_bytes(std::span<char>(text.data(), text.size()))));
    if (got == 0) return false;
    const std::string_view piece = std::string_view(text).substr(0, got);
    std::size_t begin = 0;
    for (std::size_t end = piece.find('\n'); end != std::string_view::npos;
         end = piece.find('\n', begin)) {
      if (!is_stored(store, piece.substr(begin, end - begin))) return true;
      begin = end + 1;
    }
    if (begin == 0) return true;  // not a line of the list
    offset += begin;
  }
}

}  // namespace

Result<void> write_known_losses(FileSystem& files, const StoreLayout& layout,
                                const KnownLosses& losses, bool sync) {
  if (losses.oids.empty() && !losses.more) return remove_list(files, layout, sync);
  AtomicFile file = TRY(AtomicFile::create(files, layout.lost(), Visibility::kHidden));
  std::uint64_t offset = 0;
  std::string lines;
  const auto flush = [&]() -> Result<void> {
    TRY(file.file().write_at(offset, as_bytes(lines)));
    offset += lines.size();
    lines.clear();
    return {};
  };
  for (const GitOid& oid : losses.oids) {
    lines += oid.to_hex();
    lines += '\n';
    if (lines.size() >= kListPieceBytes) TRY(flush());
  }
  if (losses.more) lines += kMore;
  TRY(flush());
  return file.commit({.sync = sync});
}

bool has_known_losses(const Snapshot& store) {
  const std::shared_ptr<const PackSet> packs = packs_of(store);
  const auto is_lost = [](const PackSet::Damage& damage) {
    return damage.unreadable && !damage.is_inaccessible();
  };
  if (std::any_of(packs->damage().begin(), packs->damage().end(), is_lost)) return true;
  const Result<bool> listed = lists_missing_object(store);
  return !listed || *listed;
}

}  // namespace bale
