// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checking a store, or what one archive of it reaches.
//
//   auto report = bale::verify_store(store, {});
//   if (!report) return report.error();     // it could not be checked
//   if (!report->ok()) ...                  // it was, and something is damaged
//
// Damage is contained: what is broken is reported, and all the rest is checked. Objects that are
// lost are named one by one, with all that they take something away from.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

struct LostObject;

struct StoreCheckOptions {
  std::optional<std::string> archive;  ///< only what this archive's records reach
  bool quick = false;                  ///< structure and checksums; no payload is decoded
  /// Of all objects, the share that is decoded, above 0 and at most 1: structure without the
  /// checksums of whole packs, records and tips, and so many objects, chosen at random. Excludes
  /// `archive` and `quick`.
  std::optional<double> sample;
  std::optional<std::uint64_t> sample_seed;  ///< to choose the same again; nullopt: by chance
  std::uint64_t memory_bytes = 64 << 20;
  /// Told in the end of each lost object that the report does not hold, not traced, in the order of
  /// ids. An Error of it ends the check and comes back. May be empty.
  std::function<Result<void>(const LostObject&)> on_lost;
  Operation operation;
};

/// An object that somebody needs and that is not there, or there and damaged.
struct LostObject {
  /// What it takes something away from: a ref of a record that reaches it.
  struct Touch {
    std::string archive;
    std::uint64_t record_back = 0;  ///< the record, by how many came after it
    std::string ref;                ///< bytes; "HEAD" or "the root tree" where that is no ref
    std::string path;               ///< in the tree of that ref, if it is there; "/" for the root

    bool operator==(const Touch&) const = default;
  };

  GitOid oid;
  std::optional<ObjectType> type;  ///< where it is known
  std::string why;
  bool traced = false;                ///< whether what follows was looked for
  std::vector<Touch> touches;         ///< all: each record, each of its refs
  std::uint64_t touches_omitted = 0;  ///< beyond the 20,000 that a report lists
  std::vector<std::string> paths;     ///< the first 16 in any tree of any commit that is touched
  std::uint64_t paths_omitted = 0;    ///< more of them; at least so many where it is above 1,000
};

/// An archive whose records are in the packs, and that has no file in archives/: the file is lost,
/// or the archive's first import died before it was done. No reader sees the archive;
/// repair_store() brings it back, and collect_store() keeps what it reaches.
struct ArchiveWithoutFile {
  std::string name;
  ObjectId record;        ///< its newest
  std::int64_t time = 0;  ///< of that record; seconds since 1970, UTC
  bool removed = false;   ///< that record says that the archive was removed: nobody misses it

  bool operator==(const ArchiveWithoutFile&) const = default;
};

/// A link that claims another type than the object has that it leads to: a tree that names a tree
/// as a file, say. Links are followed by the object's type, so this is no damage.
struct OddLink {
  GitOid oid;  ///< of the object that it leads to
  ObjectType claimed = ObjectType::kBlob;
  ObjectType stored = ObjectType::kBlob;
  std::string from;  ///< what holds the link
};

/// An object that is what its id says, and that Git's grammar cannot be read in to its end. The
/// links before that place count. No damage: it came so.
struct MalformedObject {
  GitOid oid;
  std::string why;
};

/// What an archive lacks because its source did when it was imported. No error.
struct ArchiveMissing {
  std::string name;
  std::uint64_t objects = 0;  ///< that its newest record names as missing
  std::uint64_t records = 0;  ///< how many of its records name any

  bool operator==(const ArchiveMissing&) const = default;
};

struct StoreReport {
  std::uint64_t objects = 0;         ///< checked
  std::uint64_t bytes = 0;           ///< of their payloads; 0 where none was decoded
  std::uint64_t packs = 0;           ///< looked at
  std::vector<Error> errors;         ///< what is wrong, and what it touches: the first 1,000
  std::uint64_t errors_omitted = 0;  ///< more; of lost objects beyond 10,000 some count again
  /// The first 1,000 objects that are lost; each is among the errors too. The first 244 are traced.
  std::vector<LostObject> lost;
  std::uint64_t lost_omitted = 0;  ///< more of them: StoreCheckOptions::on_lost was told of each
  /// Where more are lost than are traced: every ref that one of the others touches, without paths.
  std::vector<LostObject::Touch> others_touch;
  std::uint64_t others_touch_omitted = 0;  ///< beyond 20,000
  std::vector<std::string> debris;         ///< what nothing needs: sentences that begin with a path
  std::uint64_t debris_omitted = 0;
  /// By name. No errors: a store in which a first import died is whole.
  std::vector<ArchiveWithoutFile> archives_without_file;
  std::vector<OddLink> odd_links;  ///< the first 100 that were met; only in a full check
  std::uint64_t odd_links_omitted = 0;
  std::vector<MalformedObject> malformed;  ///< the first 100 that were met; only in a full check
  std::uint64_t malformed_omitted = 0;
  std::optional<std::uint64_t> sample_seed;  ///< by which objects were chosen
  std::vector<ArchiveMissing> missing;       ///< archives of which any record lacks something

  [[nodiscard]] bool ok() const { return errors.empty(); }
};

/// The smallest memory_bytes for a store of moderate size; see Closure for what grows with it.
inline constexpr std::uint64_t kMinStoreCheckBytes = 16 << 20;

/// Quick: every pack's checksum and structure, its indexes, the catalog against them, the records
/// of every archive, and that the tips of all refs are there. Full: moreover every object is
/// decoded and compared with its id and its Git id, and every link from every ref of every record
/// is followed. Links that were missing when a record was made are not errors in what that record
/// reaches, and are in what others reach.
///
/// With an archive named, full checks what its records reach, wherever it lies; quick its records
/// and tips, and the packs as above. kNotFound if there is no such archive.
///
/// What is lost is traced to the refs and paths that it touches: a walk over all history more for
/// each 61 of the first 244 (quick: only refs that lead straight to it). What nothing needs is
/// debris, and no error; it is looked for where no archive is named. So are archives without a
/// file, in each kind of check; what they reach is checked as if they had one.
///
/// kInvalidArgument where options exclude each other, or the memory does not do. Memory:
/// options.memory_bytes, whatever the store (kLimitExceeded where marking its objects needs more,
/// at one bit each), and what the report lists, 2 MiB where much is lost; names of files and of
/// refs, and 48 bytes a record, 200 more for those of archives without a file.
Result<StoreReport> verify_store(const Store& store, const StoreCheckOptions& options);

}  // namespace bale
