// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checking a store, or everything that one archive reaches.
//
//   auto report = bale::verify_store(store, {});
//   if (!report) return report.error();     // it could not be checked
//   for (const bale::Error& damage : report->errors) print(damage.message);
//
// Damage does not stop the check: it is reported, and everything else is checked. Each lost object
// is named, with every archive, ref and path that depends on it.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bale/export.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "bale/store.h"
#include "bale/work_options.h"

namespace bale {

struct LostObject;

struct StoreCheckOptions {
  std::optional<std::string> archive{};  ///< only what this archive's records reach
  bool quick = false;                    ///< structure and checksums; no payload is decoded
  /// The share of objects to decode, above 0 and at most 1. Checks structure (without whole packs'
  /// checksums), records, tips, and that share of the objects, drawn at random. Excludes `archive`
  /// and `quick`.
  std::optional<double> sample{};
  std::optional<std::uint64_t> sample_seed{};  ///< to choose the same again; nullopt: by chance
  /// Called at the end for each lost object beyond the report's limit, untraced, in the order of
  /// ids. An Error ends the check and is returned. May be empty.
  std::function<Result<void>(const LostObject&)> on_lost{};
  WorkOptions work{};
};

/// An object that an archive needs and that is missing or damaged.
struct LostObject {
  /// A ref of a record that reaches the object.
  struct Touch {
    std::string archive;
    std::uint64_t record_back = 0;  ///< number of newer records
    std::string ref;                ///< bytes; also "HEAD" or "the root tree"
    std::string path;               ///< in the ref's tree, if found there; "/" for the root

    bool operator==(const Touch&) const = default;
  };

  GitOid oid;
  std::optional<ObjectType> type;  ///< if known
  std::string why;
  bool traced = false;                ///< whether the fields below were determined
  std::vector<Touch> touches;         ///< every record and ref, up to 20,000
  std::uint64_t touches_omitted = 0;  ///< number of further ones
  std::vector<std::string> paths;     ///< the first 16 in the trees of affected commits
  std::uint64_t paths_omitted = 0;    ///< further ones; a lower bound above 1,000
};

/// An archive with records in the packs but no file in archives/: the file was lost, or the
/// archive's first import was interrupted. Readers do not see the archive; repair_store() restores
/// it, and collect_store() keeps the objects that it reaches.
struct ArchiveWithoutFile {
  std::string name;
  ObjectId record;        ///< its newest
  std::int64_t time = 0;  ///< of that record; seconds since 1970, UTC
  bool removed = false;   ///< the record is a removal: nothing is lost

  bool operator==(const ArchiveWithoutFile&) const = default;
};

/// A link whose type differs from its target's: a tree that lists a tree as a file, say. Links are
/// followed by the target's type, so this is not damage.
struct OddLink {
  GitOid oid;  ///< of the target
  ObjectType claimed = ObjectType::kBlob;
  ObjectType stored = ObjectType::kBlob;
  std::string from;  ///< the object that holds the link
};

/// An object that matches its id but does not parse as Git's grammar. Links before the error count.
/// Not damage: it was imported so.
struct MalformedObject {
  GitOid oid;
  std::string why;
};

/// Objects that an archive's source lacked when it was imported. Not an error.
struct ArchiveMissing {
  std::string name;
  std::uint64_t objects = 0;  ///< listed as missing in its newest record
  std::uint64_t records = 0;  ///< records that list any

  bool operator==(const ArchiveMissing&) const = default;
};

struct StoreReport {
  std::uint64_t objects = 0;         ///< checked
  std::uint64_t bytes = 0;           ///< of decoded payloads
  std::uint64_t packs = 0;           ///< checked
  std::vector<Error> errors;         ///< the first 1,000, with the refs affected
  std::uint64_t errors_omitted = 0;  ///< beyond 10,000 lost objects some count twice
  /// The first 1,000 lost objects, which are also among the errors. The first 244 are traced.
  std::vector<LostObject> lost;
  std::uint64_t lost_omitted = 0;  ///< further ones, given to StoreCheckOptions::on_lost
  /// Every ref affected by the untraced lost objects, without paths.
  std::vector<LostObject::Touch> others_touch;
  std::uint64_t others_touch_omitted = 0;  ///< number beyond 20,000
  std::vector<std::string> debris;         ///< unneeded files: sentences that begin with a path
  std::uint64_t debris_omitted = 0;
  /// By name. Not errors: an interrupted first import leaves a store intact.
  std::vector<ArchiveWithoutFile> archives_without_file;
  std::vector<OddLink> odd_links;  ///< the first 100 that were met; only in a full check
  std::uint64_t odd_links_omitted = 0;
  std::vector<MalformedObject> malformed;  ///< the first 100 that were met; only in a full check
  std::uint64_t malformed_omitted = 0;
  std::optional<std::uint64_t> sample_seed;  ///< of the sample
  std::vector<ArchiveMissing> missing;       ///< archives with a record that lacks objects

  [[nodiscard]] bool ok() const { return errors.empty(); }
};

/// The smallest memory_bytes for a store of moderate size; see Closure for what grows with it.
[[nodiscard]] constexpr std::uint64_t smallest_verify_memory_bytes() {
  return 16 << 20;
}

/// Checks the packs that exist now, whatever snapshots the Store has given.
///
/// A quick check covers every pack's checksum and structure, its indexes, the catalog against them,
/// the records of every archive, and the presence of all ref tips. A full check also decodes every
/// object, compares it with its id and its Git id, and follows every link from every ref of every
/// record. Objects that a record lists as missing are errors only for other records.
///
/// With options.archive, a full check covers only the objects that its records reach, in whichever
/// pack; a quick one its records and tips, and all packs as above.
///
/// Lost objects are traced to the refs and paths that depend on them: one more walk over all
/// history for every 61 of the first 244 (quick: only refs that point directly to them). Without
/// options.archive, every check also reports debris, which is not an error, and archives without a
/// file, and checks the objects that these reach.
///
/// Errors: kNotFound for an unknown archive, kInvalidArgument for options that exclude each other
/// or too little memory, kLimitExceeded if marking the objects (one bit each) needs more memory,
/// kInterrupted, kIo. Memory: work.memory_bytes; the report's lists, 2 MiB if much is lost;
/// names of files and refs; 48 bytes a record, 200 more for one of an archive without a file.
BALE_EXPORT Result<StoreReport> verify_store(const Store& store, const StoreCheckOptions& options);

}  // namespace bale
