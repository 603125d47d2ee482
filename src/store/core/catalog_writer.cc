// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. Each row is one external sort of (key, pack, offset); packs are numbered newest
// first, so that of equal keys the first is the newest pack's. Two writers at once are no harm:
// each has a file of its own, and the one that comes last stays.

#include "store/core/catalog_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/budget.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/try.h"
#include "format/catalog.h"
#include "format/hashed_writer.h"
#include "io/atomic_file.h"
#include "io/page_release.h"
#include "scratch/external_sorter.h"
#include "store/core/staging_area.h"

namespace bale {
namespace {

constexpr std::size_t kWriteBufferBytes = 256 << 10;
constexpr std::uint64_t kMinMemoryBytes = 1 << 20;

class CatalogWriter {
 public:
  CatalogWriter(FileSystem& files, PackShelf& shelf, const std::vector<std::uint32_t>& packs,
                std::string scratch_directory, const CatalogOptions& options)
      : files_(files),
        shelf_(shelf),
        scratch_(std::move(scratch_directory)),
        options_(options),
        budget_(std::max(options.memory_bytes, kMinMemoryBytes)) {
    for (const std::uint32_t number : packs) {
      if (has_digest_name(shelf, number)) numbers_.push_back(number);
    }
  }

  Result<void> write(File& file);

 private:
  Result<void> write_names(HashedWriter& out);
  template <std::size_t kBytes>
  Result<std::uint64_t> write_row(CatalogRow row, HashedWriter& out);

  // Gives the keys of one pack to `add`, with their offsets.
  template <typename Add>
  Result<void> for_each_key(const StoredPack& pack, CatalogRow row, const Add& add);

  FileSystem& files_;
  PackShelf& shelf_;
  const std::string scratch_;
  const CatalogOptions& options_;
  Budget budget_;
  std::vector<std::uint32_t> numbers_;  // on the shelf, of those that are in the catalog
};

Result<void> CatalogWriter::write(File& file) {
  HashedWriter out = TRY(
      HashedWriter::create(file, 0, budget_, kWriteBufferBytes, "the write buffer of the catalog"));
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
  return out.flush();
}

Result<void> CatalogWriter::write_names(HashedWriter& out) {
  for (const std::uint32_t number : numbers_) {
    Digest name;
    static_cast<void>(parse_hex(shelf_.name(number), name));
    TRY(out.append(name));
  }
  return {};
}

template <typename Add>
Result<void> CatalogWriter::for_each_key(const StoredPack& pack, CatalogRow row, const Add& add) {
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
    const Result<IndexRecord> record = pack.reader.record(i);
    // A record that makes no sense is one that no look-up in the pack finds either.
    if (!record || catalog_row(record->id.kind()) != row) continue;
    TRY(add(record->id.bytes(), record->offset));
  }
  pack.reader.release_pages();
  return {};
}

template <std::size_t kBytes>
Result<std::uint64_t> CatalogWriter::write_row(CatalogRow row, HashedWriter& out) {
  using Sorter = ExternalSorter<kBytes>;
  Sorter sorter = TRY(Sorter::create(budget_, {.memory_bytes = budget_.free_bytes(),
                                               .file_system = &files_,
                                               .scratch_directory = scratch_,
                                               .operation = &options_.operation}));
  const std::size_t key_bytes = catalog_key_bytes(row);
  for (std::uint32_t number = 0; number < numbers_.size(); ++number) {
    const std::shared_ptr<const StoredPack> pack = TRY(shelf_.open(numbers_[number]));
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

bool has_digest_name(const PackShelf& shelf, std::uint32_t number) {
  Digest name;
  return parse_hex(shelf.name(number), name);
}

Result<void> install_catalog(FileSystem& file_system, const StoreLayout& layout, PackShelf& shelf,
                             const std::vector<std::uint32_t>& packs,
                             const CatalogOptions& options) {
  const StagingArea staging = TRY(StagingArea::create(file_system, layout));
  const std::string path = staging.path() + "/catalog";
  AtomicFile file = TRY(AtomicFile::create(file_system, path, Visibility::kHidden));
  TRY(CatalogWriter(file_system, shelf, packs, staging.path(), options).write(file.file()));
  TRY(file.commit({.sync = options.sync, .staging_path = {}}));
  TRY(file_system.rename(path, layout.catalog()));
  return options.sync ? file_system.sync_directory(layout.root) : Result<void>();
}

Result<CatalogView> make_private_catalog(FileSystem& file_system, const std::string& directory,
                                         PackShelf& shelf, const std::vector<std::uint32_t>& packs,
                                         const CatalogOptions& options) {
  const std::unique_ptr<File> file = TRY(file_system.create_unnamed(directory));
  TRY(CatalogWriter(file_system, shelf, packs, directory, options).write(*file));
  return CatalogView::from_file(*file, "the catalog made in " + directory);
}

}  // namespace bale
