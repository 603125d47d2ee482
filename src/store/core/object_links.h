// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Links of stored objects of any size: what all walks of the store read objects with.
//
//   const LinksRead read = TRY(read_links(store, location, context, oid, oid.hash(), visit));
//   if (!read.type) ...       // the object cannot be read
//   if (read.malformed) ...   // it can be read, and does not parse to its end
//
// An object that fits into the context is read once, as a whole; a larger one in pieces, twice: it
// is proven before the first link is visited. Builders store objects of more than kFrameBytes
// whole, never as deltas, so that kAnyObjectBytes (bale/pack_reader.h) are enough for every object
// of a store that bale has written.
//
// A visitor must not use the context. Safe from any thread that has its own context.

#pragma once

#include <functional>
#include <optional>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "bale/store.h"
#include "object/link_stream.h"

namespace bale {

/// Gives type, size and payload to `sink`: the payload whole where it fits into the context, else
/// in pieces. An Error is that of the sink; the value is the type, or why the object cannot be
/// read.
Result<Result<ObjectType>> read_payload(const Snapshot& store, const ObjectLocation& location,
                                        ReadContext& context, const LookupId& id,
                                        const Snapshot::ObjectSink& sink);

/// How it went to read the links of an object. Errors of a visitor are not among this.
struct LinksRead {
  /// The object's type, or why it cannot be read. Where it becomes unreadable on the second
  /// reading, links have been visited.
  Result<ObjectType> type = ObjectType::kBlob;
  std::optional<Error> malformed;  ///< why it does not parse to its end
};

/// Receives the type of the object that holds the link, and the link.
using HeldLinkVisitor = std::function<Result<void>(ObjectType holder, const Link& link)>;

/// Visits the links of the object at `location`, in its order. A blob has none. Without an id it is
/// the entry at this place that is read, and proven by its own id. An Error is that of `visit`.
Result<LinksRead> read_links(const Snapshot& store, const ObjectLocation& location,
                             ReadContext& context, const LookupId& id, GitHash hash,
                             const HeldLinkVisitor& visit);

/// The same for the entries of a tree, with their modes. An object that is no tree has none.
Result<LinksRead> read_tree(const Snapshot& store, const ObjectLocation& location,
                            ReadContext& context, const LookupId& id, GitHash hash,
                            const TreeEntryVisitor& visit);

}  // namespace bale
