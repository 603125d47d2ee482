// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/verify/verify_packs.h"

#include <algorithm>
#include <array>
#include <utility>

#include "bale/pack_verifier.h"
#include "base/damage.h"
#include "base/error.h"
#include "base/try.h"
#include "format/container.h"
#include "io/page_release.h"
#include "pack/read/index_view.h"
#include "store/core/read_check.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

// Of a file that verify reads: the finding names it, and the check goes on.
bool is_bad_file(const Error& error) {
  return is_damage(error) || error.code == ErrorCode::kUnsupported;
}

// Of a pack: nobody else's files are read.
bool is_bad_pack(const Error& error) {
  return is_damage(error) || is_unreadable(error);
}

Error without_git_index(const std::string& path, const Error& error) {
  if (error.code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kCorrupt, {HintKind::kRepair},
                "{}: it is missing, and without it no Git id leads into its pack", path);
  }
  return {ErrorCode::kCorrupt, error.message, {HintKind::kRepair}};
}

Error error_of(const PackSet::Damage& damage, const StoreLayout& layout) {
  if (damage.error.code == ErrorCode::kIo) return damage.error;
  const bool git_index = !damage.unreadable && !damage.pack.empty();
  if (git_index) return without_git_index(layout.git_index(damage.pack), damage.error);
  if (damage.pack.empty()) {
    return {ErrorCode::kCorrupt, damage.error.message, {HintKind::kRepair}};
  }
  return {ErrorCode::kCorrupt, damage.error.message, damage.error.hint};
}

// Compares a catalog with the indexes of its packs, pack by pack: each id of a pack is in the
// catalog, and each record of the catalog is met once, where its pack has it. So the catalog is
// complete, and none of its records leads astray.
class CatalogCheck {
 public:
  CatalogCheck(const Snapshot& store, const CatalogView& catalog, const Operation& operation)
      : store_(store), catalog_(catalog), operation_(operation) {}

  Result<void> run() {
    TRY(catalog_.check());
    bool with_git = true;
    for (std::uint32_t number = 0; number < catalog_.pack_count(); ++number) {
      const std::string name = catalog_.pack_name(number);
      const auto pack = TRY(open_pack(store_, shelf_of(store_).number_of(name)));
      for (std::uint64_t i = 0; i < pack->reader.record_count(); ++i) {
        if (i % kRecordsPerRelease == 0) TRY(rest(*pack));
        const IndexRecord record = TRY(pack->reader.record(i));
        TRY(meet(catalog_row(record.id.kind()), record.id.bytes(), number, record.offset));
      }
      if (!pack->git_index) {
        with_git = false;
        continue;
      }
      const GitIndexView& index = *pack->git_index;
      for (std::uint64_t i = 0; i < index.record_count(); ++i) {
        if (i % kRecordsPerRelease == 0) TRY(rest(*pack));
        TRY(meet(catalog_row(index.hash()), index.oid(i).bytes(), number, index.offset(i)));
      }
    }
    for (const CatalogRow row : kCatalogRows) {
      const bool is_git = row == CatalogRow::kSha1 || row == CatalogRow::kSha256;
      if ((is_git && !with_git) || met(row) == catalog_.record_count(row)) continue;
      return fail(ErrorCode::kCorrupt,
                  "{}: {} of its records lead to other places than the indexes of the packs",
                  layout_of(store_).catalog(), catalog_.record_count(row) - met(row));
    }
    return {};
  }

 private:
  std::uint64_t& met(CatalogRow row) { return met_.at(static_cast<std::size_t>(row)); }

