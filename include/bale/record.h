// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A record: what one import brought into an archive, or that the archive was removed.
//
// It is an action object whose payload is JSON: one line, keys sorted, UTF-8; under an id that no
// tag has (doc/FORMAT.md, section 8). Names and paths are bytes; what is not UTF-8, and '%', is
// written %XX (control characters too: one line stays one). A record lies in the pack of its
// import, and the records of an archive form a chain, so that packs alone are enough to recover a
// store.
//
//   {"archive":"git","bytes":13946,"hash":"sha1","head":"ref: refs/heads/main","kind":"git",
//    "missing":{"count":0},"number":3,"objects":849014,"objects_new":12,
//    "ref_count":10000,"ref_lists":["<hash>","<hash>"],"source":"/srv/git.git",
//    "time":"2026-11-22T14:56:00Z","version":"0.1.0"}    (on one line)
//
// The refs of a small repository are in the record: "refs":{"refs/heads/main":"<oid>"}. Others are
// in lists, objects of their own; RefList::read() (bale/ref_list.h) reads both.
//
// Keys without a value (an empty collection or text, an absent optional) are left out, but for the
// numbers. A reader overlooks keys that it does not know.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bale/bytes.h"
#include "bale/export.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"

namespace bale {

enum class RecordKind : std::uint8_t {
  kGit,      ///< a Git repository: refs, HEAD, perhaps a shallow boundary
  kDir,      ///< a directory: a root tree
  kTar,      ///< a tar stream: a root tree
  kRemoved,  ///< the archive's name was taken away
};

/// "git", "dir", "tar" or "removed".
[[nodiscard]] BALE_EXPORT std::string_view to_string(RecordKind kind);

struct BALE_EXPORT Record {
  /// Git ids that are too many to stand in the record itself.
  struct OidList {
    std::uint64_t count = 0;
    /// The content hash of a blob with the ids, sorted: a line of hex digits each.
    std::optional<ObjectId> list;

    bool operator==(const OidList&) const = default;
  };

  std::string archive;  ///< the archive's name, as check_archive_name() wants it
  RecordKind kind = RecordKind::kGit;
  std::optional<GitHash> hash;  ///< of all Git ids in this record; there if any is
  std::string source;           ///< where the import read from; bytes
  std::int64_t time = 0;        ///< seconds since 1970, UTC, in the years 0 to 9999
  /// HEAD as it stood: "ref: refs/heads/main" or an id in hex; bytes, checked by no one yet.
  std::string head;
  std::map<std::string, GitOid> refs;          ///< full name (bytes) to id; empty with lists
  std::map<std::string, std::string> symrefs;  ///< symbolic refs other than HEAD: name to target
  /// The content hashes of lists of refs: a whole one, then edits of it, each of what the ones
  /// before it give. At most kMostRefLists. Empty where the refs are in `refs` and `symrefs`.
  std::vector<ObjectId> ref_lists;
  std::uint64_t ref_count = 0;    ///< how many refs the lists give
  std::vector<GitOid> shallow;    ///< commits whose parents are left out, in order
  std::optional<GitOid> root;     ///< dir, tar: the root tree
  std::uint64_t objects = 0;      ///< reached by this import
  std::uint64_t objects_new = 0;  ///< of these, not in the store before
  std::uint64_t bytes = 0;        ///< payload bytes read
  OidList missing;                ///< objects that the source should have had and did not
  OidList unreached;              ///< objects that were archived though no ref reaches them
  /// How many records the archive has with this one; 0 where an older version wrote it.
  std::uint64_t number = 0;
  std::optional<ObjectId> previous;  ///< id of the archive's record before this one
  /// Id of the record whose place this one takes: pruning and undoing copy records, because they
  /// are chained by their hashes; an undone removal is replaced by a copy, too.
  std::optional<ObjectId> replaces;
  std::string version;  ///< of the program that wrote the record

  static constexpr std::size_t kMostRefLists = 32;

  /// How many refs there are, symbolic ones too (but not HEAD), wherever they are.
  [[nodiscard]] std::uint64_t count_refs() const;

  bool operator==(const Record&) const = default;
};

/// The payload of a record; equal records give equal bytes. Safe from any thread.
/// kInvalidArgument unless the archive's name is valid, all Git ids are of the kind `hash`, and
/// `previous`, `replaces` and the lists are content hashes. A time out of range is written as the
/// nearest one inside. Memory: the text, and once more the text of the refs' names.
[[nodiscard]] BALE_EXPORT Result<std::string> encode_record(const Record& record);

/// The record in a payload, which may come from anywhere. What encode_record() wrote comes back
/// equal, whatever bytes are in its names. Safe from any thread.
/// kCorrupt, with the key, where it is no JSON, nested deeply, a key of ours twice, missing or of
/// another type, a number, id or time not readable, or a Git id of another kind than `hash`. Names
/// of refs and HEAD may still be any bytes: see check_ref_name(). Memory: a few times the payload.
[[nodiscard]] BALE_EXPORT Result<Record> decode_record(Bytes payload);

}  // namespace bale
