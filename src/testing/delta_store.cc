// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Rebuilds a store's pack with deltas.

#include "testing/delta_store.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "bale/file_system.h"
#include "bale/pack_reader.h"
#include "base/error.h"
#include "base/try.h"
#include "codec/delta_encoder.h"
#include "store/core/git_index_builder.h"
#include "store/core/git_index_view.h"
#include "store/core/layout.h"

namespace bale {
namespace {

constexpr std::uint64_t kMemoryBytes = 64 << 20;
constexpr std::size_t kMostBaseBytes = 8 << 20;

Result<std::string> only_pack(FileSystem& files, const std::string& directory) {
  std::string name;
  for (const DirectoryEntry& entry : TRY(files.list(directory))) {
    if (!entry.name.ends_with(".pack")) continue;
    if (!name.empty())
      return fail(ErrorCode::kInvalidArgument, "{}: more than one pack", directory);
    name = entry.name.substr(0, entry.name.size() - 5);
  }
  return name;
}

// The newest object of a lineage.
struct Newest {
  EntryHandle handle;
  std::vector<std::byte> payload;
};

class Repacker {
 public:
  Repacker(PackReader pack, GitIndexView git_index, const DeltaStoreOptions& options)
      : pack_(std::move(pack)), git_index_(std::move(git_index)), options_(options) {}

  Result<PackSummary> run(const StoreLayout& layout);

 private:
  Result<void> add(PackBuilder& builder, std::uint64_t offset);
  Result<EntryHandle> add_object(PackBuilder& builder, const ObjectView& object, Newest* base);

  PackReader pack_;
  GitIndexView git_index_;
  const DeltaStoreOptions& options_;
  Budget budget_{kMemoryBytes};
  ReadContext context_{kMemoryBytes};
  std::optional<DeltaEncoder> encoder_;
  std::map<std::uint64_t, GitOid> oids_;      // by the offset in the old pack
  std::vector<std::optional<GitOid>> added_;  // by the ordinal in the new one
  std::map<std::pair<ObjectType, std::string>, Newest> newest_;
};

Result<EntryHandle> Repacker::add_object(PackBuilder& builder, const ObjectView& object,
                                         Newest* base) {
  if (base != nullptr && base->handle.depth < options_.most_depth && !object.payload.empty() &&
      base->handle.id != object.id) {
    std::vector<std::byte> program(object.payload.size() / 2);
    encoder_->index(base->payload);
    if (const auto size = encoder_->encode(object.payload, program)) {
      return builder.add_delta(object.id, base->handle, object.payload.size(),
                               Bytes(program).first(*size));
    }
  }
  return builder.add(object.id, object.type, object.payload);
}

Result<void> Repacker::add(PackBuilder& builder, std::uint64_t offset) {
  const ObjectView object = TRY(pack_.get_at(offset, context_));
  const auto oid = oids_.find(offset);
  added_.push_back(oid == oids_.end() ? std::nullopt : std::optional(oid->second));
  const bool in_a_lineage = object.id.kind() == IdKind::kContentHash && added_.back() &&
                            object.payload.size() <= kMostBaseBytes;
  if (!in_a_lineage) return TRY(add_object(builder, object, nullptr)), Result<void>();
  const std::string lineage = options_.lineage ? options_.lineage(oid->second) : "";
  const auto [place, is_new] = newest_.try_emplace({object.type, lineage});
  const EntryHandle handle = TRY(add_object(builder, object, is_new ? nullptr : &place->second));
  place->second = {handle, {object.payload.begin(), object.payload.end()}};
  return {};
}

Result<PackSummary> Repacker::run(const StoreLayout& layout) {
  for (std::uint64_t i = 0; i < git_index_.record_count(); ++i) {
    oids_.emplace(git_index_.offset(i), git_index_.oid(i));
  }
  std::vector<std::uint64_t> offsets;
  for (std::uint64_t i = 0; i < pack_.record_count(); ++i) {
    offsets.push_back(TRY(pack_.record(i)).offset);
  }
  std::sort(offsets.begin(), offsets.end());
  encoder_ = TRY(DeltaEncoder::create(budget_, kMostBaseBytes));
  GitIndexBuilder git_index = TRY(GitIndexBuilder::create(
      budget_, git_index_.hash(), {.memory_bytes = 16 << 20, .scratch_directory = layout.root}));
  std::size_t written = 0;
  PackBuilderOptions builder_options;
  builder_options.allow_huge = true;
  builder_options.work.sync = false;
  builder_options.on_entry = [&](const EntryPosition& entry) -> Result<void> {
    const auto& oid = added_[written++];
    return oid ? git_index.add(*oid, entry.offset) : Result<void>();
  };
  PackBuilder builder = TRY(PackBuilder::create(layout.packs() + "/new.pack", builder_options));
  for (const std::uint64_t offset : offsets) TRY(add(builder, offset));
  PackSummary summary = TRY(builder.finish());
  const auto file =
      TRY(posix_file_system().create(layout.git_index(summary.name), CreateMode::kTruncate));
  TRY_VOID(git_index.write(*file, budget_, summary.trailer));
  return summary;
}

}  // namespace

Result<PackSummary> repack_with_deltas(const std::string& path, const DeltaStoreOptions& options) {
  FileSystem& files = posix_file_system();
  const StoreLayout layout{path};
  const std::string old = TRY(only_pack(files, layout.packs()));
  PackReader pack = TRY(PackReader::open(layout.pack(old), {.access = PackAccess::kRead}));
  GitIndexView git_index = TRY(GitIndexView::open(files, layout.git_index(old), pack.trailer()));
  PackSummary summary = TRY(Repacker(std::move(pack), std::move(git_index), options).run(layout));
  for (const std::string& file : {layout.index(old), layout.pack(old), layout.git_index(old)}) {
    TRY(files.remove_file(file));
  }
  TRY(files.rename(layout.packs() + "/new.pack", layout.pack(summary.name)));
  TRY(files.rename(layout.packs() + "/new.idx", layout.index(summary.name)));
  return summary;
}

}  // namespace bale
