// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Snapshot: the packs of a store at one moment, and what can be read from them. It never changes:
// what came later is not in it, and what was removed later can be read from it as long as any pack
// of the store has it.
//
//   const bale::Store store = BALE_TRY(bale::Store::open("archive.bale"));
//   const bale::Snapshot snapshot = store.snapshot();
//   bale::ReadContext context;                                 // one a thread
//   const bale::ArchiveRecord newest = BALE_TRY(snapshot.record("linux", 0, context));
//   const bale::RefList refs = BALE_TRY(bale::RefList::read(snapshot, newest.record, context));
//   const std::optional<bale::Ref> main = BALE_TRY(refs.find("refs/heads/main"));
//   if (!main || !main->oid) return snapshot.missing("refs/heads/main");
//   const bale::ObjectView commit = BALE_TRY(snapshot.get(*main->oid, context));  // commit.payload
//
// A copy is cheap: it refers to the same packs. Packs that were collected stay readable while they
// are open. At most a few hundred files are open, however many packs there are.
//
// A damaged pack, or one that cannot be read, does not keep a snapshot from being taken: see
// damage(). Every object that a snapshot returns was checked against its id. Reading writes nothing
// into the store. Thread-safe, with a ReadContext a thread.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bale/export.h"
#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/pack_reader.h"
#include "bale/record.h"
#include "bale/result.h"

namespace bale {

class PackSet;
class RecordReader;

/// Where an object is stored. Valid for all snapshots of the Store that it came from.
struct ObjectLocation {
  std::uint32_t pack = 0;    ///< its number: see Snapshot::pack_name()
  std::uint64_t offset = 0;  ///< of the entry in it

  auto operator<=>(const ObjectLocation&) const = default;
};

/// The id by which an object was looked up: a Git id, one of the store's own, or none. What is read
/// is checked against it, and other entries of the same id are tried where one is damaged.
class LookupId {
 public:
  LookupId() = default;

  LookupId(const GitOid& oid) : oid_(oid) {}

  LookupId(const std::optional<GitOid>& oid) : oid_(oid) {}

  LookupId(const ObjectId& id) : id_(id) {}

  [[nodiscard]] const std::optional<GitOid>& oid() const { return oid_; }

  [[nodiscard]] const std::optional<ObjectId>& id() const { return id_; }

  [[nodiscard]] bool is_known() const { return oid_ || id_; }

 private:
  std::optional<GitOid> oid_;
  std::optional<ObjectId> id_;
};

/// A record and its id.
struct ArchiveRecord {
  ObjectId id;
  Record record;
};

/// What an abbreviated id led to.
struct FoundObject {
  ObjectLocation location;
  std::optional<GitOid> oid;  ///< where the search went by it
  LookupId by = {};           ///< the full id that was found, for reading
};

class BALE_EXPORT Snapshot {
 public:
  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] FileSystem& file_system() const;

  // ---- archives

  // A removed archive keeps its file in archives/, which then names a record of the removal. It no
  // longer counts as an archive; only archive_pointers() and archive_pointer() return it, for
  // imports, maintenance (which must keep that record) and recovery. The other functions read the
  // newest record to find out, with up to 1 MiB of extra memory: a removal fits, so a larger record
  // is not one.

  /// The names of all archives, sorted. One whose pointer is damaged, or whose record cannot be
  /// read, is among them: damage is not hidden.
  [[nodiscard]] Result<std::vector<std::string>> archives() const;

  /// The id of the newest record that is in this snapshot; nullopt if there was no such archive, or
  /// it was removed. kCorrupt for a damaged pointer; it does not detect an unreadable record.
  [[nodiscard]] Result<std::optional<ObjectId>> newest_record(const std::string& name) const;

  /// The names of all archives and of all that were removed, sorted.
  [[nodiscard]] Result<std::vector<std::string>> archive_pointers() const;

  /// What the archive's file says now, in this snapshot or not: the id of its newest record or of
  /// its removal; nullopt if there is no file. kCorrupt where it is damaged.
  [[nodiscard]] Result<std::optional<ObjectId>> archive_pointer(const std::string& name) const;

  /// The record `back` imports ago; 0 is the newest. kNotFound for an unknown or removed archive,
  /// and if it has fewer records. Reads all records up to that one: use records() for several.
  Result<ArchiveRecord> record(const std::string& name, std::uint64_t back,
                               ReadContext& context) const;

  /// The records of an archive, newest first, from the one `back` imports ago on. Errors as
  /// record(). The context must outlive the reader.
  Result<RecordReader> records(const std::string& name, std::uint64_t back,
                               ReadContext& context) const;

  /// The record with this id. kCorrupt if it is not a record.
  Result<ArchiveRecord> record(const ObjectId& id, ReadContext& context) const;

  // ---- objects

  /// How many packs there are.
  [[nodiscard]] std::uint32_t pack_count() const;

  /// Their numbers, newest first. A number names the same pack in all snapshots of a Store.
  [[nodiscard]] std::vector<std::uint32_t> pack_numbers() const;

