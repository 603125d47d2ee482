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

#include <chrono>
#include <utility>

#include "base/counted.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "io/path.h"
#include "pack/build/pack_builder_impl.h"

namespace bale {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

FileSystem& file_system_of(const PackBuilderOptions& options) {
  return options.file_system != nullptr ? *options.file_system : posix_file_system();
}

}  // namespace

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
                                              .operation = &options_.operation,
                                              .lanes = &lanes_,
                                              .on_duplicate = duplicates_to_log()}));
  if (plan_.deltas) {
    deltas_ = TRY(DeltaStage::create(*plan_.deltas, budget_, target_.pack_file(),
                                     target_.pack_position(), target_.file_system(),
                                     target_.is_in_memory() ? "/" : options_.scratch_directory));
  }
  pipeline_ =
      TRY(BlockPipeline::create(plan_.pipeline, budget_, lanes_, *stream_, *index_, deltas_.get()));
  feeder_.emplace(*pipeline_, budget_, options_.operation);
  return {};
}

Result<void> PackBuilder::Impl::admit(std::uint64_t size) {
  if (options_.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
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
  static_cast<void>(TRY(flush()));
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
                          options_.memory_bytes - kIndexWriteBufferBytes - log_bytes));
    if (deltas_ != nullptr) TRY(deltas_->log().check_depths());
    summary_.duplicates = index.duplicates;
    summary_.index_bytes = index.index_bytes;
    summary_.scratch_bytes = index.scratch_bytes;
    return {};
  };
  summary_.sync_seconds = TRY(target_.commit(write_index, options_.sync)).sync_seconds;
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

Result<PackBuilder> PackBuilder::start(PackTarget target, const PackBuilderOptions& options,
                                       const BuilderPlan& plan) {
  auto impl = std::make_unique<Impl>(options, plan, std::move(target));
  TRY(impl->start());
  return PackBuilder(std::move(impl));
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
  return start(std::move(target), with_scratch, plan);
}

Result<PackBuilder> PackBuilder::append_to(File& file, std::uint64_t position, File& index,
                                           const PackBuilderOptions& options) {
  const BuilderPlan plan = TRY(plan_builder(options));
  return start(TRY(PackTarget::for_files(file_system_of(options), file, position, index)), options,
               plan);
}

Result<PackBuilder> PackBuilder::in_memory(const PackBuilderOptions& options) {
  const BuilderPlan plan = TRY(plan_builder(options));
  PackBuilderOptions without_scratch = options;
  without_scratch.scratch_directory.clear();
  return start(TRY(PackTarget::in_memory()), without_scratch, plan);
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

}  // namespace bale
