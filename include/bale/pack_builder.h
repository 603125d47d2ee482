// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackBuilder: streams objects into one immutable pack and its index, in a fixed amount of memory.
//
//   bale::PackBuilderOptions options;                     // level 3, 64 MiB, all processors
//   options.work.operation.cancel = &stop;                // an atomic<bool>, set from anywhere
//   options.work.operation.report = [](const bale::Progress& at) { draw(at); };
//   auto builder = bale::PackBuilder::create("objects.pack", options);
//   if (!builder) return builder.error();
//
//   auto added = builder->add(id, bale::ObjectType::kBlob, payload);   // any number of times
//   if (!added) return added.error();
//
//   BALE_TRY(builder->begin_object(bale::IdKind::kContentHash, bale::ObjectType::kBlob, size));
//   for (const bale::Bytes piece : pieces) BALE_TRY(builder->write(piece));  // of any size
//   BALE_TRY(builder->end_object(id));
//
//   auto summary = builder->finish();       // objects.pack and objects.idx are there now, whole
//   if (!summary) return summary.error();
//
// (TRY stands for the two lines above it.) While it runs, the pack is `objects.pack.part`; the
// index has no name at all. Both take their names in finish(), durable before they do. Dropping an
// unfinished builder removes what it made.
//
// Memory. Every large buffer is charged to one account of `work.memory_bytes`, taken when the
// builder is created and never exceeded. With L lanes:
//
//   compression   L * C(level)        C: a zstd context for inputs of 1 MiB: 1.3 MiB at level 3,
//                                     12.5 at 9, 17.3 at 19; 0 where nothing is compressed
//   blocks        (2 L + 2) * B       B: 1 MiB and 21 KiB; 2 B with one lane, (L + 2) * B without
//                                     compression
//   writing       516 KiB             the index's buffer, and an object that flush() must not take
//   sorting       all the rest        one eighth of it for the bases of deltas; in finish() also
//                                     what the lanes had
//
// L is `work.lanes`, or as many as leave the sort a third. The peak depends on nothing else: not on
// how many objects there are, how large they are, nor how their ids are distributed. What does not
// fit the sort buffer goes to an unnamed scratch file. (doc/MEMORY.md has measurements.)
//
// Deltas. With options.deltas an object is tried as a delta against earlier ones of its type: those
// that the caller names, recent ones, the last of its lineage, and what resembles it, found by a
// sketch of its bytes. It is stored whole where that is smaller. Objects under a change id, and
// those above 1 MiB (256 KiB with less than 24 MiB of memory), take no part. No object is more than
// 50 deltas away from a whole one, and rebuilding one decodes 8 times its size and 1 MiB at most.
// It pays to bring the versions of one thing one after the other, newest first: then bases are in
// memory, now and whenever the pack is read in order. Bases that are not are read back from the
// pack as it grows. With L lanes deltas take, besides the above:
//
//   0.2 MiB a block and 0.1 MiB a lane, 5.1 MiB for trying and reading back (1.6 MiB with less than
//   24 MiB of memory), 1 MiB for what is known of the last entries, a sixteenth of the memory for
//   tables that find older ones (64 MiB at most), and 2.2 MiB (1.1) for recent objects, which also
//   share what is left with the sort
//
// Which deltas are made depends on the memory (the tables' size), never on the lanes.
//
// Determinism. The same objects in the same order under the same options give the same bytes,
// whatever the lanes, and without deltas whatever the memory.
//
// Not thread-safe: one call at a time. After a call has failed, every further one fails with that
// first error, and finish() commits nothing. A lane's failure comes back from a later call, at the
// latest from flush() or finish().

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bale/bytes.h"
#include "bale/export.h"
#include "bale/file_system.h"
#include "bale/object.h"
#include "bale/result.h"
#include "bale/work_options.h"

namespace bale {

/// Where an entry lies in the pack.
struct EntryPosition {
  std::uint64_t ordinal = 0;  ///< 0 for the first entry
  std::uint64_t offset = 0;   ///< from the pack's first byte
};

struct PackBuilderOptions {
  int level = 3;                           ///< of zstd: 1..22
  bool compress = true;                    ///< false: every payload is stored as it comes
  std::uint64_t min_compress_bytes = 256;  ///< smaller payloads are stored as they come
  /// How many entries there will be. Then the header is right from the first byte on, and bytes
  /// are stable as they are written; finish() fails if it does not come true.
  std::optional<std::uint64_t> declared_count{};
  std::string scratch_directory{};  ///< empty: beside the output
  bool allow_huge = false;          ///< objects above 1 GiB, which only bale can read back
  /// Store objects as deltas against earlier ones where that is smaller. Needs compress.
  bool deltas = false;
  /// Told of every entry, in the order of the pack, once it is known where it lies: some calls
  /// later, and of all of them by the end of flush() and finish(). Called during the builder's
  /// calls, on the caller's thread. An Error fails the builder.
  std::function<Result<void>(const EntryPosition&)> on_entry{};
  /// Its lanes compress, hash and write; its operation reports how the index comes along.
  WorkOptions work{};
};

/// The smallest memory_bytes for these options.
[[nodiscard]] BALE_EXPORT std::uint64_t smallest_build_memory_bytes(
    const PackBuilderOptions& options);

/// Where an object went: what a later delta against it needs. Valid for the builder it came from.
struct EntryHandle {
  ObjectId id;
  ObjectType type = ObjectType::kBlob;
  std::uint64_t size = 0;     ///< bytes of the object
  std::uint64_t ordinal = 0;  ///< 0 for the first entry
  int depth = 0;  ///< deltas to apply to rebuild it; 0 where the builder makes the deltas itself
};

/// What the caller knows of where an object may find its base. Hints only: see "Deltas" above.
struct BaseHints {
  /// Equal for the versions of one thing, as a hash of its path is; 0: nothing is known.
  std::uint64_t lineage = 0;
  /// Entries of this builder to be tried before any other; three at most are.
  std::span<const EntryHandle> bases{};
};

struct PackSummary {
  std::uint64_t objects = 0;     ///< entries in the pack, duplicates included
  std::uint64_t duplicates = 0;  ///< entries whose id an earlier entry has; the index has the first
  std::uint64_t deltas = 0;
  std::uint64_t bytes_in = 0;      ///< payload bytes of all objects
  std::uint64_t bytes_stored = 0;  ///< payload bytes as they are stored
  std::uint64_t pack_bytes = 0;
  std::uint64_t index_bytes = 0;
  double finish_seconds = 0;          ///< in finish(), waiting for the disk not included
  double sync_seconds = 0;            ///< waiting for the disk
  std::uint64_t scratch_bytes = 0;    ///< written to scratch by the sort
  std::array<std::byte, 32> trailer;  ///< BLAKE3 of the pack without its trailer
  std::string name;                   ///< BLAKE3 of the whole pack, in hex: its name in a store