  /// The pack, opened if need be. kNotFound where it was collected before it was opened, kCorrupt
  /// where it is damaged, kInvalidArgument for a number that no pack has.
  Result<std::shared_ptr<const PackReader>> pack(std::uint32_t number) const;

  /// The pack's name: the BLAKE3 of its file, in hex. Empty for a number that no pack has.
  [[nodiscard]] std::string pack_name(std::uint32_t number) const;

  /// Errors of packs that could not be opened, of Git indexes, and of the catalog. Objects of these
  /// packs are not found. kIo if the system refuses to read a file, whose content is then unknown.
  /// `bale repair` repairs the others.
  [[nodiscard]] std::vector<Error> damage() const;

  /// A damaged catalog hides nothing: before these return nullopt, they check its checksum, once.
  [[nodiscard]] std::optional<ObjectLocation> find(const GitOid& oid) const;
  [[nodiscard]] std::optional<ObjectLocation> find(const ObjectId& id) const;

  /// The object of a full id or an unambiguous prefix of 6 or more hex digits: a content hash, a
  /// change id or a Git object id. kNotFound, or kInvalidArgument where it is ambiguous or no id;
  /// kIo where it may be in a pack that cannot be read.
  Result<FoundObject> find_prefix(std::string_view hex) const;

  /// The Error for an object that find() did not find: kCorrupt, "WHAT is in none of the packs"; or
  /// kIo where the system refuses to read a pack that may have it, with the reason.
  [[nodiscard]] Error missing(std::string_view what) const;

  // Pass the id by which the location was found. Then an object whose pack was collected before it
  // was opened is read from the packs that the store has now; and if the entry is damaged, or is
  // another object, the entries of the id in all other packs are tried. These calls return the
  // first right entry, or else the Error of the first one. Without an id, only the entry at the
  // location is tried: kNotFound if its pack was collected.

  /// Headers only, which nothing proves: of a damaged entry, type and size may be wrong. That the
  /// entry is the one of the id is checked.
  Result<EntryInfo> info(const ObjectLocation& location, ReadContext& context,
                         const LookupId& id = {}) const;

  /// The same for those who print it. Where several entries have the id, so that one may be right
  /// where another is damaged, the payload is read to prove them; not with more than 64 packs.
  Result<EntryInfo> proven_info(const ObjectLocation& location, ReadContext& context,
                                const LookupId& id) const;

  /// The object, checked against its id: kCorrupt, with pack and offset, where it is another.
  Result<ObjectView> get(const ObjectLocation& location, ReadContext& context,
                         const LookupId& id = {}) const;

  /// The object with this id: find() and get(), or missing().
  Result<ObjectView> get(const LookupId& id, ReadContext& context) const;

  /// The same in pieces, for objects of any size. `sink` receives only checked bytes: an object
  /// that is too large for memory is read twice.
  Result<ObjectType> read(const ObjectLocation& location, ReadContext& context,
                          const PackReader::PayloadSink& sink, const LookupId& id = {}) const;

  /// Receives type and size, then the payload in pieces. An Error ends the reading and is returned.
  struct ObjectSink {
    std::function<Result<void>(ObjectType type, std::uint64_t size)> begin;
    PackReader::PayloadSink write;
  };

  /// The same, for callers that need type and size first.
  Result<void> read_object(const ObjectLocation& location, ReadContext& context,
                           const ObjectSink& sink, const LookupId& id) const;

 private:
  friend struct SnapshotAccess;

  explicit Snapshot(std::shared_ptr<const PackSet> packs) : packs_(std::move(packs)) {}

  Result<std::optional<ObjectId>> archive_head(const std::string& name) const;

  std::shared_ptr<const PackSet> packs_;
};

/// The records of an archive, one after the other, newest first. Each is read once.
///
///   bale::RecordReader records = BALE_TRY(snapshot.records("linux", 0, context));
///   while (const auto entry = BALE_TRY(records.next())) use(entry->record);
///
/// It ends before a removal of the archive: what came before is not part of it. Memory: the record
/// that is being read. Not thread-safe.
class BALE_EXPORT RecordReader {
 public:
  /// The next older record; nullopt after the oldest. The Error of a record that cannot be read
  /// says which one it is and what helps; after it there are no more.
  Result<std::optional<ArchiveRecord>> next();

  struct Total {
    std::uint64_t records = 0;   ///< those that could be counted
    std::optional<Error> error;  ///< why these are not all
  };

  /// How many records there are from the first one on: most records say how many came before. Where
  /// those of older versions do not, they are read.
  [[nodiscard]] Total total() const;

 private:
  friend class Snapshot;

  RecordReader(Snapshot snapshot, std::string name, std::uint64_t back, ArchiveRecord first,
               ReadContext& context);

  Snapshot snapshot_;
  std::string name_;
  std::uint64_t first_back_;
  std::uint64_t number_;                  // of the first record; 0: it does not say
  std::optional<ObjectId> before_first_;  // what it names
  std::optional<ArchiveRecord> first_;    // until next() has given it
  std::optional<ObjectId> next_;
  std::uint64_t steps_ = 0;
  ReadContext* context_;
};

}  // namespace bale
