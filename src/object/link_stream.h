// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// TreeStream and LinkStream: the entries of a tree, and the links of any object, from a payload in
// pieces, which may be too large for memory. Same results as TreeReader and for_each_link()
// (object/git_objects.h).
//
//   LinkStream links(GitHash::kSha1, ObjectType::kTree);
//   while (there is another piece) TRY(links.feed(piece, visit));
//   const Result<void> parsed = links.finish(visit);
//
// Memory: one piece and the longest entry of a tree, at most 1 MiB; 128 bytes for other objects.
// Not thread-safe.

#pragma once

#include <optional>
#include <string>

#include "bale/bytes.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "object/git_objects.h"

namespace bale {

/// Called with each entry, which is valid during the call. An Error stops the stream and is
/// returned.
using TreeEntryVisitor = std::function<Result<void>(const TreeEntry&)>;

class TreeStream {
 public:
  explicit TreeStream(GitHash hash) : hash_(hash) {}

  /// Visits the entries that are complete by now. Returns only errors of `visit`: finish() reports
  /// syntax errors.
  Result<void> feed(Bytes piece, const TreeEntryVisitor& visit);

  /// After the last piece: kCorrupt for a syntax error.
  [[nodiscard]] Result<void> finish() const;

 private:
  Result<std::size_t> visit_whole(Bytes bytes, const TreeEntryVisitor& visit);

  GitHash hash_;
  std::string carry_;  // the beginning of an entry
  std::uint64_t bytes_before_ = 0;
  std::optional<Error> malformed_;
};

class LinkStream {
 public:
  LinkStream(GitHash hash, ObjectType type) : hash_(hash), type_(type), tree_(hash) {}

  /// Visits the links that are certain by now. Returns only errors of `visit`: finish() reports
  /// syntax errors. Names in links are valid during the call.
  Result<void> feed(Bytes piece, const LinkVisitor& visit);

  /// After the last piece: visits links that only the end makes certain. kCorrupt for a syntax
  /// error, or an Error of `visit`.
  Result<void> finish(const LinkVisitor& visit);

 private:
  Result<void> feed_lines(std::string_view text, const LinkVisitor& visit);
  Result<void> take_line(const LinkVisitor& visit);

  GitHash hash_;
  ObjectType type_;
  TreeStream tree_;
  std::string carry_;   // the incomplete line
  std::string header_;  // of a tag: its first lines
  std::uint64_t lines_ = 0;
  bool done_ = false;  // no links can follow
  std::optional<Error> malformed_;
};

}  // namespace bale
