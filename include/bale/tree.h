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
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

/// The place that `text` names, in one of the forms of archive_name.h. Of the ways to read it, the
/// one with the longest name of an archive of the store counts: github.com/owner/repo/main:src is
/// the path src in the branch main of the archive github.com/owner/repo. kNotFound, with the names
/// that were tried, where there is no such archive; where one of them was removed, it is returned,
/// and resolve_path() says so. kInvalidArgument as parse_archive_path().
Result<ArchivePath> find_archive_path(const Store& store, std::string_view text);

/// What a path leads to.
struct ResolvedPath {
  GitOid oid;
  std::uint32_t mode = 0;  ///< as in the tree that holds it; 040000 for a root tree
  ObjectType type = ObjectType::kTree;
  ObjectLocation location;
};

/// Follows the archive's HEAD (or its root tree), or the branch, tag or full ref that is named, and
/// then the path. kNotFound, with the piece that is missing, where it leads nowhere; kIncomplete
/// where the archive was made without the object.
Result<ResolvedPath> resolve_path(const Store& store, const ArchivePath& path,
                                  ReadContext& context);

/// One entry of a tree.
struct TreeItem {
  std::uint32_t mode = 0;
  /// Of the stored object, whatever the mode says; of an object that is not in the store, the type
  /// that the mode claims. kState for a submodule.
  ObjectType type = ObjectType::kBlob;
  bool submodule = false;
  GitOid oid;
  std::optional<std::uint64_t> size;  ///< of a blob that is in the store
  std::string name;                   ///< bytes
};

/// Calls `use` for each entry, in the tree's order, however many. An Error from `use` ends it and
/// is returned. Takes kAnyObjectBytes of memory besides `context`.
Result<void> list_tree(const Store& store, const ObjectLocation& tree, const GitOid& oid,
                       ReadContext& context,
                       const std::function<Result<void>(const TreeItem&)>& use);

}  // namespace bale
