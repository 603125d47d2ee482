// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/pack_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "bale/pack_builder.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/try.h"
#include "pack/read/entry_decoder.h"
#include "pack/read/index_view.h"
#include "pack/read/pack_bytes.h"
#include "pack/read/read_context.h"

namespace bale {

class BALE_HIDDEN PackReader::Impl {
 public:
  Impl(PackBytes pack, IndexView index)
      : pack_(std::move(pack)), index_(std::move(index)), decoder_(pack_, index_) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] const PackBytes& pack() const { return pack_; }

  [[nodiscard]] const IndexView& index() const { return index_; }

  [[nodiscard]] const EntryDecoder& decoder() const { return decoder_; }

  // Where the index says that `id` lies; the entry's beginning is on its way from memory.
  Result<std::uint64_t> locate(const ObjectId& id) const {
    const auto offset = index_.find(id);
    if (!offset) return not_found(id);
    pack_.prefetch(*offset);
    return *offset;
  }

  [[nodiscard]] Error not_found(const ObjectId& id) const {
    return fail(ErrorCode::kNotFound, "{}: there is no object {}", pack_.path(), id.to_hex());
  }

 private:
  PackBytes pack_;
  IndexView index_;
  EntryDecoder decoder_;
};

Result<PackReader> PackReader::open(const std::string& pack_path,
                                    const PackReaderOptions& options) {
  FileSystem& file_system =
      options.file_system != nullptr ? *options.file_system : posix_file_system();
  const std::string index_path =
      options.index_path.empty() ? default_index_path(pack_path) : options.index_path;
  PackBytes pack = TRY(PackBytes::open(file_system, pack_path, options.access));
  Result<IndexView> index = IndexView::open(file_system, index_path);
  if (!index && index.error().code == ErrorCode::kNotFound) {
    return fail(ErrorCode::kNotFound, {HintKind::kRebuildIndex},
                "{}: there is no index beside the pack", index_path);
  }
  if (!index) return index.error();
  if (index->trailer() && index->trailer()->pack_trailer != pack.trailer()) {
    return fail(ErrorCode::kCorrupt, {HintKind::kRebuildIndex},
                "{}: the index of another pack than {}", index_path, pack_path);
  }
  // An index with a trailer may have fewer records: of an id that repeats it keeps the first entry.
  // In one without, a missing record would be an object silently lost.
  const bool count_fits = index->trailer() ? index->record_count() <= pack.entry_count()
                                           : index->record_count() == pack.entry_count();
  if (!count_fits) {
    return fail(ErrorCode::kCorrupt, {HintKind::kRebuildIndex}, "{}: {} for a pack of {}",
                index_path, counted(index->record_count(), "record"),
                counted(pack.entry_count(), "entry"));
  }
  return PackReader(std::make_unique<Impl>(std::move(pack), std::move(*index)));
}

PackReader::PackReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PackReader::PackReader(PackReader&&) noexcept = default;
PackReader& PackReader::operator=(PackReader&&) noexcept = default;
PackReader::~PackReader() = default;

const std::string& PackReader::path() const {
  return impl_->pack().path();
}

std::uint64_t PackReader::entry_count() const {
  return impl_->pack().entry_count();
}

std::uint64_t PackReader::record_count() const {
  return impl_->index().record_count();
}

std::uint64_t PackReader::pack_bytes() const {
  return impl_->pack().file_bytes();
}

const std::array<std::byte, 32>& PackReader::trailer() const {
  return impl_->pack().trailer();
}

std::optional<std::uint64_t> PackReader::find(const ObjectId& id) const {
  return impl_->index().find(id);
}

Result<void> PackReader::find_many(std::span<const ObjectId> ids,
                                   std::span<std::optional<std::uint64_t>> offsets) const {
  if (ids.size() != offsets.size()) {
    return fail(ErrorCode::kInvalidArgument, "{} are looked up, with room for {}",
                counted(ids.size(), "id"), counted(offsets.size(), "offset"));
  }
  impl_->index().find_many(ids, offsets);
  return {};
}

Result<IndexRecord> PackReader::record(std::uint64_t position) const {
  if (position >= record_count()) {
    return fail(ErrorCode::kInvalidArgument, "{}: there is no record {} in an index of {}", path(),
                position, counted(record_count(), "record"));
  }
  return impl_->index().record(position);
}

std::uint64_t PackReader::lower_bound(const ObjectId& id) const {
  return impl_->index().lower_bound(id);
}

Result<EntryInfo> PackReader::info(const ObjectId& id, ReadContext& context) const {
  const std::uint64_t offset = TRY(impl_->locate(id));
  TRY_VOID(impl_->decoder().header_of(id, offset, read_memory(context)));
  return info_at(offset, context);
}

Result<EntryInfo> PackReader::info_at(std::uint64_t offset, ReadContext& context) const {
  return impl_->decoder().info(offset, read_memory(context));
}

Result<ObjectView> PackReader::get(const ObjectId& id, ReadContext& context) const {
  const std::uint64_t offset = TRY(impl_->locate(id));
  return impl_->decoder().get(id, offset, read_memory(context));
}

Result<ObjectView> PackReader::get_at(std::uint64_t offset, ReadContext& context) const {
  return impl_->decoder().get(offset, read_memory(context));
}

Result<void> PackReader::get_many(std::span<const ObjectId> ids, ReadContext& context,
                                  const ObjectSink& sink) const {
  std::array<std::optional<std::uint64_t>, IndexView::kLookupsAtOnce> offsets;
  for (std::size_t begin = 0; begin < ids.size(); begin += offsets.size()) {
    const auto group = ids.subspan(begin, std::min(ids.size() - begin, offsets.size()));
    impl_->index().find_many(group, std::span(offsets).first(group.size()));
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (offsets[i]) impl_->pack().prefetch(*offsets[i]);
    }
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (offsets[i]) {
        TRY(sink(begin + i, impl_->decoder().get(group[i], *offsets[i], read_memory(context))));
      } else {
        TRY(sink(begin + i, impl_->not_found(group[i])));
      }
    }
  }
  return {};
}

Result<ObjectType> PackReader::read(const ObjectId& id, ReadContext& context,
                                    const PayloadSink& sink) const {
  const std::uint64_t offset = TRY(impl_->locate(id));
  const EntryHeader header = TRY(impl_->decoder().header_of(id, offset, read_memory(context)));
  return impl_->decoder().read(offset, header, read_memory(context), sink);
}

Result<ObjectType> PackReader::read_at(std::uint64_t offset, ReadContext& context,
                                       const PayloadSink& sink) const {
  return impl_->decoder().read(offset, read_memory(context), sink);
}

Result<StoredEntry> PackReader::stored_at(std::uint64_t offset, std::uint64_t most_stored_bytes,
                                          ReadContext& context) const {
  return impl_->decoder().stored(offset, most_stored_bytes, read_memory(context));
}

Result<void> PackReader::read_stored(std::uint64_t offset, ReadContext& context,
                                     const PayloadSink& sink) const {
  return impl_->decoder().read_stored(offset, read_memory(context), sink);
}

void PackReader::release_pages() const {
  impl_->pack().release_pages();
  impl_->index().release_pages();
}

}  // namespace bale
