// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// bale pack build OUT.pack: packs the object stream on standard input (format/object_stream.h).
//
// Memory: one read buffer out of --memory; the rest is the builder's. Payloads that fit the buffer
// are added whole, larger ones in pieces.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "bale/pack_builder.h"
#include "base/budget.h"
#include "base/counted.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/memory_size.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/json_line.h"
#include "cli/rss.h"
#include "cli/verbs.h"
#include "codec/zstd.h"
#include "format/object_stream.h"
#include "hash/blake3.h"
#include "io/buffered.h"
#include "io/stream.h"
#include "pack/build/builder_plan.h"

namespace bale::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kStreamBufferBytes = 256 << 10;

// Extra memory for sorting, if a level needs more than the default memory.
constexpr std::uint64_t kPackSortBytes = 2 << 20;

struct PackBuildArguments {
  std::string out;
  std::string index;
  int level = 3;
  bool no_compress = false;
  std::optional<std::uint64_t> count;
  bool paths = false;
  bool allow_huge = false;
};

// Feeds the objects of a stream to a builder.
class StreamPacker {
 public:
  StreamPacker(BufferedReader& stream, PackBuilder& builder, const PackBuildArguments& options)
      : stream_(stream), builder_(builder), options_(options) {}

  // Packs the next object; false at the end of the stream.
  Result<bool> next();

  [[nodiscard]] std::uint64_t objects() const { return objects_; }

  // Whether there are objects for which bases are searched only with much memory.
  [[nodiscard]] bool has_large_objects() const { return has_large_objects_; }

 private:
  Result<Bytes> exactly(std::size_t size);
  Result<StreamedObject> read_frame();
  Result<void> add_in_pieces(const StreamedObject& object);
  Result<std::uint64_t> read_lineage();
  [[nodiscard]] Error damaged(const std::string& what) const;

  BufferedReader& stream_;
  PackBuilder& builder_;
  const PackBuildArguments& options_;
  std::uint64_t objects_ = 0;
  std::uint64_t object_offset_ = 0;
  bool has_large_objects_ = false;
};

Error StreamPacker::damaged(const std::string& what) const {
  return fail(ErrorCode::kCorrupt, "{}: object {}, which begins at offset {}: {}", stream_.name(),
              objects_, object_offset_, what);
}

Result<Bytes> StreamPacker::exactly(std::size_t size) {
  const Bytes bytes = TRY(stream_.peek(size));
  if (bytes.size() == size) return bytes;
  return damaged(
      fmt::format("the stream ends inside it, at offset {}", stream_.offset() + bytes.size()));
}

Result<StreamedObject> StreamPacker::read_frame() {
  const Bytes kind = TRY(exactly(1));
  const Result<std::size_t> size = object_frame_bytes(kind[0]);
  if (!size) return damaged(size.error().message);
  const Bytes frame = TRY(exactly(*size));
  const Result<StreamedObject> object = decode_object_frame(frame);
  if (!object) return damaged(object.error().message);
  stream_.consume(*size);
  return object;
}

Result<void> StreamPacker::add_in_pieces(const StreamedObject& object) {
  TRY(builder_.begin_object(object.id.kind(), object.type, object.size));
  std::uint64_t left = object.size;
  while (left > 0) {
    if (!TRY(stream_.fill())) {
      return damaged(fmt::format("the stream ends inside it, at offset {}", stream_.offset()));
    }
    const Bytes there = stream_.buffered();
    const Bytes piece = there.first(std::min<std::uint64_t>(there.size(), left));
    TRY(builder_.write(piece));
    left -= piece.size();
    stream_.consume(piece.size());
  }
  const std::uint64_t lineage = options_.paths ? TRY(read_lineage()) : 0;
  TRY_VOID(builder_.end_object(object.id, {.lineage = lineage}));
  return {};
}

// The number of the path after an object: the same for all versions at that path.
Result<std::uint64_t> StreamPacker::read_lineage() {
  const Bytes length = TRY(exactly(2));
  const std::size_t size = load_le<std::uint16_t>(length.data());
  const Bytes hint = TRY(exactly(2 + size));
  const std::uint64_t lineage =
      size > 0 ? load_be<std::uint64_t>(blake3(hint.subspan(2)).data()) : 0;
  stream_.consume(hint.size());
  return lineage;
}

Result<bool> StreamPacker::next() {
  if (!TRY(stream_.fill())) return false;
  object_offset_ = stream_.offset();
  const StreamedObject object = TRY(read_frame());
  if (options_.count && objects_ == *options_.count) {
    return fail(ErrorCode::kIncomplete, "{}: expected {}, found more", stream_.name(),
                counted(*options_.count, "object"));
  }
  if (object.size > kMostSmallObjectBytes && object.size <= kFrameBytes) has_large_objects_ = true;
  // The path is after the payload, which may not fit in the buffer with it.
  if (object.size <= kStreamBufferBytes && !options_.paths) {
    const Bytes payload = TRY(exactly(object.size));
    TRY_VOID(builder_.add(object.id, object.type, payload));
    stream_.consume(payload.size());
  } else {
    TRY(add_in_pieces(object));
  }
  ++objects_;
  return true;
}