  Result<void> rest(const StoredPack& pack) {
    if (operation_.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    operation_.progress({.phase = "checking the catalog"});
    catalog_.release_pages();
    pack.reader.release_pages();
    if (pack.git_index) pack.git_index->release_pages();
    return {};
  }

  Result<void> meet(CatalogRow row, Bytes key, std::uint32_t pack, std::uint64_t offset) {
    const auto found = catalog_.find(row, key);
    if (!found) {
      return fail(ErrorCode::kCorrupt, "{}: an id of the pack {} is not in it",
                  layout_of(store_).catalog(), catalog_.pack_name(pack));
    }
    if (found->pack == pack && found->offset == offset) ++met(row);
    return {};
  }

  const Snapshot store_;
  const CatalogView& catalog_;
  const Operation& operation_;
  std::array<std::uint64_t, kCatalogRows.size()> met_{};
};

// Whether there are packs in the catalog that cannot be opened.
Result<bool> any_closed(const Snapshot& store, const PackSet& packs) {
  for (const std::uint32_t number : packs.numbers()) {
    const auto opened = shelf_of(store).open(number);
    if (opened) continue;
    if (!is_bad_pack(opened.error())) return opened.error();
    return true;
  }
  return false;
}

Result<std::uint64_t> verify_ends(const Snapshot& store, const StoredPack& pack,
                                  VerifyFindings& findings) {
  const Result<IndexView> index =
      IndexView::open(store.file_system(), layout_of(store).index(pack.name));
  const Result<void> checked = index ? index->check_checksum() : Result<void>(index.error());
  if (!checked) TRY(findings.note_read(checked.error()));
  return pack.reader.entry_count();
}

Result<std::uint64_t> verify_whole(const Snapshot& store, const StoredPack& pack,
                                   const VerifyPacksOptions& options, VerifyFindings& findings) {
  const std::string path = layout_of(store).pack(pack.name);
  const Result<PackReport> checked =
      verify_pack(path, {.scratch_directory = options.scratch_directory,
                         .decode = false,
                         .work = {.memory_bytes = options.memory_bytes,
                                  .operation = *options.operation,
                                  .file_system = &store.file_system()}});
  if (!checked && checked.error().code == ErrorCode::kIo) {
    // The disk may not give a part of it: what it gives is checked object by object.
    const std::optional<Error> failure =
        TRY(read_failure(store.file_system(), path, *options.operation));
    if (!failure) return checked.error();
    TRY(findings.note_read(*failure));
    return pack.reader.entry_count();
  }
  if (!checked) return checked.error();
  for (const Error& error : checked->errors) TRY(findings.note(error));
  findings.omit(checked->errors_omitted);
  return checked->objects;
}

}  // namespace

Result<Snapshot> usable_packs(const Snapshot& store, bool all_packs, VerifyFindings& findings,
                              const Operation& operation) {
  std::shared_ptr<const PackSet> packs = packs_of(store);
  const StoreLayout& layout = layout_of(store);
  if (packs->catalog() != nullptr) {
    // With the catalog, the packs in it were not opened yet.
    bool usable = !TRY(any_closed(store, *packs));
    if (usable) {
      const CatalogView& catalog = *packs->catalog();
      const Result<void> checked =
          all_packs ? CatalogCheck(store, catalog, operation).run() : catalog.check();
      if (!checked && !is_bad_pack(checked.error())) return checked.error();
      usable = checked.has_value();
      // A pack that went meanwhile is no damage of the catalog.
      const bool went = !checked && checked.error().code == ErrorCode::kNotFound;
      const bool unread = !checked && checked.error().code == ErrorCode::kIo;
      if (!checked && !went && !unread) {
        TRY(findings.note(error_of({"", false, checked.error()}, layout)));
      }
    }
    if (!usable) packs = TRY(packs->without_catalog());
  }
  for (const PackSet::Damage& damage : packs->damage()) {
    if (damage.is_inaccessible()) findings.packs_are_unread();
    if (!damage.unreadable && !damage.pack.empty()) findings.git_index_is_lost();
    if (all_packs || damage.pack.empty()) {
      TRY(findings.note_read(error_of(damage, layout)));
    } else {
      findings.note_once_missing(error_of(damage, layout));
    }
  }
  return snapshot_of(std::move(packs));
}

Result<std::uint64_t> verify_packs(const Snapshot& store, const PackSet& packs,
                                   const VerifyPacksOptions& options, VerifyFindings& findings) {
  const StoreLayout& layout = layout_of(store);
  std::set<std::string> told;  // packs whose Git index was reported
  for (const PackSet::Damage& damage : packs.damage()) told.insert(damage.pack);
  std::uint64_t entries = 0;
  for (const std::uint32_t number : packs.numbers()) {
    const auto opened = open_pack(store, number);
    if (!opened) {
      if (opened.error().code == ErrorCode::kIo) findings.packs_are_unread();
      TRY(findings.note_read(opened.error()));
      continue;
    }
    const StoredPack& pack = **opened;
    entries += TRY(options.whole ? verify_whole(store, pack, options, findings)
                                 : verify_ends(store, pack, findings));
    if (pack.git_index) {
      const Result<void> checked = pack.git_index->check();
      if (!checked && !is_bad_file(checked.error())) return checked.error();
      if (!checked) {
        TRY(findings.note(without_git_index(layout.git_index(pack.name), checked.error())));
      }
    } else if (!told.contains(pack.name) && pack.git_index_error->code == ErrorCode::kIo) {
      findings.packs_are_unread();
      TRY(findings.note_read(*pack.git_index_error));
    } else if (!told.contains(pack.name)) {
      TRY(findings.note(without_git_index(layout.git_index(pack.name), *pack.git_index_error)));
    }
  }
  return entries;
}

}  // namespace bale
