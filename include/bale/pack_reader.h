// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// PackReader: opens a pack and its index, and gives objects back.
//
//   auto pack = bale::PackReader::open("objects.pack");
//   if (!pack) return pack.error();
//   bale::ReadContext context;                       // one a thread
//   auto object = pack->get(id, context);
//   if (!object) return object.error();              // kNotFound if the pack has no such id
//   use(object->type, object->payload);              // valid until the context's next use
//
// Opening is O(1): it checks headers, sizes and that the index belongs to the pack, and reads
// nothing else; `verify_pack` (bale/pack_verifier.h) checks everything. get() never answers with
// another id's entry, but does not prove that the payload is what the id says: for objects with a
// content hash, compare content_hash(type, payload).
//
// Everything on disk is untrusted. Damage comes back as kCorrupt with file and offset, an object
// that needs more memory than the context may use as kLimitExceeded with the memory that would do.
//
// A PackReader is immutable: any number of threads may use one, each with a context of its own.

#pragma once

#include <array>
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

namespace bale {

/// How a pack's bytes are reached.
enum class PackAccess : std::uint8_t {
  kMap,   ///< through memory: raw payloads are views without a copy. A file that shrinks meanwhile
          ///< raises SIGBUS; a program that must survive that handles it.
  kRead,  ///< by reading into the context: bounded resident memory, a shrunk file is an Error
};

struct PackReaderOptions {
  std::string index_path{};  ///< empty: default_index_path(pack_path)
  PackAccess access = PackAccess::kMap;
  FileSystem* file_system = nullptr;  ///< null: posix_file_system()
};

/// What is known of an entry without decoding its payload.
struct EntryInfo {
  ObjectId id;
  ObjectType type = ObjectType::kBlob;  ///< for a delta: of what it rebuilds
  std::uint64_t size = 0;               ///< bytes of the object
  std::uint64_t stored_size = 0;        ///< bytes of payload in the pack
  std::uint64_t offset = 0;             ///< from the pack's first byte
  std::uint64_t entry_bytes = 0;        ///< header and payload
  std::optional<ObjectId> base;         ///< of a delta
  int depth = 0;                        ///< deltas to apply
};

/// An entry as it lies in the pack: nothing is decompressed, and no base is looked for.
struct StoredEntry {
  ObjectId id;
  std::optional<ObjectType> type;  ///< nullopt for a delta: its object has its base's type
  ObjectId base;                   ///< meaningful only for a delta
  std::uint64_t size = 0;          ///< bytes of the object
  std::uint64_t stored_size = 0;   ///< bytes of payload in the pack
  std::uint64_t offset = 0;        ///< from the pack's first byte
  std::uint64_t entry_bytes = 0;   ///< header and payload
  Bytes stored;                    ///< the payload; none where it is longer than was asked for

  [[nodiscard]] bool is_delta() const { return !type.has_value(); }
};

/// An object that was read. The view lies in the pack's map or in the ReadContext.
struct ObjectView {
  ObjectId id;
  ObjectType type = ObjectType::kBlob;
  Bytes payload;
};

/// An id and where its entry lies.
struct IndexRecord {
  ObjectId id;
  std::uint64_t offset = 0;
};

/// Enough memory of a ReadContext for every object that a builder of bale has stored, of any size:
/// builders choose deltas for objects of up to kFrameBytes (1 MiB) only, and a delta on an object
/// of that size takes up to 3.3 MiB; larger objects are stored whole, and read() gives them in
/// pieces. A delta that a caller has made (PackBuilder::add_delta()) may be of an object of up to
/// 128 MiB, which must be held twice.
inline constexpr std::uint64_t kAnyObjectBytes = 7 << 19;

/// The working memory of one thread that reads: decompression, rebuilt deltas, a cache of bases. It
/// may serve many packs. Takes memory only as needed, and never more than it was allowed.
class BALE_EXPORT ReadContext {
 public:
  explicit ReadContext(std::uint64_t memory_bytes = std::uint64_t{32} << 20);
  ReadContext(ReadContext&&) noexcept;
  ReadContext& operator=(ReadContext&&) noexcept;
  ~ReadContext();

