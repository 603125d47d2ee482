// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// LinkStream: the links of an object whose payload comes in pieces, because it is too large to be
// held. The same links as for_each_link() finds (object/git_objects.h).
//
//   LinkStream links(GitHash::kSha1, ObjectType::kTree);
//   while (there is another piece) TRY(links.feed(piece, visit));
//   const Result<void> parsed = links.finish(visit);
//
// Memory: the longest entry of a tree, at most 1 MiB; 128 bytes for others. Not thread-safe.

#pragma once

#include <optional>
#include <string>

#include "bale/bytes.h"
#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "object/git_objects.h"

namespace bale {

class LinkStream {
 public:
  LinkStream(GitHash hash, ObjectType type) : hash_(hash), type_(type) {}

  /// Visits the links that are certain by now. Errors are those of `visit`: what cannot be parsed
  /// is said by finish(). Names in links are valid during the call.
  Result<void> feed(Bytes piece, const LinkVisitor& visit);

  /// After the last piece: visits what only the end makes certain. kCorrupt where the payload could
  /// not be parsed to its end, or an Error of `visit`.
  Result<void> finish(const LinkVisitor& visit);

 private:
  Result<void> feed_tree(Bytes piece, const LinkVisitor& visit);
  Result<void> feed_lines(std::string_view text, const LinkVisitor& visit);
  Result<void> take_line(const LinkVisitor& visit);

  GitHash hash_;
  ObjectType type_;
  std::string carry_;   // of a tree the entry, of others the line that is not whole yet
  std::string header_;  // of a tag: its first lines
  std::uint64_t lines_ = 0;
  bool done_ = false;  // nothing behind this place matters
  std::optional<Error> malformed_;
};

}  // namespace bale
