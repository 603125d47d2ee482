// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Store: a directory of packs plus named archives.
//
//   STORE/
//     bale-store                 format and version
//     packs/<name>.pack .idx .gitidx
//     archives/<name>            the id of the newest record; archives/a@/b of the archive a/b
//     staging/<random>/          work in progress, held by a lock on the directory
//     catalog                    where all ids of many packs lead; derived from their indexes
//     lock                       shared by imports, alone for the moment in which packs go
//
//   Store store = Store::open("archive.bale");
//   ArchiveRecord newest = store.record("linux");
//   std::optional<ObjectLocation> where = store.find(newest.record.refs["refs/heads/main"]);
//   ObjectView commit = store.get(*where, context);
//
// Readers take no lock: packs are immutable, and an open one outlives its name. A Store knows the
// packs that were there when it was opened, or when refresh() was called last, by itself or when
// something was asked for that is newer, or went. It keeps at most a few hundred files open however
// many packs there are: with more than 64, it makes the catalog if that is not there.
//
// A damaged pack, or one that cannot be read, does not keep a store from being opened: see
// damage(). Every object that a store hands out was checked against its id. Thread-safe, with a
// ReadContext a thread.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/pack_reader.h"
#include "bale/record.h"
#include "bale/result.h"

namespace bale {

/// Where an object lies. Valid for the Store it came from, as long as that lives.
struct ObjectLocation {
  std::uint32_t pack = 0;    ///< which of the store's packs
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

class Store {
 public:
  /// Makes an empty store in a new or empty directory, or in one in which an init() or
  /// remove_empty() was interrupted. Of concurrent calls one succeeds; the others fail with
  /// kInvalidArgument once the store exists. kInvalidArgument if the directory has other content.
  [[nodiscard]] static Result<void> init(const std::string& path,
                                         FileSystem* file_system = nullptr);

  /// Removes an empty store: no pack, no archive, no running operation (a lock on its directory
  /// counts as one). Undoes an init() when the following operation failed. kInvalidArgument if the
  /// store is not empty.
  [[nodiscard]] static Result<void> remove_empty(const std::string& path,
                                                 FileSystem* file_system = nullptr);

  /// kNotFound where there is no store, kUnsupported for one of a later version.
  [[nodiscard]] static Result<Store> open(const std::string& path,
                                          FileSystem* file_system = nullptr);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] FileSystem& file_system() const;

  /// Reads the directory again: opens new packs and forgets removed ones.
  Result<void> refresh();

  // ---- archives

  // A removed archive keeps its file in archives/, which then names a record of the removal. It no
  // longer counts as an archive; only archive_pointers() and archive_pointer() return it, for
  // imports, maintenance (which must keep that record) and recovery. The other functions read the
  // newest record to find out, with up to 1 MiB of extra memory: a removal fits, so a larger record
  // is not one.

  /// The names of all archives, sorted. One whose pointer is damaged, or whose record cannot be
  /// read, is among them: damage is not hidden.
  [[nodiscard]] Result<std::vector<std::string>> archives() const;

  /// The id of the newest record; nullopt if there is no such archive, or it was removed. kCorrupt
  /// for a damaged pointer; it does not detect an unreadable record.
  [[nodiscard]] Result<std::optional<ObjectId>> newest_record(const std::string& name) const;

  /// The names of all archives and of all that were removed, sorted.
  [[nodiscard]] Result<std::vector<std::string>> archive_pointers() const;

  /// What the archive's file says: the id of its newest record or of its removal; nullopt if there
  /// is no file. kCorrupt where it is damaged.
  [[nodiscard]] Result<std::optional<ObjectId>> archive_pointer(const std::string& name) const;

  /// The record `back` imports ago; 0 is the newest. kNotFound if there is none, or the archive was
  /// removed.
  Result<ArchiveRecord> record(const std::string& name, std::uint64_t back,
                               ReadContext& context) const;

  /// The record with this id. kCorrupt if it is not a record.
  Result<ArchiveRecord> record(const ObjectId& id, ReadContext& context) const;

  // ---- objects

  /// How many packs there are.
  [[nodiscard]] std::uint32_t pack_count() const;

  /// Their numbers, newest first. A number names the same pack as long as the Store lives.
  [[nodiscard]] std::vector<std::uint32_t> pack_numbers() const;

  /// The pack, opened if need be. kNotFound where it was collected before this Store opened it,
  /// kCorrupt where it is damaged.
  Result<std::shared_ptr<const PackReader>> pack(std::uint32_t number) const;

  /// The pack's name: the BLAKE3 of its file, in hex.
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

  // With the id that led to a location, an object whose pack was collected before it was opened is
  // looked for in the packs that are there now, as refresh() would; and where the entry is damaged,
  // or is another object, every other pack that has an entry of the id is tried. The first entry
  // that is right is the answer; if there is none, the Error of the first one that was tried.
  // Without an id there is one entry, and kNotFound if its pack was collected.

  /// Headers only, which nothing proves: of a damaged entry, type and size may be wrong. That the
  /// entry is the one of the id is checked.
  Result<EntryInfo> info(const ObjectLocation& location, ReadContext& context,
                         const LookupId& id = {}) const;

  /// The object, checked against its id: kCorrupt, with pack and offset, where it is another.
  Result<ObjectView> get(const ObjectLocation& location, ReadContext& context,
                         const LookupId& id = {}) const;

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

  class Impl;

  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  explicit Store(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace bale