 private:
  friend struct ReadContextAccess;
  class Impl;

  std::unique_ptr<Impl> impl_;
};

class BALE_EXPORT PackReader {
 public:
  /// Receives a payload in pieces, in order; an Error ends the reading and comes back.
  using PayloadSink = std::function<Result<void>(Bytes piece)>;

  [[nodiscard]] static Result<PackReader> open(const std::string& pack_path,
                                               const PackReaderOptions& options = {});

  PackReader(PackReader&&) noexcept;
  PackReader& operator=(PackReader&&) noexcept;
  ~PackReader();

  [[nodiscard]] const std::string& path() const;

  /// Entries in the pack, as its header says, and ids in the index: fewer where ids repeat.
  [[nodiscard]] std::uint64_t entry_count() const;
  [[nodiscard]] std::uint64_t record_count() const;
  [[nodiscard]] std::uint64_t pack_bytes() const;

  /// The BLAKE3 that the pack ends with. Not recomputed.
  [[nodiscard]] const std::array<std::byte, 32>& trailer() const;

  /// Where the entry of `id` lies; nullopt if the index has no such id.
  [[nodiscard]] std::optional<std::uint64_t> find(const ObjectId& id) const;

  /// find() of every id, several times as fast for many: the searches wait for memory together. Any
  /// number of ids, in any order; at its best with 64 or more at a time. Allocates nothing.
  /// kInvalidArgument unless offsets.size() == ids.size().
  Result<void> find_many(std::span<const ObjectId> ids,
                         std::span<std::optional<std::uint64_t>> offsets) const;

  /// The index's record number `position`, in id order. kCorrupt if it makes no sense,
  /// kInvalidArgument unless position < record_count().
  [[nodiscard]] Result<IndexRecord> record(std::uint64_t position) const;

  /// The position of the first record whose id is not below `id`, in index order.
  [[nodiscard]] std::uint64_t lower_bound(const ObjectId& id) const;

  /// Headers only: follows a delta's chain to learn its type and depth.
  Result<EntryInfo> info(const ObjectId& id, ReadContext& context) const;
  Result<EntryInfo> info_at(std::uint64_t offset, ReadContext& context) const;

  /// The whole payload. The view is valid until the context is used again.
  Result<ObjectView> get(const ObjectId& id, ReadContext& context) const;

  /// The same by offset: of a record, or of a walk over entries. Trusts nothing.
  Result<ObjectView> get_at(std::uint64_t offset, ReadContext& context) const;

  /// Receives what get() of ids[position] came to. The view is valid during the call only. An Error
  /// ends the reading and comes back.
  using ObjectSink =
      std::function<Result<void>(std::size_t position, const Result<ObjectView>& object)>;

  /// get() of every id, in their order, each result given to `sink`: what is missing (kNotFound) or
  /// damaged too. Faster than one at a time as find_many() is. Fails only where `sink` does.
  Result<void> get_many(std::span<const ObjectId> ids, ReadContext& context,
                        const ObjectSink& sink) const;

  /// Gives the payload to `sink` piece by piece: objects of any size in little memory, as long as
  /// they are no deltas. Returns the object's type.
  Result<ObjectType> read(const ObjectId& id, ReadContext& context, const PayloadSink& sink) const;
  Result<ObjectType> read_at(std::uint64_t offset, ReadContext& context,
                             const PayloadSink& sink) const;

  /// The entry at this offset, for whoever hands it on as it is: in another format, or to another
  /// thread. `stored` is there if it has no more than `most_stored_bytes`, and valid until the
  /// context is used again.
  Result<StoredEntry> stored_at(std::uint64_t offset, std::uint64_t most_stored_bytes,
                                ReadContext& context) const;

  /// The stored payload of the entry at this offset, whatever its size, piece by piece.
  Result<void> read_stored(std::uint64_t offset, ReadContext& context,
                           const PayloadSink& sink) const;

  /// Gives back pages of the maps that were touched. For programs that walk over whole packs.
  void release_pages() const;

 private:
  class Impl;
  explicit PackReader(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace bale
