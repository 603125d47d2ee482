// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. Each row is one external sort of (key, pack, offset); packs are numbered newest
// first, so that of equal keys the first is the newest pack's. Two writers at once are no harm:
// each has a file of its own, and the one that comes last stays.

#include "store/catalog_builder.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/budget.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/try.h"
#include "format/catalog.h"
#include "io/atomic_file.h"
#include "pack/external_sorter.h"
#include "pack/hashed_writer.h"
#include "store/staging_area.h"
#include "store/store_impl.h"

namespace bale {
namespace {

constexpr std::size_t kWriteBufferBytes = 256 << 10;
constexpr std::uint64_t kMinMemoryBytes = 1 << 20;
constexpr std::uint64_t kRecordsPerRelease = 1 << 15;

// So many packs beside the catalog cost a look-up of what is nowhere about as much as the catalog
// does: small ones, and large ones (measured, see lookup_bench.cc). Large ones are borne all the
// same while they hold less than a part of what the catalog holds: rewriting it costs what all
// packs together cost, and each record shall be rewritten a few times, not once an import.
constexpr std::size_t kMostBeside = 16;
constexpr std::size_t kMostLargeBeside = 2;
constexpr std::uint64_t kPartBeside = 8;

bool catalog_is_due(const PackSet& packs) {
  if (packs.uncataloged_count() > kMostBeside) return true;
  const PackSet::LargeBeside large = packs.large_beside_catalog();
  if (large.packs <= kMostLargeBeside) return false;
  std::uint64_t cataloged = 0;
  if (const CatalogView* catalog = packs.catalog()) {
    for (const IdKind kind : {IdKind::kContentHash, IdKind::kChangeId}) {
      cataloged += catalog->record_count(catalog_row(kind));
    }
  }
  return large.records >= cataloged / kPartBeside;
}

class CatalogBuilder {
 public:
  CatalogBuilder(FileSystem& files, const StoreLayout& layout, const PackSet& packs,
                 const CatalogOptions& options)
      : files_(files),
        layout_(layout),
        packs_(packs),
        options_(options),
        budget_(std::max(options.memory_bytes, kMinMemoryBytes)) {}

  Result<void> write(const StagingArea& staging);

 private:
  Result<void> write_names(HashedWriter& out);
  template <std::size_t kBytes>
  Result<std::uint64_t> write_row(CatalogRow row, HashedWriter& out);

  // Gives the keys of one pack to `add`, with their offsets.
  template <typename Add>
  Result<void> for_each_key(const StoredPack& pack, CatalogRow row, const Add& add);

