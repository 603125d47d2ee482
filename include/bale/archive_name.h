// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Names that users type: of archives, of objects inside an archive, and of Git refs.
//
//   NAME             an archive: its newest record
//   NAME@N           the Nth record, counted back from the newest (@0)
//   NAME:path        a path in the tree of HEAD (git) or in the root tree (dir, tar)
//   NAME@N:path      the same in an older record
//   NAME/REF:path    a path in the tree of a branch, a tag or a full ref name
//
// A NAME may hold '/' itself (github.com/owner/repo), and no archive's name is a path prefix of
// another's. So the text alone does not show where a NAME ends and a REF begins:
// find_archive_path() in tree.h tries the archives of a store.
//
// All functions are thread-safe. They read text only, never a store.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bale/export.h"
#include "bale/result.h"

namespace bale {

/// The longest name of an archive, in bytes. With a suffix it still fits into one file name.
inline constexpr std::size_t kMaxArchiveNameBytes = 200;

/// kInvalidArgument unless `name` is UTF-8 of 1 to 200 bytes without '@', ':' or control
/// characters. A '/' separates its parts, none of which is empty or starts with '-' or '.'. Such a
/// name is safe as a relative path.
[[nodiscard]] BALE_EXPORT Result<void> check_archive_name(std::string_view name);

/// A place in an archive, as a user writes it.
struct ArchivePath {
  std::string name;
  std::uint64_t record_back = 0;  ///< records back from the newest
  /// Bytes, never empty: a branch, a tag or a full ref name, not resolved yet.
  std::optional<std::string> ref;
  /// Bytes; set if the text had a ':'. Components with one '/' between them; empty for the root.
  std::optional<std::string> path;

  bool operator==(const ArchivePath&) const = default;
};

/// Parses the forms above, and also NAME/REF, NAME@N/REF and NAME@N/REF:path. Returns every way to
/// read the text, the longest name first: at least one, at most one more than it has '/'. A ref may
/// hold '/' and '@', a path any byte. Leading, trailing and double slashes of a path are dropped.
/// kInvalidArgument if no part can be an archive's name, for an invalid record number, an empty
/// REF, and a path with a component "." or "..".
[[nodiscard]] BALE_EXPORT Result<std::vector<ArchivePath>> parse_archive_path(
    std::string_view text);

/// kInvalidArgument unless `name` is a full ref name ("refs/...") by the rules of
/// git-check-ref-format(1). An export writes it into files and uses it as a path.
[[nodiscard]] BALE_EXPORT Result<void> check_ref_name(std::string_view name);

}  // namespace bale
