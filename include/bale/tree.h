// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Paths inside archives: from NAME, NAME@N, NAME:path or NAME/REF:path to an object, and the
// entries of a tree.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "bale/archive_name.h"
#include "bale/export.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

/// Parses `text`, in a form of archive_name.h. If there are several ways to read it, the longest
/// name of an existing archive wins: github.com/owner/repo/main:src is the path src in the branch
/// main of the archive github.com/owner/repo. kNotFound, with the names tried, if there is no such
/// archive. A removed archive is returned, and resolve_path() reports the removal. kInvalidArgument
/// as parse_archive_path().
BALE_EXPORT Result<ArchivePath> find_archive_path(const Snapshot& store, std::string_view text);

/// The object at a path.
struct ResolvedPath {
  GitOid oid;
  std::uint32_t mode = 0;  ///< from the tree that holds it; 040000 for a root tree
  ObjectType type = ObjectType::kTree;
  ObjectLocation location;
};

/// Follows the given branch, tag or full ref (default: the archive's HEAD or root tree), then the
/// path. kNotFound, naming the missing part, if there is no such path; kIncomplete if the archive
/// was imported without the object.
BALE_EXPORT Result<ResolvedPath> resolve_path(const Snapshot& store, const ArchivePath& path,
                                              ReadContext& context);

/// One entry of a tree.
struct TreeItem {
  std::uint32_t mode = 0;
  /// Of the stored object, whatever the mode says; if the store lacks it, the type that the mode
  /// claims. kState for a submodule.
  ObjectType type = ObjectType::kBlob;
  bool submodule = false;
  GitOid oid;
  std::optional<std::uint64_t> size;  ///< of a blob, if the store has it
  std::string name;                   ///< bytes
};

/// Calls `use` for each entry, in the tree's order; the tree may be of any size. An Error from
/// `use` stops the listing and is returned. Takes kAnyObjectBytes of memory besides `context`.
BALE_EXPORT Result<void> list_tree(const Snapshot& store, const ObjectLocation& tree,
                                   const GitOid& oid, ReadContext& context,
                                   const std::function<Result<void>(const TreeItem&)>& use);

}  // namespace bale
