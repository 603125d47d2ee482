// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. The order of what happens to files is what makes a crash harmless: content before
// names, packs before the archive that points into them; the .idx last, because a pack counts only
// once it has one.

#include "store/core/staged_pack.h"

#include <algorithm>
#include <utility>

#include "bale/record.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "io/atomic_file.h"
#include "pack/build/builder_plan.h"
#include "store/core/archive_files.h"
#include "store/core/record_mark.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr std::uint64_t kMinGitIndexBytes = kMinSorterBytes + kGitIndexWriteBufferBytes;
constexpr std::uint64_t kCompareBytes = 32 << 20;

// An eighth: a record of Git's is smaller than one of ours and needs no base sorted with it, and
// the builder keeps recent objects too.
std::uint64_t git_index_memory(std::uint64_t memory_bytes) {
  return std::max(kMinGitIndexBytes, memory_bytes / 8);
}

PackBuilderOptions builder_options(int level, bool deltas) {
  PackBuilderOptions options;
  options.level = level;
  options.deltas = deltas;
  return options;
}

Error not_its_id(const ObjectId& id, ObjectType type) {
  return fail(ErrorCode::kCorrupt, "the {} is not what its id {} says", to_string(type),
              id.to_hex());
}

}  // namespace

StagedPack::StagedPack(const Snapshot& store, GitHash hash, const StagedPackOptions& options)
    : store_(store),
      hash_(hash),
      options_(options),
      git_index_budget_(git_index_memory(options.memory_bytes)) {}

std::uint64_t StagedPack::smallest_memory_bytes(int level, bool deltas) {
  const std::uint64_t smallest_builder =
      smallest_build_memory_bytes(builder_options(level, deltas));
  return std::max(smallest_builder + kMinGitIndexBytes, smallest_builder / 7 * 8 + 8);
}

std::uint64_t StagedPack::full_search_memory_bytes(int level) {
  // The Git index has an eighth.
  return std::max(smallest_memory_bytes(level, true), kFullSearchMemoryBytes / 7 * 8 + 8);
}

Result<std::unique_ptr<StagedPack>> StagedPack::create(const Snapshot& store, GitHash hash,
                                                       const StagedPackOptions& options) {
  const std::uint64_t smallest = smallest_memory_bytes(options.level, options.deltas);
  if (options.memory_bytes < smallest) {
    return fail(ErrorCode::kInvalidArgument, "packing at level {} needs at least {} of memory",
                options.level, memory_size(smallest));
  }
  std::unique_ptr<StagedPack> staged(new StagedPack(store, hash, options));
  TRY(staged->start());
  return staged;
}

Result<void> StagedPack::start() {
  area_.emplace(TRY(StagingArea::create(store_.file_system(), layout_of(store_))));
  git_index_ = TRY(GitIndexBuilder::create(
      git_index_budget_, hash_,
      {.memory_bytes = git_index_budget_.limit_bytes() - kGitIndexWriteBufferBytes,
       .file_system = &store_.file_system(),
       .scratch_directory = directory(),
       .operation = &options_.operation}));
  PackBuilderOptions builder = builder_options(options_.level, options_.deltas);
  builder.work.lanes = options_.lanes;
  builder.work.memory_bytes = options_.memory_bytes - git_index_budget_.limit_bytes();
  builder.scratch_directory = directory();
  builder.allow_huge = options_.allow_huge;
  builder.work.sync = options_.sync;
  builder.work.operation = options_.operation;
  builder.work.file_system = &store_.file_system();
  builder.on_entry = [this](const EntryPosition& entry) { return entry_written(entry); };
  builder_ = TRY(PackBuilder::create(directory() + "/new.pack", builder));
  return {};
}

// A content hash decides by itself whether two objects are the same; half of one, a change id, is
// compared by the bytes as well.
Result<void> StagedPack::check_change_id(const ObjectId& id, ObjectType type, Bytes payload) {
  if (id.kind() != IdKind::kChangeId) return {};
  const auto known = store_.find(id);
  if (!known) return {};
  if (!compare_context_) compare_context_.emplace(kCompareBytes);
  const Result<ObjectView> other = store_.get(*known, *compare_context_, id);
  if (!other) {
    // What cannot be read is no other object.
    const ErrorCode code = other.error().code;
    return code == ErrorCode::kCorrupt || code == ErrorCode::kIo ? Result<void>() : other.error();
  }
  if (other->type == type &&
      std::equal(payload.begin(), payload.end(), other->payload.begin(), other->payload.end())) {
    return {};
  }
  return fail(ErrorCode::kCorrupt, "two different objects have the change id {}", id.to_hex());
}

Result<void> StagedPack::entry_written(const EntryPosition& entry) {
  const std::optional<GitOid> oid = unplaced_.front();
  unplaced_.pop_front();
  return oid ? git_index_->add(*oid, entry.offset) : Result<void>();
}

Result<ObjectId> StagedPack::add(const std::optional<GitOid>& oid, ObjectType type, Bytes payload,
                                 std::uint64_t lineage) {
  const ObjectId id = store_id(type, payload);
  TRY(check_change_id(id, type, payload));
  unplaced_.emplace_back(oid);
  TRY_VOID(builder_->add(id, type, payload, {.lineage = lineage}));
  return id;
}

