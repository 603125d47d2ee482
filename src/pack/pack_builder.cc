// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The streaming builder: see bale/pack_builder.h for what it promises.
//
//   add -> PayloadEncoder (raw or zstd)  -> EntryWriter (append-only, hashes as it writes)
//                                        -> IndexBuilder (external sort of id and offset)
//   finish -> trailer, index, fsync, rename
//
// The first error is kept and returned for ever after: a writer that has failed once may have left
// a hole, and must never close over it with a valid checksum.

#include "bale/pack_builder.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/budget.h"
#include "base/check.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/try.h"
#include "codec/zstd.h"
#include "format/entry.h"
#include "io/path.h"
#include "pack/entry_writer.h"
#include "pack/index_builder.h"
#include "pack/pack_target.h"
#include "pack/payload_encoder.h"

namespace bale {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

PayloadEncoderOptions encoder_options(const PackBuilderOptions& options) {
  return {.level = options.level,
          .compress = options.compress,
          .min_compress_bytes = options.min_compress_bytes};
}

// Everything but the sort.
std::uint64_t fixed_memory_bytes(const PackBuilderOptions& options) {
  return PayloadEncoder::memory_bytes(encoder_options(options)) +
         (options.compress ? kFrameBytes : 0) + kPackWriteBufferBytes + kIndexWriteBufferBytes;
}

FileSystem& file_system_of(const PackBuilderOptions& options) {
  return options.file_system != nullptr ? *options.file_system : posix_file_system();
}

Result<void> check_options(const PackBuilderOptions& options) {
  if (options.level < kMinLevel || options.level > kMaxLevel) {
    return fail(ErrorCode::kInvalidArgument, "there is no compression level {} (use {} to {})",
                options.level, kMinLevel, kMaxLevel);
  }
  const std::uint64_t smallest = PackBuilder::smallest_memory_bytes(options);
  if (options.memory_bytes < smallest) {
    return fail(ErrorCode::kInvalidArgument,
                "building at level {} needs at least {} bytes of memory, and {} were allowed",
                options.level, smallest, options.memory_bytes);
  }
  return {};
}

}  // namespace

class PackBuilder::Impl {
 public:
  Impl(const PackBuilderOptions& options, PackTarget target)
      : options_(options), budget_(options.memory_bytes), target_(std::move(target)) {}

  Result<void> start();

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

  Result<EntryHandle> add(const ObjectId& id, ObjectType type, Bytes payload);
  Result<void> begin_object(IdKind kind, ObjectType type, std::uint64_t size);
  Result<void> write(Bytes piece);
  Result<EntryHandle> end_object(const ObjectId& id);
  Result<EntryHandle> add_delta(const ObjectId& id, const EntryHandle& base, std::uint64_t size,
                                Bytes program);
  Result<std::uint64_t> flush();
  Result<PackSummary> finish();
  Result<PackInMemory> finish_in_memory();

 private:
  // The object whose payload is being fed.
  struct Open {
    // What becomes of the pieces.
    enum class Mode : std::uint8_t {
      kStaged,  // gathered whole in the frame buffer, then stored as add() does
      kFramed,  // gathered and compressed frame by frame
      kRaw,     // written as they come
    };

    IdKind kind = IdKind::kContentHash;
    ObjectType type = ObjectType::kBlob;
    std::uint64_t size = 0;
    std::uint64_t received = 0;
    Mode mode = Mode::kRaw;
    std::size_t gathered = 0;  // bytes in the frame buffer
    std::uint64_t offset = 0;  // of its entry, if it was begun
  };

  Result<void> admit(std::uint64_t size);
  [[nodiscard]] Error wrong_size(const Open& open) const;
  Result<EntryHandle> store_whole(const ObjectId& id, ObjectType type, Bytes payload);
  Result<void> flush_frame(Open& open);
  Result<EntryHandle> record(const EntryHandle& handle, std::uint64_t offset,
                             std::uint64_t stored_size);

  PackBuilderOptions options_;
  Budget budget_;
  PackTarget target_;
  std::optional<PayloadEncoder> encoder_;
  Buffer frame_;
  std::optional<EntryWriter> entries_;
  std::optional<IndexBuilder> index_;
  std::optional<Open> open_;
  PackSummary summary_;
  std::optional<Error> first_error_;
};

Result<void> PackBuilder::Impl::start() {
  encoder_ = TRY(PayloadEncoder::create(budget_, encoder_options(options_)));
  if (options_.compress) {
    frame_ = TRY(Buffer::allocate(budget_, kFrameBytes, "the frame of a streamed payload"));
  }
  entries_ = TRY(EntryWriter::create(target_.pack_file(), target_.pack_position(), budget_,
                                     options_.declared_count));
  index_ = TRY(IndexBuilder::create(
      budget_, {.memory_bytes = options_.memory_bytes - fixed_memory_bytes(options_),
                .file_system = &target_.file_system(),
                .scratch_directory = options_.scratch_directory,
                .operation = &options_.operation}));
  return {};
}

