// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/core/object_links.h"

#include "base/try.h"

namespace bale {

Result<Result<ObjectType>> read_payload(const Snapshot& store, const ObjectLocation& location,
                                        ReadContext& context, const LookupId& id,
                                        const Snapshot::ObjectSink& sink) {
  const Result<ObjectView> whole = store.get(location, context, id);
  if (whole) {
    TRY(sink.begin(whole->type, whole->payload.size()));
    TRY(sink.write(whole->payload));
    return Result<ObjectType>(whole->type);
  }
  if (whole.error().code == ErrorCode::kInterrupted) return Result<ObjectType>(whole.error());
  Result<void> taken;
  ObjectType type = ObjectType::kBlob;
  const Result<void> read =
      store.read_object(location, context,
                        {.begin =
                             [&](ObjectType begun, std::uint64_t size) {
                               type = begun;
                               return taken = sink.begin(begun, size);
                             },
                         .write = [&](Bytes piece) { return taken = sink.write(piece); }},
                        id);
  TRY(taken);
  return read ? Result<ObjectType>(type) : Result<ObjectType>(read.error());
}

Result<LinksRead> read_links(const Snapshot& store, const ObjectLocation& location,
                             ReadContext& context, const LookupId& id, GitHash hash,
                             const HeldLinkVisitor& visit) {
  std::optional<LinkStream> links;
  ObjectType holder = ObjectType::kBlob;
  Result<void> visited;
  const LinkVisitor with_holder = [&](const Link& link) { return visited = visit(holder, link); };
  LinksRead read;
  read.type =
      TRY(read_payload(store, location, context, id,
                       {.begin = [&](ObjectType type, std::uint64_t) -> Result<void> {
                          holder = type;
                          links.emplace(hash, type);
                          return {};
                        },
                        .write = [&](Bytes piece) { return links->feed(piece, with_holder); }}));
  if (!read.type) return read;
  const Result<void> parsed = links->finish(with_holder);
  TRY(visited);
  if (!parsed) read.malformed = parsed.error();
  return read;
}

Result<LinksRead> read_tree(const Snapshot& store, const ObjectLocation& location,
                            ReadContext& context, const LookupId& id, GitHash hash,
                            const TreeEntryVisitor& visit) {
  TreeStream entries(hash);
  bool is_tree = false;
  LinksRead read;
  read.type = TRY(read_payload(
      store, location, context, id,
      {.begin = [&](ObjectType type, std::uint64_t) -> Result<void> {
         is_tree = type == ObjectType::kTree;
         return {};
       },
       .write =
           [&](Bytes piece) { return is_tree ? entries.feed(piece, visit) : Result<void>(); }}));
  if (!read.type || !is_tree) return read;
  if (const Result<void> parsed = entries.finish(); !parsed) read.malformed = parsed.error();
  return read;
}

}  // namespace bale