Result<void> StagedPack::begin(ObjectType type, std::uint64_t size) {
  const IdKind kind = type == ObjectType::kState ? IdKind::kChangeId : IdKind::kContentHash;
  streamed_.emplace(type, size);
  streamed_type_ = type;
  return builder_->begin_object(kind, type, size);
}

Result<void> StagedPack::write(Bytes piece) {
  if (streamed_) streamed_->update(piece);
  return builder_->write(piece);
}

Result<ObjectId> StagedPack::end(const std::optional<GitOid>& oid) {
  const ObjectId id = streamed_->store_id();
  streamed_.reset();
  unplaced_.emplace_back(oid);
  TRY_VOID(builder_->end_object(id));
  return id;
}

Result<void> StagedPack::add_stored(const std::optional<GitOid>& oid, const StoredEntry& entry) {
  unplaced_.emplace_back(oid);
  TRY_VOID(builder_->add_stored(entry));
  return {};
}

Result<void> StagedPack::begin_stored(const StoredEntry& entry) {
  return builder_->begin_stored(entry);
}

Result<void> StagedPack::end_stored(const std::optional<GitOid>& oid) {
  unplaced_.emplace_back(oid);
  TRY_VOID(builder_->end_stored());
  return {};
}

bool StagedPack::is_taken_for_record(ObjectType type, Bytes beginning) const {
  return type == ObjectType::kAction && !beginning.empty() && beginning.front() == std::byte{'{'} &&
         !records_are_marked(store_);
}

Result<void> StagedPack::add_as(const ObjectId& id, const std::optional<GitOid>& oid,
                                ObjectType type, Bytes payload, std::uint64_t lineage) {
  if (!is_store_id(id, type, payload)) return not_its_id(id, type);
  TRY(check_change_id(id, type, payload));
  unplaced_.emplace_back(oid);
  TRY_VOID(builder_->add(id, type, payload, {.lineage = lineage}));
  return {};
}

Result<void> StagedPack::end_as(const ObjectId& id, const std::optional<GitOid>& oid) {
  if (!streamed_->is_store_id(id)) return not_its_id(id, streamed_type_);
  streamed_.reset();
  unplaced_.emplace_back(oid);
  TRY_VOID(builder_->end_object(id));
  return {};
}

Result<ObjectId> StagedPack::add_record(const Record& record) {
  const std::string payload = TRY(encode_record(record));
  const ObjectId id = id_of_record(as_bytes(payload), records_are_marked(store_));
  unplaced_.emplace_back(std::nullopt);
  TRY_VOID(builder_->add(id, ObjectType::kAction, as_bytes(payload)));
  return id;
}

// The same entries make the same pack, and then the same indexes, unless Git knows them by ids of
// another hash. That takes two packs of blobs alone, without a record; but it must not lose ids.
Result<void> StagedPack::check_name_is_free(const InstalledPack& installed) const {
  const Result<GitIndexView> there = GitIndexView::open(
      store_.file_system(), layout_of(store_).git_index(installed.name), installed.summary.trailer);
  if (!there || there->hash() == hash_) return {};
  return fail(ErrorCode::kUnsupported,
              "{}: a pack with the same bytes is there, whose objects have Git ids of {}",
              layout_of(store_).pack(installed.name), to_string(there->hash()));
}

Result<InstalledPack> StagedPack::install() {
  FileSystem& files = store_.file_system();
  const StoreLayout& layout = layout_of(store_);
  InstalledPack installed;
  installed.summary = TRY(builder_->finish());
  installed.name = installed.summary.name;
  const std::string git_index_path = directory() + "/new.gitidx";
  {
    AtomicFile file = TRY(AtomicFile::create(files, git_index_path, Visibility::kHidden));
    installed.git_index_bytes =
        TRY(git_index_->write(file.file(), git_index_budget_, installed.summary.trailer));
    TRY(file.commit({.sync = options_.sync}));
  }
  TRY(check_name_is_free(installed));
  TRY(files.rename(git_index_path, layout.git_index(installed.name)));
  TRY(files.rename(directory() + "/new.idx", layout.index(installed.name)));
  // A power cut may keep later names and lose earlier ones, and a pack that is there has all three:
  // one without an index has lost it.
  if (options_.sync) TRY(files.sync_directory(layout.packs()));
  TRY(files.rename(directory() + "/new.pack", layout.pack(installed.name)));
  // One of this name that was damaged may be open.
  PackShelf& shelf = shelf_of(store_);
  shelf.close(shelf.number_of(installed.name));
  if (options_.sync) TRY(files.sync_directory(layout.packs()));
  return installed;
}

Result<void> move_archive(const Snapshot& store, const std::string& name, const ObjectId& record,
                          bool sync) {
  FileSystem& files = store.file_system();
  const StoreLayout& layout = layout_of(store);
  // Those of a pointer that is there were made durable before it.
  if (!files.stat(layout.archive(name))) {
    TRY(make_archive_directories(files, layout, name, sync));
  }
  AtomicFile pointer = TRY(AtomicFile::create(files, layout.archive(name), Visibility::kHidden));
  TRY(pointer.file().write_at(0, as_bytes(encode_archive_pointer(record))));
  return pointer.commit({.sync = sync, .staging_path = layout.new_archive(name)});
}

}  // namespace bale
