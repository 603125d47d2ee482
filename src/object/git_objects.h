// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Git's grammar for trees, commits and tags, as far as links go: what an object names.
//
//   tree    row of: <mode: octal digits> ' ' <name> 0 <oid: 20 or 32 bytes>
//   commit  "tree " <hex> '\n', any number of "parent " <hex> '\n', then what we do not read
//   tag     "object " <hex> '\n' ["type " <word> '\n'] ["tag " <name> '\n'], then what we do not
//           read
//
// Payloads are untrusted and are only read: what is odd but readable to Git (a mode with a leading
// zero, entries out of order, a commit that is cut off inside its last parent line) is taken as it
// is, so that it can be stored and given back verbatim. Tags are read more leniently than Git reads
// them: one without a type still names its object. What cannot be read is kCorrupt, with the
// position in the payload; the links before it count, and nothing behind it does.
//
// Everything here is safe from any thread. Views point into the payload that was passed in.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "bale/bytes.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"

namespace bale {

/// What a tree's entry is.
enum class EntryKind : std::uint8_t { kFile, kExecutable, kSymlink, kTree, kSubmodule };

/// The kind that Git sees in a mode, whatever its permission bits. A mode of none of Git's types
/// (644, say) is a submodule to Git, so that nothing is looked for behind it: also here.
[[nodiscard]] EntryKind entry_kind(std::uint32_t mode);

struct TreeEntry {
  std::uint32_t mode = 0;      ///< the value of the digits, 0100644 for "100644"
  std::string_view mode_text;  ///< the digits as they stand: "40000", "040000", ...
  std::string_view name;       ///< bytes, never empty; check_entry_name() before writing a file
  GitOid oid;

  bool operator==(const TreeEntry&) const = default;
};

/// Goes through the entries of a tree. Allocates nothing. The payload must outlive the reader.
class TreeReader {
 public:
  /// `payload` may be a part of a tree that begins with an entry, `bytes_before` behind the tree's
  /// start: errors count from there.
  TreeReader(GitHash hash, Bytes payload, std::uint64_t bytes_before = 0)
      : hash_(hash), payload_(payload), bytes_before_(bytes_before) {}

  /// The next entry; nothing at the end. kCorrupt where the grammar is broken, and again on every
  /// later call. Typically: while (const auto entry = TRY(reader.next())) ...
  Result<std::optional<TreeEntry>> next();

  /// Where the next entry begins, in bytes from the start of the payload.
  [[nodiscard]] std::size_t position() const { return position_; }

 private:
  GitHash hash_;
  Bytes payload_;
  std::uint64_t bytes_before_;
  std::size_t position_ = 0;
};

/// What a commit names, in its order.
struct Commit {
  GitOid tree;
  std::vector<GitOid> parents;
};

/// Reads the tree and the parents; stops at the first other header. As Git does, it ignores a last
/// "parent" line that the end of the payload cuts off. kCorrupt if there is no tree, or for a
/// parent line without an id.
[[nodiscard]] Result<Commit> parse_commit(GitHash hash, Bytes payload);

/// What an annotated tag names.
struct Tag {
  GitOid object;
  std::optional<ObjectType> type;  ///< the type of `object`, where the tag says one that exists
  std::string_view name;           ///< bytes; empty where the tag has no name
};

/// Reads the object, its type and the tag's name. kCorrupt if the object is missing.
[[nodiscard]] Result<Tag> parse_tag(GitHash hash, Bytes payload);

/// One object named by another.
///
/// What it says of the target's type is a claim: a tree may name a tree as if it were a file.
/// Follow links by the type that the target has.
struct Link {
  GitOid oid;
  ObjectType type = ObjectType::kBlob;  ///< what the naming object claims; kBlob without a claim
  std::string_view name;                ///< in a tree the entry's name, else empty
  bool submodule = false;               ///< a commit of another repository: not to be followed
  bool claims_type = true;              ///< false for the object of a tag that says no type
  bool is_parent = false;               ///< of a commit: what a shallow boundary cuts
};

/// The link that an entry of a tree is.
[[nodiscard]] Link link_of(const TreeEntry& entry);

/// Called with each link; an Error stops the walk and is handed through.
using LinkVisitor = std::function<Result<void>(const Link&)>;

/// Visits every link of an object, in the payload's order. Submodules are visited too, and marked.
/// A blob has no links. An action must be a tag, not a record. kCorrupt where the payload cannot be
/// read; what comes before that place has been visited by then.
Result<void> for_each_link(GitHash hash, ObjectType type, Bytes payload, const LinkVisitor& visit);

}  // namespace bale