Result<void> PackBuilder::Impl::admit(std::uint64_t size) {
  if (options_.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
  if (open_) {
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
    return fail(ErrorCode::kInvalidArgument, "{} objects were declared, and there are more",
                *options_.declared_count);
  }
  return {};
}

Error PackBuilder::Impl::wrong_size(const Open& open) const {
  return fail(ErrorCode::kInvalidArgument, "an object was to have {} bytes, and {} were fed",
              open.size, open.received);
}

Result<EntryHandle> PackBuilder::Impl::record(const EntryHandle& handle, std::uint64_t offset,
                                              std::uint64_t stored_size) {
  EntryHandle placed = handle;
  placed.ordinal = summary_.objects++;
  summary_.bytes_in += handle.size;
  summary_.bytes_stored += stored_size;
  TRY(index_->add(handle.id, offset));
  if (options_.on_entry) {
    TRY(options_.on_entry({.id = handle.id, .ordinal = placed.ordinal, .offset = offset}));
  }
  return placed;
}

Result<EntryHandle> PackBuilder::Impl::store_whole(const ObjectId& id, ObjectType type,
                                                   Bytes payload) {
  const Bytes stored = TRY(encoder_->encode(payload));
  const EntryHeader header{
      .id = id, .type = entry_type(type), .size = payload.size(), .stored_size = stored.size()};
  const std::uint64_t offset = TRY(entries_->append(header, stored));
  return record({.id = id, .type = type, .size = payload.size()}, offset, stored.size());
}

Result<EntryHandle> PackBuilder::Impl::add(const ObjectId& id, ObjectType type, Bytes payload) {
  TRY(admit(payload.size()));
  if (payload.size() <= kFrameBytes) return store_whole(id, type, payload);
  TRY(begin_object(id.kind(), type, payload.size()));
  TRY(write(payload));
  return end_object(id);
}

Result<void> PackBuilder::Impl::begin_object(IdKind kind, ObjectType type, std::uint64_t size) {
  TRY(admit(size));
  Open open{.kind = kind, .type = type, .size = size};
  if (encoder_->compresses(size)) {
    open.mode = size <= kFrameBytes ? Open::Mode::kStaged : Open::Mode::kFramed;
  }
  if (open.mode != Open::Mode::kStaged) {
    const bool size_known = open.mode == Open::Mode::kRaw;
    open.offset = TRY(entries_->begin(
        kind, type, size, size_known ? std::optional<std::uint64_t>(size) : std::nullopt));
  }
  open_ = open;
  return {};
}

Result<void> PackBuilder::Impl::write(Bytes piece) {
  if (!open_) return fail(ErrorCode::kInvalidArgument, "a payload is fed to no object");
  Open& open = *open_;
  open.received += piece.size();
  if (open.received > open.size) return wrong_size(open);
  if (open.mode == Open::Mode::kRaw) return entries_->append_payload(piece);
  const bool framed = open.mode == Open::Mode::kFramed;
  while (!piece.empty()) {
    if (options_.operation.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    if (framed && open.gathered == 0 && piece.size() >= kFrameBytes) {
      const Bytes frame = TRY(encoder_->encode_frame(piece.first(kFrameBytes)));
      TRY(entries_->append_payload(frame));
      piece = piece.subspan(kFrameBytes);
      continue;
    }
    const std::size_t taken = std::min(piece.size(), kFrameBytes - open.gathered);
    std::memcpy(frame_.data() + open.gathered, piece.data(), taken);
    open.gathered += taken;
    piece = piece.subspan(taken);
    if (framed && open.gathered == kFrameBytes) TRY(flush_frame(open));
  }
  return {};
}

Result<void> PackBuilder::Impl::flush_frame(Open& open) {
  if (open.gathered == 0) return {};
  const Bytes frame = TRY(encoder_->encode_frame(frame_.span().first(open.gathered)));
  open.gathered = 0;
  return entries_->append_payload(frame);
}

Result<EntryHandle> PackBuilder::Impl::end_object(const ObjectId& id) {
  if (!open_) return fail(ErrorCode::kInvalidArgument, "no object is being fed");
  Open open = *std::exchange(open_, std::nullopt);
  if (open.received != open.size) return wrong_size(open);
  if (id.kind() != open.kind) {
    return fail(ErrorCode::kInvalidArgument, "object {} was begun with the other kind of id",
                id.to_hex());
  }
  if (open.mode == Open::Mode::kStaged) {
    return store_whole(id, open.type, frame_.span().first(open.gathered));
  }
  if (open.mode == Open::Mode::kFramed) {
    TRY(flush_frame(open));
    // As long as the object, the frames would be read back as raw bytes.
    if (entries_->open_payload_bytes() == open.size) {
      TRY(entries_->append_payload(kEmptySkippableFrame));
    }
  }
  const std::uint64_t stored_size = entries_->open_payload_bytes();
  TRY(entries_->end(id));
  return record({.id = id, .type = open.type, .size = open.size}, open.offset, stored_size);
}

Result<EntryHandle> PackBuilder::Impl::add_delta(const ObjectId& id, const EntryHandle& base,
                                                 std::uint64_t size, Bytes program) {
  TRY(admit(size));
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
    return fail(ErrorCode::kInvalidArgument, "{} is already {} deltas away from a whole object",
                base.id.to_hex(), base.depth);
  }
  if (size > kMaxDeltaObjectBytes || program.size() > kFrameBytes) {
    return fail(ErrorCode::kInvalidArgument,
                "object {} is too large for a delta ({} bytes by a program of {}; 128 MiB by a "
                "program of 1 MiB are the limits)",
                id.to_hex(), size, program.size());
  }
  Bytes stored = TRY(encoder_->encode(program));
  if (stored.data() == program.data() && starts_with_zstd_magic(program)) {
    // Stored raw it would be taken for zstd.
    if (!options_.compress) {
      return fail(ErrorCode::kInvalidArgument,
                  "the program for {} looks like zstd and would have to be compressed to be stored",
                  id.to_hex());
    }
    stored = TRY(encoder_->encode_frame(program));
  }
  const EntryHeader header{.id = id,
                           .type = EntryType::kDelta,
                           .size = size,
                           .stored_size = stored.size(),
                           .base = base.id};
  const std::uint64_t offset = TRY(entries_->append(header, stored));
  TRY(index_->add_base(base.id, offset));
  ++summary_.deltas;
  return record({.id = id, .type = base.type, .size = size, .depth = base.depth + 1}, offset,
                stored.size());
}

Result<std::uint64_t> PackBuilder::Impl::flush() {
  return entries_->flush();
}

Result<PackSummary> PackBuilder::Impl::finish() {
  const auto start = Clock::now();
  if (open_) return wrong_size(*open_);
  if (options_.declared_count && summary_.objects != *options_.declared_count) {
    return fail(ErrorCode::kInvalidArgument, "{} objects were declared, and {} were added",
                *options_.declared_count, summary_.objects);
  }
  const EntryWriter::Finished finished = TRY(entries_->finish());
  summary_.trailer = finished.trailer;
  summary_.name = to_hex(finished.name);
  summary_.pack_bytes = finished.pack_bytes;
  const auto write_index = [&](File& file) -> Result<void> {
    const IndexSummary index = TRY(index_->write(file, budget_, finished.trailer));
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

Result<PackBuilder> PackBuilder::start(PackTarget target, const PackBuilderOptions& options) {
  auto impl = std::make_unique<Impl>(options, std::move(target));
  TRY(impl->start());
  return PackBuilder(std::move(impl));
}

Result<PackBuilder> PackBuilder::create(const std::string& pack_path,
                                        const PackBuilderOptions& options,
                                        const std::string& index_path) {
  TRY(check_options(options));
  PackBuilderOptions with_scratch = options;
  if (with_scratch.scratch_directory.empty()) {
    with_scratch.scratch_directory = parent_directory(pack_path);
  }
  PackTarget target =
      TRY(PackTarget::for_paths(file_system_of(options), pack_path,
                                index_path.empty() ? default_index_path(pack_path) : index_path));
  return start(std::move(target), with_scratch);
}

Result<PackBuilder> PackBuilder::append_to(File& file, std::uint64_t position, File& index,
                                           const PackBuilderOptions& options) {
  TRY(check_options(options));
  return start(TRY(PackTarget::for_files(file_system_of(options), file, position, index)), options);
}

Result<PackBuilder> PackBuilder::in_memory(const PackBuilderOptions& options) {
  TRY(check_options(options));
  PackBuilderOptions without_scratch = options;
  without_scratch.scratch_directory.clear();
  return start(TRY(PackTarget::in_memory()), without_scratch);
}

std::uint64_t PackBuilder::smallest_memory_bytes(const PackBuilderOptions& options) {
  return fixed_memory_bytes(options) + kMinIndexBuilderBytes;
}

Result<EntryHandle> PackBuilder::add(const ObjectId& id, ObjectType type, Bytes payload) {
  return impl_->guarded([&] { return impl_->add(id, type, payload); });
}

Result<void> PackBuilder::begin_object(IdKind kind, ObjectType type, std::uint64_t size) {
  return impl_->guarded([&] { return impl_->begin_object(kind, type, size); });
}

Result<void> PackBuilder::write(Bytes piece) {
  return impl_->guarded([&] { return impl_->write(piece); });
}

Result<EntryHandle> PackBuilder::end_object(const ObjectId& id) {
  return impl_->guarded([&] { return impl_->end_object(id); });
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
