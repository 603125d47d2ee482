// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The streaming builder: see bale/pack_builder.h for what it promises.
//
//   add -> EntryBlock (encoded as if raw) -> BlockPipeline: zstd on lanes
//                                            -> PackStream (append-only, hashes as it writes)
//                                            -> IndexBuilder (external sort of id and offset)
//   finish -> trailer, index, fsync, rename
//
// The first error is kept and returned for ever after: a writer that has failed once may have left
// a hole, and must never close over it with a valid checksum.

#include "bale/pack_builder.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bale/pack_reader.h"
#include "base/budget.h"
#include "base/counted.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/lanes.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "format/entry.h"
#include "io/path.h"
#include "pack/build/block_pipeline.h"
#include "pack/build/builder_plan.h"
#include "pack/build/index_builder.h"
#include "pack/build/object_feeder.h"
#include "pack/build/pack_stream.h"
#include "pack/build/pack_target.h"

namespace bale {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

FileSystem& file_system_of(const PackBuilderOptions& options) {
  return options.work.file_system != nullptr ? *options.work.file_system : posix_file_system();
}

}  // namespace

class BALE_HIDDEN PackBuilder::Impl {
 public:
  Impl(const PackBuilderOptions& options, const BuilderPlan& plan, PackTarget target)
      : options_(options),
        plan_(plan),
        budget_(options.work.memory_bytes),
        target_(std::move(target)),
        lanes_(plan.pipeline.lanes) {}

  static Result<std::unique_ptr<Impl>> start(PackTarget target, const PackBuilderOptions& options,
                                             const BuilderPlan& plan);

  // Runs one step of the caller's, unless an earlier one failed; keeps the first error.
  template <typename Step>
  auto guarded(Step step) -> decltype(step()) {
    if (first_error_) return *first_error_;
    auto result = step();
    if (!result) first_error_ = result.error();
    return result;
  }

  // The builder is used up: only this error is left to give.
  void use_up() { first_error_ = fail(ErrorCode::kInvalidArgument, "the builder has finished"); }

  Result<EntryHandle> add(const ObjectId& id, ObjectType type, Bytes payload,
                          const BaseHints& hints);
  Result<void> begin_object(IdKind kind, ObjectType type, std::uint64_t size);
  Result<void> write(Bytes piece);
  Result<EntryHandle> end_object(const ObjectId& id, const BaseHints& hints);
  Result<EntryHandle> add_delta(const ObjectId& id, const EntryHandle& base, std::uint64_t size,
                                Bytes program);
  Result<EntryHandle> add_stored(const StoredEntry& entry);
  Result<void> begin_stored(const StoredEntry& entry);
  Result<EntryHandle> end_stored();
  Result<std::uint64_t> flush();
  Result<PackSummary> finish();
  Result<PackInMemory> finish_in_memory();

 private:
  Result<void> start();

  [[nodiscard]] EntryBlock::Treatment treatment(std::uint64_t size) const {
    const bool compress = options_.compress && size >= options_.min_compress_bytes && size > 0;
    return compress ? EntryBlock::Treatment::kTryToCompress : EntryBlock::Treatment::kAsItIs;
  }

  [[nodiscard]] EntryHints entry_hints(const BaseHints& hints) const;
  [[nodiscard]] std::function<Result<void>(std::uint64_t, std::uint64_t)> duplicates_to_log();
  Result<void> admit(std::uint64_t size);
  Result<EntryHeader> admit_stored(const StoredEntry& entry);
  Result<EntryHandle> record(const EntryHandle& handle);
  Result<EntryHandle> record_stored(const EntryHeader& header);
  Result<void> tell_entries();

  PackBuilderOptions options_;
  BuilderPlan plan_;
  Budget budget_;
  PackTarget target_;
  Lanes lanes_;
  std::optional<PackStream> stream_;
  std::optional<IndexBuilder> index_;
  std::unique_ptr<DeltaStage> deltas_;
  std::unique_ptr<BlockPipeline> pipeline_;  // ends first: it works on all of the above
  std::optional<ObjectFeeder> feeder_;
  bool feeds_stored_ = false;           // what is being fed is an entry as it is stored
  std::vector<std::uint64_t> offsets_;  // of entries to be told about
  std::uint64_t told_entries_ = 0;
  PackSummary summary_;
  std::optional<Error> first_error_;
};