  FileSystem& files_;
  const StoreLayout& layout_;
  const PackSet& packs_;
  const CatalogOptions& options_;
  Budget budget_;
  std::string scratch_;
  std::vector<std::uint32_t> numbers_;  // on the shelf, of those that are in the catalog
};

Result<void> CatalogBuilder::write(const StagingArea& staging) {
  scratch_ = staging.path();
  AtomicFile file =
      TRY(AtomicFile::create(files_, staging.path() + "/catalog", Visibility::kHidden));
  HashedWriter out = TRY(HashedWriter::create(file.file(), 0, budget_, kWriteBufferBytes,
                                              "the write buffer of the catalog"));
  for (const std::uint32_t number : packs_.numbers()) {
    Digest name;
    if (parse_hex(packs_.shelf().name(number), name)) numbers_.push_back(number);
  }
  CatalogHeader header{.pack_count = numbers_.size()};
  TRY(out.append(Bytes(encode_catalog_header(header)).first(kCatalogCountsPosition)));
  std::array<Hole, 4> holes;
  for (Hole& hole : holes) hole = TRY(out.reserve(8));
  TRY(write_names(out));
  for (const CatalogRow row : kCatalogRows) {
    std::uint64_t count = 0;
    switch (catalog_record_bytes(row)) {
      case 32:
        count = TRY(write_row<32>(row, out));
        break;
      case 44:
        count = TRY(write_row<44>(row, out));
        break;
      default:
        count = TRY(write_row<28>(row, out));
    }
    std::array<std::byte, 8> bytes;
    store_be<std::uint64_t>(bytes.data(), count);
    TRY(out.fill(holes.at(static_cast<std::size_t>(row)), bytes));
  }
  TRY(out.append(catalog_trailer_magic()));
  const Digest checksum = out.digest();
  TRY(out.append(checksum));
  TRY(out.flush());
  TRY(file.commit({.sync = options_.sync, .staging_path = {}}));
  TRY(files_.rename(staging.path() + "/catalog", layout_.catalog()));
  return options_.sync ? files_.sync_directory(layout_.root) : Result<void>();
}

Result<void> CatalogBuilder::write_names(HashedWriter& out) {
  for (const std::uint32_t number : numbers_) {
    Digest name;
    static_cast<void>(parse_hex(packs_.shelf().name(number), name));
    TRY(out.append(name));
  }
  return {};
}

template <typename Add>
Result<void> CatalogBuilder::for_each_key(const StoredPack& pack, CatalogRow row, const Add& add) {
  if (row == CatalogRow::kSha1 || row == CatalogRow::kSha256) {
    if (pack.git_index_error) return *pack.git_index_error;
    if (catalog_row(pack.git_index->hash()) != row) return {};
    for (std::uint64_t i = 0; i < pack.git_index->record_count(); ++i) {
      if (i % kRecordsPerRelease == 0) pack.git_index->release_pages();
      TRY(add(pack.git_index->oid(i).bytes(), pack.git_index->offset(i)));
    }
    pack.git_index->release_pages();
    return {};
  }
  for (std::uint64_t i = 0; i < pack.reader.record_count(); ++i) {
    if (i % kRecordsPerRelease == 0) pack.reader.release_pages();
    const IndexRecord record = TRY(pack.reader.record(i));
    if (catalog_row(record.id.kind()) != row) continue;
    TRY(add(record.id.bytes(), record.offset));
  }
  pack.reader.release_pages();
  return {};
}

template <std::size_t kBytes>
Result<std::uint64_t> CatalogBuilder::write_row(CatalogRow row, HashedWriter& out) {
  using Sorter = ExternalSorter<kBytes>;
  Sorter sorter = TRY(Sorter::create(budget_, {.memory_bytes = budget_.free_bytes(),
                                               .file_system = &files_,
                                               .scratch_directory = scratch_,
                                               .operation = &options_.operation}));
  const std::size_t key_bytes = catalog_key_bytes(row);
  for (std::uint32_t number = 0; number < numbers_.size(); ++number) {
    const std::shared_ptr<const StoredPack> pack = TRY(packs_.shelf().open(numbers_[number]));
    TRY(for_each_key(*pack, row, [&](Bytes key, std::uint64_t offset) -> Result<void> {
      typename Sorter::Record record;
      std::copy(key.begin(), key.end(), record.begin());
      store_be<std::uint32_t>(record.data() + key_bytes, number);
      store_be<std::uint64_t>(record.data() + key_bytes + 4, offset);
      return sorter.add(record);
    }));
  }
  TRY(sorter.sort());
  typename Sorter::Record last{};
  std::uint64_t count = 0;
  while (const auto* record = TRY(sorter.next())) {
    if (count > 0 && std::memcmp(record->data(), last.data(), key_bytes) == 0) continue;
    last = *record;
    TRY(out.append(last));
    ++count;
  }
  return count;
}

}  // namespace

Result<void> write_catalog(FileSystem& file_system, const StoreLayout& layout, const PackSet& packs,
                           const CatalogOptions& options) {
  const StagingArea staging = TRY(StagingArea::create(file_system, layout));
  return CatalogBuilder(file_system, layout, packs, options).write(staging);
}

void keep_catalog_up(const Store& store, bool sync) {
  const std::shared_ptr<const PackSet> packs = store.impl().packs();
  if (!catalog_is_due(*packs)) return;
  static_cast<void>(write_catalog(store.file_system(), store.impl().layout(), *packs,
                                  {.sync = sync, .operation = {}})
                        .has_value());
}

}  // namespace bale