  /// How many times smaller payloads became; 0 where there were none.
  [[nodiscard]] double ratio() const {
    return bytes_stored == 0 ? 0
                             : static_cast<double>(bytes_in) / static_cast<double>(bytes_stored);
  }
};

/// A pack and its index as bytes.
struct PackInMemory {
  std::vector<std::byte> pack;
  std::vector<std::byte> index;
  PackSummary summary;
};

struct StoredEntry;

class BALE_EXPORT PackBuilder {
 public:
  /// Builds `pack_path` and `index_path` (empty: pack_path with its ".pack" replaced by ".idx", or
  /// ".idx" appended). Older files of these names are replaced at success, and only then.
  /// kInvalidArgument where the options make no sense or cannot fit, with the memory that would do.
  [[nodiscard]] static Result<PackBuilder> create(const std::string& pack_path,
                                                  const PackBuilderOptions& options,
                                                  const std::string& index_path = {});

  /// Appends the pack to `file` from `position` on and writes its index to `index` from 0 on; what
  /// they hold from there on is cut off first. Both must outlive the builder, which neither syncs
  /// nor renames them. Offsets count from the pack's first byte. Needs a scratch directory in the
  /// options.
  [[nodiscard]] static Result<PackBuilder> append_to(File& file, std::uint64_t position,
                                                     File& index,
                                                     const PackBuilderOptions& options);

  /// Builds in memory, for small batches: finish_in_memory() gives the bytes, which are not charged
  /// to the account. Never spills to a disk: the sort buffer's size limits the number of objects.
  [[nodiscard]] static Result<PackBuilder> in_memory(const PackBuilderOptions& options);

  PackBuilder(PackBuilder&&) noexcept;
  PackBuilder& operator=(PackBuilder&&) noexcept;
  ~PackBuilder();

  /// Adds one object. The payload is used only during the call. kLimitExceeded above 1 GiB, unless
  /// the options allow_huge.
  Result<EntryHandle> add(const ObjectId& id, ObjectType type, Bytes payload,
                          const BaseHints& hints = {});

  /// Adds one object whose payload comes in pieces: begin_object, then write until `size` bytes
  /// have come, then end_object. Nothing else may be called in between, save flush() and the
  /// destructor. The id, of which only the kind must be known at first, is given in the end: it is
  /// often a hash of the payload.
  Result<void> begin_object(IdKind kind, ObjectType type, std::uint64_t size);
  Result<void> write(Bytes piece);
  Result<EntryHandle> end_object(const ObjectId& id, const BaseHints& hints = {});

  /// Adds an object of `size` bytes as a delta that the caller made: `program` rebuilds it from
  /// `base`, an entry of this builder. The program is stored, not run. kInvalidArgument where the
  /// base is known by a change id or is this very id, the chain would be longer than 50, or the
  /// object larger than 128 MiB; and with options.deltas, where the builder makes them itself.
  Result<EntryHandle> add_delta(const ObjectId& id, const EntryHandle& base, std::uint64_t size,
                                Bytes program);

  /// Takes over an entry of another pack as it is stored there (PackReader::stored_at): raw, zstd
  /// frames or a delta's program, byte for byte; nothing is decompressed, nor checked. The base of
  /// a delta must be in this pack before it, which finish() proves. How many deltas it is away from
  /// a whole object is the caller's business: no chain may become longer than 50. A delta's handle
  /// is refused as a base. kInvalidArgument where entry.stored is not there, and with
  /// options.deltas.
  Result<EntryHandle> add_stored(const StoredEntry& entry);

  /// The same for a stored payload that comes in pieces (PackReader::read_stored): begin_stored,
  /// then write until entry.stored_size bytes have come, then end_stored. entry.stored is ignored.
  /// Nothing else may be called in between, save flush() and the destructor.
  Result<void> begin_stored(const StoredEntry& entry);
  Result<EntryHandle> end_stored();

  /// Hands everything on to the file and waits for the lanes. Returns how many bytes of the pack
  /// are stable: they will not change any more. With a declared count that is everything but the
  /// object that is being fed; without, it is 0.
  Result<std::uint64_t> flush();

  /// Writes the trailer and the index, makes both durable and gives them their names. The builder
  /// is used up.
  Result<PackSummary> finish();

  /// The same for a builder made by in_memory().
  Result<PackInMemory> finish_in_memory();

 private:
  class Impl;
  explicit PackBuilder(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

/// Where the index of a pack is looked for: ".pack" replaced by ".idx", or ".idx" appended.
[[nodiscard]] BALE_EXPORT std::string default_index_path(const std::string& pack_path);

}  // namespace bale