std::function<Result<void>(std::uint64_t, std::uint64_t)> PackBuilder::Impl::duplicates_to_log() {
  if (!plan_.deltas) return {};
  return [this](std::uint64_t first, std::uint64_t duplicate) {
    return deltas_->log().note_duplicate(first, duplicate);
  };
}

Result<void> PackBuilder::Impl::start() {
  stream_ = TRY(
      PackStream::create(target_.pack_file(), target_.pack_position(), options_.declared_count));
  index_ = TRY(IndexBuilder::create(budget_, {.memory_bytes = plan_.sort_bytes,
                                              .file_system = &target_.file_system(),
                                              .scratch_directory = options_.scratch_directory,
                                              .operation = &options_.work.operation,
                                              .lanes = &lanes_,
                                              .on_duplicate = duplicates_to_log()}));
  if (plan_.deltas) {
    deltas_ = TRY(DeltaStage::create(*plan_.deltas, budget_, target_.pack_file(),
                                     target_.pack_position(), target_.file_system(),
                                     target_.is_in_memory() ? "/" : options_.scratch_directory));
  }
  pipeline_ =
      TRY(BlockPipeline::create(plan_.pipeline, budget_, lanes_, *stream_, *index_, deltas_.get()));
  feeder_.emplace(*pipeline_, budget_, options_.work.operation);
  return {};
}

