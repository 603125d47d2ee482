// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Git's grammar for trees, commits and tags, as far as their links go.
//
//   tree    row of: <mode: octal digits> ' ' <name> 0 <oid: 20 or 32 bytes>
//   commit  "tree " <hex> '\n', any number of "parent " <hex> '\n', then what we do not read
//   tag     "object " <hex> '\n' ["type " <word> '\n'] ["tag " <name> '\n'], then what we do not
//           read
//
// Payloads are untrusted. Oddities that Git accepts (a mode with a leading zero, entries out of
// order, a commit truncated inside its last parent line) are accepted, so that such objects can be
// stored and restored verbatim. Tags are parsed more leniently than by Git: one without a type
// still names its object. A syntax error is kCorrupt, with the position in the payload; only the
// links before it count.
//
// All functions are thread-safe. Views point into the caller's payload.

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

/// The kind of a tree's entry.
enum class EntryKind : std::uint8_t { kFile, kExecutable, kSymlink, kTree, kSubmodule };

/// Git's interpretation of a mode, ignoring permission bits. Like Git, treats a mode of no known
/// type (644, say) as a submodule, which is not followed.
[[nodiscard]] EntryKind entry_kind(std::uint32_t mode);

struct TreeEntry {
  std::uint32_t mode = 0;      ///< the value of the digits, 0100644 for "100644"
  std::string_view mode_text;  ///< the digits as written: "40000", "040000", ...
  std::string_view name;       ///< bytes, never empty; check_entry_name() before writing a file
  GitOid oid;

  bool operator==(const TreeEntry&) const = default;
};

/// Reads the entries of a tree. Allocates nothing. The payload must outlive the reader.
class TreeReader {
 public:
  /// `payload` may be a part of a tree that begins with an entry, at offset `bytes_before` of the
  /// tree; errors give offsets in the tree.
  TreeReader(GitHash hash, Bytes payload, std::uint64_t bytes_before = 0)
      : hash_(hash), payload_(payload), bytes_before_(bytes_before) {}

  /// The next entry; nullopt at the end. kCorrupt for a syntax error, and on every later call.
  /// Typically: while (const auto entry = TRY(reader.next())) ...
  Result<std::optional<TreeEntry>> next();

  /// The offset of the next entry in the payload.
  [[nodiscard]] std::size_t position() const { return position_; }

 private:
  GitHash hash_;
  Bytes payload_;
  std::uint64_t bytes_before_;
  std::size_t position_ = 0;
};

/// The links of a commit, in its order.
struct Commit {
  GitOid tree;
  std::vector<GitOid> parents;
};

/// Reads the tree and the parents; stops at the first other header. Like Git, it ignores a last
/// "parent" line that the payload's end truncates. kCorrupt if there is no tree, or for a parent
/// line without an id.
[[nodiscard]] Result<Commit> parse_commit(GitHash hash, Bytes payload);

/// The target of an annotated tag.
struct Tag {
  GitOid object;
  std::optional<ObjectType> type;  ///< the type of `object`, if the tag has a valid one
  std::string_view name;           ///< bytes; empty if the tag has no name
};

/// Reads the object, its type and the tag's name. kCorrupt if the object is missing.
[[nodiscard]] Result<Tag> parse_tag(GitHash hash, Bytes payload);

/// One object named by another.
///
/// The target's type is a claim: a tree may list a tree as a file. Follow links by the target's
/// actual type.
struct Link {
  GitOid oid;
  ObjectType type = ObjectType::kBlob;  ///< claimed by the linking object; kBlob without a claim
  std::string_view name;                ///< in a tree the entry's name, else empty
  bool submodule = false;               ///< a commit of another repository: not to be followed
  bool claims_type = true;              ///< false for the object of a tag without a type
  bool is_parent = false;               ///< a commit's parent, which a shallow boundary cuts
};

/// Converts a tree's entry to a link.
[[nodiscard]] Link link_of(const TreeEntry& entry);

/// Called with each link; an Error stops the walk and is returned.
using LinkVisitor = std::function<Result<void>(const Link&)>;

/// Visits every link of an object, in the payload's order, including submodules, which are marked.
/// A blob has no links. An action must be a tag, not a record. kCorrupt for a syntax error, after
/// visiting the links before it.
Result<void> for_each_link(GitHash hash, ObjectType type, Bytes payload, const LinkVisitor& visit);

}  // namespace bale