// The builder's memory; kInvalidArgument, with the amount needed, if --memory is too small.
Result<std::uint64_t> builder_memory_bytes(const PackBuilderOptions& options,
                                           const Session& session) {
  const std::uint64_t smallest = smallest_build_memory_bytes(options) + kStreamBufferBytes;
  const std::uint64_t memory =
      session.memory_bytes(std::max(kPackMemoryBytes, smallest + kPackSortBytes));
  if (memory < smallest) {
    return fail(ErrorCode::kInvalidArgument,
                "building at level {} needs more memory (give --memory {} or more)", options.level,
                memory_size(smallest));
  }
  return memory - kStreamBufferBytes;
}

std::string json_object(const PackSummary& summary, double seconds) {
  JsonLine line;
  line.number("objects", summary.objects)
      .number("duplicates", summary.duplicates)
      .number("bytes_in", summary.bytes_in)
      .number("pack_bytes", summary.pack_bytes)
      .number("index_bytes", summary.index_bytes)
      .number("deltas", summary.deltas)
      .seconds("seconds", seconds)
      .seconds("finish_seconds", summary.finish_seconds)
      .seconds("sync_seconds", summary.sync_seconds)
      .number("peak_rss_bytes", peak_rss_bytes())
      .text("name", summary.name);
  return line.object();
}

Result<int> run_pack_build(const PackBuildArguments& options, Session& session) {
  const Clock::time_point start = Clock::now();
  if (::isatty(STDIN_FILENO) == 1) {
    return fail(ErrorCode::kInvalidArgument,
                "standard input is a terminal (give an object stream: bale pack build OUT.pack < "
                "STREAM)");
  }
  const Operation operation = session.operation();
  PackBuilderOptions builder_options{.level = options.level,
                                     .compress = !options.no_compress,
                                     .declared_count = options.count,
                                     .allow_huge = options.allow_huge,
                                     .deltas = options.paths && !options.no_compress,
                                     .work = {.lanes = session.lanes(), .operation = operation}};
  builder_options.work.memory_bytes = TRY(builder_memory_bytes(builder_options, session));
  PackBuilder builder = TRY(PackBuilder::create(options.out, builder_options, options.index));
  Budget budget(kStreamBufferBytes);
  FdInputStream input(STDIN_FILENO, "standard input", &session.cancel());
  BufferedReader stream = TRY(BufferedReader::create(
      input, budget, {.name = "standard input", .buffer_bytes = kStreamBufferBytes}));
  StreamPacker packer(stream, builder, options);
  while (TRY(packer.next())) {
    operation.progress({.phase = "packing objects",
                        .objects = packer.objects(),
                        .objects_total = options.count.value_or(0),
                        .bytes = stream.offset()});
  }
  if (options.count && packer.objects() != *options.count) {
    return fail(ErrorCode::kIncomplete, "standard input: expected {}, got {}",
                counted(*options.count, "object"), packer.objects());
  }
  const PackSummary summary = TRY(builder.finish());
  // No warning about the default if it makes no difference.
  if (builder_options.deltas && (session.options().memory_bytes || packer.has_large_objects())) {
    session.warn_of_few_deltas(builder_options.work.memory_bytes + kStreamBufferBytes,
                               kFullSearchMemoryBytes + kStreamBufferBytes);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  TRY(session.summary(
      json_object(summary, seconds),
      fmt::format("{}: {}, {} of payload in {} ({})", options.out,
                  counted(summary.objects, "object"), format_bytes(summary.bytes_in),
                  format_bytes(summary.pack_bytes), counted(summary.duplicates, "duplicate"))));
  return kStatusDone;
}

}  // namespace

VerbRun declare_pack_build(Arguments& arguments) {
  const auto options = std::make_shared<PackBuildArguments>();
  arguments.required("OUT.pack", "the pack to write; an existing file is replaced on success",
                     options->out);
  arguments.text("--index", "OUT.idx", "its index (default: OUT.pack with .idx instead of .pack)",
                 options->index);
  arguments.level(options->level);
  arguments.flag("--no-compress", "store payloads uncompressed", options->no_compress);
  arguments.count("--count", "N", "expected number of objects; fail on any other", options->count);
  arguments.flag("--paths", "the stream has a path hint after each object: make deltas",
                 options->paths);
  arguments.flag("--allow-huge", "accept objects above 1 GiB, which only bale can read",
                 options->allow_huge);
  return [options](Session& session) { return run_pack_build(*options, session); };
}

}  // namespace bale::cli