Result<void> PackBuilder::Impl::admit(std::uint64_t size) {
  if (options_.work.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  if (feeder_->is_open()) {
    return fail(ErrorCode::kInvalidArgument,
                "an object is added while the payload of another is still being fed");
  }
  if (size > kMaxObjectBytes && !options_.allow_huge) {
    return fail(ErrorCode::kLimitExceeded,
                "an object has {} bytes, and other readers of the format take 1 GiB at most (allow "
                "huge objects to store it all the same)",
                size);
  }
  if (options_.declared_count && summary_.objects == *options_.declared_count) {
    return fail(ErrorCode::kInvalidArgument, "expected {}, and there are more",
                counted(*options_.declared_count, "object"));
  }
  return {};
}

Result<EntryHandle> PackBuilder::Impl::record(const EntryHandle& handle) {
  EntryHandle placed = handle;
  placed.ordinal = summary_.objects++;
  summary_.bytes_in += handle.size;
  if (options_.on_entry) TRY(tell_entries());
  return placed;
}

// Passes on what the lanes have placed since the last time.
Result<void> PackBuilder::Impl::tell_entries() {
  pipeline_->take_offsets(offsets_);
  for (const std::uint64_t offset : offsets_) {
    TRY(options_.on_entry({.ordinal = told_entries_++, .offset = offset}));
  }
  return {};
}

EntryHints PackBuilder::Impl::entry_hints(const BaseHints& hints) const {
  EntryHints known{.lineage = hints.lineage};
  for (const EntryHandle& base : hints.bases) {
    if (known.given_count == known.given.size()) break;
    if (base.id.kind() != IdKind::kContentHash || base.ordinal >= summary_.objects) continue;
    known.given[known.given_count++] = base.ordinal;
  }
  return known;
}

Result<EntryHandle> PackBuilder::Impl::add(const ObjectId& id, ObjectType type, Bytes payload,
                                           const BaseHints& hints) {
  if (!ObjectFeeder::fits_a_block(payload.size())) {
    TRY(begin_object(id.kind(), type, payload.size()));
    TRY(write(payload));
    return end_object(id, hints);
  }
  TRY(admit(payload.size()));
  const EntryHeader header{
      .id = id, .type = entry_type(type), .size = payload.size(), .stored_size = payload.size()};
  TRY(feeder_->add(header, payload, treatment(payload.size()), entry_hints(hints)));
  return record({.id = id, .type = type, .size = payload.size()});
}

Result<void> PackBuilder::Impl::begin_object(IdKind kind, ObjectType type, std::uint64_t size) {
  TRY(admit(size));
  return feeder_->begin(
      {.id = unknown_id(kind), .type = entry_type(type), .size = size, .stored_size = size},
      treatment(size));
}

Result<void> PackBuilder::Impl::write(Bytes piece) {
  return feeder_->write(piece);
}

Result<EntryHandle> PackBuilder::Impl::end_object(const ObjectId& id, const BaseHints& hints) {
  if (feeds_stored_)
    return fail(ErrorCode::kInvalidArgument, "begin_stored() ends in end_stored()");
  const EntryHeader ended = TRY(feeder_->end(id, entry_hints(hints)));
  return record({.id = id, .type = ended.object_type(), .size = ended.size});
}

Result<EntryHandle> PackBuilder::Impl::add_delta(const ObjectId& id, const EntryHandle& base,
                                                 std::uint64_t size, Bytes program) {
  TRY(admit(size));
  if (options_.deltas) {
    return fail(ErrorCode::kInvalidArgument,
                "a builder that makes deltas itself takes none from its caller");
  }
  if (base.id.kind() != IdKind::kContentHash || base.id == id) {
    return fail(ErrorCode::kInvalidArgument,
                "object {} cannot be a delta against {}: a base is another object, known by a "
                "content hash",
                id.to_hex(), base.id.to_hex());
  }
  if (base.ordinal >= summary_.objects) {
    return fail(ErrorCode::kInvalidArgument, "the base {} is of another builder", base.id.to_hex());
  }
  if (base.depth >= kMaxWrittenDepth) {
    return fail(ErrorCode::kInvalidArgument, "{} is already {} away from a whole object",
                base.id.to_hex(), counted(static_cast<std::uint64_t>(base.depth), "delta"));
  }
  if (size > kMaxDeltaObjectBytes || program.size() > kFrameBytes) {
    return fail(ErrorCode::kInvalidArgument,
                "object {} is too large for a delta ({} bytes by a program of {}; 128 MiB by a "
                "program of 1 MiB are the limits)",
                id.to_hex(), size, program.size());
  }
  // Stored raw it would be taken for zstd.
  const bool looks_like_zstd = starts_with_zstd_magic(program);
  if (looks_like_zstd && !options_.compress) {
    return fail(ErrorCode::kInvalidArgument,
                "the program for {} looks like zstd and would have to be compressed to be stored",
                id.to_hex());
  }
  const EntryHeader header{.id = id,
                           .type = EntryType::kDelta,
                           .size = size,
                           .stored_size = program.size(),
                           .base = base.id};
  TRY(feeder_->add(
      header, program,
      looks_like_zstd ? EntryBlock::Treatment::kTryToCompress : treatment(program.size())));
  ++summary_.deltas;
  return record({.id = id, .type = base.type, .size = size, .depth = base.depth + 1});
}

Result<std::uint64_t> PackBuilder::Impl::flush() {
  TRY(feeder_->submit_all());
  TRY(pipeline_->drain());
  if (options_.on_entry) TRY(tell_entries());
  return stream_->stable_bytes();
}

Result<PackSummary> PackBuilder::Impl::finish() {
  const auto start = Clock::now();
  if (feeder_->is_open()) return feeder_->wrong_size();
  if (options_.declared_count && summary_.objects != *options_.declared_count) {
    return fail(ErrorCode::kInvalidArgument, "expected {}, and {} came",
                counted(*options_.declared_count, "object"), summary_.objects);
  }
  TRY_VOID(flush());
  summary_.bytes_stored = pipeline_->stored_bytes();
  if (deltas_ != nullptr) summary_.deltas = pipeline_->deltas();
  feeder_.reset();
  pipeline_.reset();
  if (deltas_ != nullptr) deltas_->finish();
  const PackStream::Finished finished = TRY(stream_->finish(summary_.objects));
  summary_.trailer = finished.trailer;
  summary_.name = to_hex(finished.name);
  summary_.pack_bytes = finished.pack_bytes;
  const auto write_index = [&](File& file) -> Result<void> {
    // The lanes' buffers are free now: more for the merge.
    const std::uint64_t log_bytes = deltas_ != nullptr ? EntryLog::kBufferBytes : 0;
    const IndexSummary index =
        TRY(index_->write(file, budget_, finished.trailer,
                          options_.work.memory_bytes - kIndexWriteBufferBytes - log_bytes));
    if (deltas_ != nullptr) TRY(deltas_->log().check_depths());
    summary_.duplicates = index.duplicates;
    summary_.index_bytes = index.index_bytes;
    summary_.scratch_bytes = index.scratch_bytes;
    return {};
  };
  summary_.sync_seconds = TRY(target_.commit(write_index, options_.work.sync)).sync_seconds;
  summary_.finish_seconds = seconds_since(start) - summary_.sync_seconds;
  return summary_;
}

Result<PackInMemory> PackBuilder::Impl::finish_in_memory() {
  if (!target_.is_in_memory()) {
    return fail(ErrorCode::kInvalidArgument, "this builder does not build in memory");
  }
  PackInMemory built;
  built.summary = TRY(finish());
  built.pack = TRY(target_.take_pack());
  built.index = TRY(target_.take_index());
  return built;
}

PackBuilder::PackBuilder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

PackBuilder::PackBuilder(PackBuilder&&) noexcept = default;
PackBuilder& PackBuilder::operator=(PackBuilder&&) noexcept = default;
PackBuilder::~PackBuilder() = default;

Result<std::unique_ptr<PackBuilder::Impl>> PackBuilder::Impl::start(
    PackTarget target, const PackBuilderOptions& options, const BuilderPlan& plan) {
  auto impl = std::make_unique<Impl>(options, plan, std::move(target));
  TRY(impl->start());
  return impl;
}

Result<PackBuilder> PackBuilder::create(const std::string& pack_path,
                                        const PackBuilderOptions& options,
                                        const std::string& index_path) {
  const BuilderPlan plan = TRY(plan_builder(options));
  PackBuilderOptions with_scratch = options;
  if (with_scratch.scratch_directory.empty()) {
    with_scratch.scratch_directory = parent_directory(pack_path);
  }
  PackTarget target =
      TRY(PackTarget::for_paths(file_system_of(options), pack_path,
                                index_path.empty() ? default_index_path(pack_path) : index_path));
  return PackBuilder(TRY(Impl::start(std::move(target), with_scratch, plan)));
}

Result<PackBuilder> PackBuilder::append_to(File& file, std::uint64_t position, File& index,
                                           const PackBuilderOptions& options) {
  const BuilderPlan plan = TRY(plan_builder(options));
  PackTarget target = TRY(PackTarget::for_files(file_system_of(options), file, position, index));
  return PackBuilder(TRY(Impl::start(std::move(target), options, plan)));
}

Result<PackBuilder> PackBuilder::in_memory(const PackBuilderOptions& options) {
  const BuilderPlan plan = TRY(plan_builder(options));
  PackBuilderOptions without_scratch = options;
  without_scratch.scratch_directory.clear();
  PackTarget target = TRY(PackTarget::in_memory());
  return PackBuilder(TRY(Impl::start(std::move(target), without_scratch, plan)));
}

Result<EntryHandle> PackBuilder::add(const ObjectId& id, ObjectType type, Bytes payload,
                                     const BaseHints& hints) {
  return impl_->guarded([&] { return impl_->add(id, type, payload, hints); });
}

Result<void> PackBuilder::begin_object(IdKind kind, ObjectType type, std::uint64_t size) {
  return impl_->guarded([&] { return impl_->begin_object(kind, type, size); });
}

Result<void> PackBuilder::write(Bytes piece) {
  return impl_->guarded([&] { return impl_->write(piece); });
}

Result<EntryHandle> PackBuilder::end_object(const ObjectId& id, const BaseHints& hints) {
  return impl_->guarded([&] { return impl_->end_object(id, hints); });
}

Result<EntryHandle> PackBuilder::add_delta(const ObjectId& id, const EntryHandle& base,
                                           std::uint64_t size, Bytes program) {
  return impl_->guarded([&] { return impl_->add_delta(id, base, size, program); });
}

Result<std::uint64_t> PackBuilder::flush() {
  return impl_->guarded([&] { return impl_->flush(); });
}

Result<PackSummary> PackBuilder::finish() {
  auto summary = impl_->guarded([&] { return impl_->finish(); });
  if (summary) impl_->use_up();
  return summary;
}

Result<PackInMemory> PackBuilder::finish_in_memory() {
  auto built = impl_->guarded([&] { return impl_->finish_in_memory(); });
  if (built) impl_->use_up();
  return built;
}

std::string default_index_path(const std::string& pack_path) {
  constexpr std::string_view kSuffix = ".pack";
  const bool named_so = pack_path.size() > kSuffix.size() && pack_path.ends_with(kSuffix);
  return pack_path.substr(0, pack_path.size() - (named_so ? kSuffix.size() : 0)) + ".idx";
}

// Entries of other packs are taken over as they are stored. They go the way of objects that are not
// compressed; only the header is written again, in its shortest form. finish() proves that a
// delta's base is there, as for all deltas.

// The header to be written for it.
Result<EntryHeader> PackBuilder::Impl::admit_stored(const StoredEntry& entry) {
  TRY(admit(std::max(entry.size, entry.stored_size)));
  if (options_.deltas) {
    return fail(ErrorCode::kInvalidArgument,
                "a builder that makes deltas itself takes no stored entries: it would not know how "
                "deep they are");
  }
  EntryHeader header{.id = entry.id, .size = entry.size, .stored_size = entry.stored_size};
  if (!entry.is_delta()) {
    header.type = entry_type(*entry.type);
    return header;
  }
  header.type = EntryType::kDelta;
  header.base = entry.base;
  if (entry.base.kind() != IdKind::kContentHash || entry.base == entry.id) {
    return fail(ErrorCode::kInvalidArgument,
                "object {} cannot be a delta against {}: a base is another object, known by a "
                "content hash",
                entry.id.to_hex(), entry.base.to_hex());
  }
  if (entry.size > kMaxDeltaObjectBytes) {
    return fail(ErrorCode::kInvalidArgument,
                "object {} of {} bytes is too large for a delta (128 MiB are the limit)",
                entry.id.to_hex(), entry.size);
  }
  return header;
}

// How deep a delta is nobody knows here, so none may lean on it.
Result<EntryHandle> PackBuilder::Impl::record_stored(const EntryHeader& header) {
  EntryHandle handle{.id = header.id, .size = header.size};
  if (header.is_delta()) {
    ++summary_.deltas;
    handle.depth = kMaxWrittenDepth;
  } else {
    handle.type = header.object_type();
  }
  return record(handle);
}

Result<EntryHandle> PackBuilder::Impl::add_stored(const StoredEntry& entry) {
  if (entry.stored.size() != entry.stored_size) {
    return fail(ErrorCode::kInvalidArgument,
                "object {} is stored in {} bytes, and {} were given (begin_stored() takes what is "
                "not in memory)",
                entry.id.to_hex(), entry.stored_size, entry.stored.size());
  }
  if (!ObjectFeeder::fits_a_block(entry.stored_size)) {
    TRY(begin_stored(entry));
    TRY(write(entry.stored));
    return end_stored();
  }
  const EntryHeader header = TRY(admit_stored(entry));
  TRY(feeder_->add(header, entry.stored, EntryBlock::Treatment::kAsItIs));
  return record_stored(header);
}

Result<void> PackBuilder::Impl::begin_stored(const StoredEntry& entry) {
  const EntryHeader header = TRY(admit_stored(entry));
  TRY(feeder_->begin(header, EntryBlock::Treatment::kAsItIs));
  feeds_stored_ = true;
  return {};
}

Result<EntryHandle> PackBuilder::Impl::end_stored() {
  if (!std::exchange(feeds_stored_, false)) {
    return fail(ErrorCode::kInvalidArgument, "no stored entry is being fed");
  }
  return record_stored(TRY(feeder_->end(feeder_->open_header().id)));
}

Result<EntryHandle> PackBuilder::add_stored(const StoredEntry& entry) {
  return impl_->guarded([&] { return impl_->add_stored(entry); });
}

Result<void> PackBuilder::begin_stored(const StoredEntry& entry) {
  return impl_->guarded([&] { return impl_->begin_stored(entry); });
}

Result<EntryHandle> PackBuilder::end_stored() {
  return impl_->guarded([&] { return impl_->end_stored(); });
}

}  // namespace bale
