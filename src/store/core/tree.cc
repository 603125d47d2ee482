// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bale/tree.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "bale/ref_list.h"
#include "base/error.h"
#include "base/try.h"
#include "object/git_objects.h"
#include "object/printable.h"
#include "store/core/object_links.h"

namespace bale {
namespace {

// Tags of tags of tags: a chain this long is an attack.
constexpr int kMostPeels = 100;

std::string shown(const ArchivePath& path) {
  std::string text = path.name;
  if (path.record_back > 0) text += fmt::format("@{}", path.record_back);
  if (path.ref) text += "/" + quoted_name(*path.ref);
  if (path.path) text += ":" + quoted_name(*path.path);
  return text;
}

// Where to start: what HEAD or the named ref holds.
Result<GitOid> start_of(const Snapshot& store, const Record& record, const ArchivePath& path,
                        ReadContext& context) {
  if (record.root && !path.ref) return *record.root;
  std::string wanted = path.ref.value_or("");
  if (!path.ref || wanted == "HEAD") {
    constexpr std::string_view kSymbolic = "ref: ";
    if (!record.head.starts_with(kSymbolic)) {
      const Result<GitOid> detached = GitOid::from_hex(record.head);
      if (detached) return *detached;
      return fail(ErrorCode::kNotFound, "{}: the archive has no HEAD (name a ref: {}/REF:path)",
                  shown(path), path.name);
    }
    wanted = record.head.substr(kSymbolic.size());
  }
  const RefList refs = TRY(RefList::read(store, record, context));
  for (const std::string_view prefix :
       {"", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"}) {
    const std::optional<Ref> found = TRY(refs.find(std::string(prefix) + wanted));
    if (found && found->oid) return *found->oid;
  }
  return fail(ErrorCode::kNotFound, {.kind = HintKind::kListRefs, .archive = path.name},
              "{}: there is no ref {}", shown(path), quoted_name(wanted));
}

Result<ObjectLocation> locate(const Snapshot& store, const GitOid& oid, const Record& record,
                              const ArchivePath& path) {
  if (const auto location = store.find(oid)) return *location;
  if (record.missing.count > 0) {
    return fail(ErrorCode::kIncomplete, "{}: object {} was missing when the archive was made",
                shown(path), oid.to_hex());
  }
  return store.missing(fmt::format("{}: object {}", shown(path), oid.to_hex()));
}

}  // namespace

Result<ArchivePath> find_archive_path(const Snapshot& store, std::string_view text) {
  const std::vector<ArchivePath> readings = TRY(parse_archive_path(text));
  if (readings.size() == 1) return readings.front();
  std::string tried;
  const ArchivePath* removed = nullptr;
  for (const ArchivePath& reading : readings) {
    // A damaged pointer is one, and whoever reads the record says that it is damaged.
    const Result<std::optional<ObjectId>> newest = store.newest_record(reading.name);
    if (!newest && newest.error().code != ErrorCode::kCorrupt) return newest.error();
    if (!newest || *newest) return reading;
    if (removed == nullptr && TRY(store.archive_pointer(reading.name))) removed = &reading;
    if (!tried.empty()) tried += ", ";
    tried += reading.name;
  }
  if (removed != nullptr) return *removed;
  return fail(ErrorCode::kNotFound, {HintKind::kListArchives},
              "{}: no archive has one of the names {}", store.path(), tried);
}

Result<ResolvedPath> resolve_path(const Snapshot& store, const ArchivePath& path,
                                  ReadContext& context) {
  const Record record = TRY(store.record(path.name, path.record_back, context)).record;
  ResolvedPath at;
  at.oid = TRY(start_of(store, record, path, context));
  at.mode = 040000;
  for (int peels = 0;; ++peels) {
    at.location = TRY(locate(store, at.oid, record, path));
    std::optional<GitOid> named;  // a commit's tree, or what a tag names
    const LinksRead read = TRY(read_links(store, at.location, context, at.oid, at.oid.hash(),
                                          [&](ObjectType, const Link& link) -> Result<void> {
                                            if (!named) named = link.oid;
                                            return {};
                                          }));
    if (!read.type) return read.type.error();
    at.type = *read.type;
    if (at.type == ObjectType::kTree || at.type == ObjectType::kBlob) break;
    if (peels == kMostPeels) {
      return fail(ErrorCode::kCorrupt, "{}: a chain of more than {} tags", shown(path), kMostPeels);
    }
    if (!named) {
      return fail(ErrorCode::kCorrupt, "{}: object {}: {}", shown(path), at.oid.to_hex(),
                  read.malformed ? read.malformed->message : "it names no object");
    }
    at.oid = *named;
  }
  if (at.type == ObjectType::kBlob) at.mode = 0100644;

  std::string_view left = path.path ? std::string_view(*path.path) : std::string_view();
  while (!left.empty()) {
    const std::size_t slash = std::min(left.find('/'), left.size());
    const std::string_view name = left.substr(0, slash);
    left = left.substr(std::min(slash + 1, left.size()));
    const auto nothing = [&]() -> Error {
      return fail(ErrorCode::kNotFound, "{}: there is no {}", shown(path), quoted_name(name));
    };
    if (at.type != ObjectType::kTree) return nothing();
    std::optional<TreeEntry> found;  // without its texts
    const LinksRead tree = TRY(read_tree(store, at.location, context, at.oid, at.oid.hash(),
                                         [&](const TreeEntry& entry) -> Result<void> {
                                           if (found || entry.name != name) return {};
                                           found = {.mode = entry.mode, .oid = entry.oid};
                                           return {};
                                         }));
    if (!tree.type) return tree.type.error();
    if (!found) return tree.malformed ? Result<ResolvedPath>(*tree.malformed) : nothing();
    if (entry_kind(found->mode) == EntryKind::kSubmodule) {
      return fail(ErrorCode::kNotFound,
                  "{}: {} is a submodule, whose commit {} is in another "
                  "repository",
                  shown(path), quoted_name(name), found->oid.to_hex());
    }
    at.oid = found->oid;
    at.mode = found->mode;
    at.location = TRY(locate(store, at.oid, record, path));
    at.type = TRY(store.proven_info(at.location, context, at.oid)).type;
  }
  return at;
}

Result<void> list_tree(const Snapshot& store, const ObjectLocation& tree, const GitOid& oid,
                       ReadContext& context,
                       const std::function<Result<void>(const TreeItem&)>& use) {
  ReadContext tree_context(kAnyObjectBytes);  // looking up sizes uses the other
  const LinksRead read = TRY(read_tree(
      store, tree, tree_context, oid, oid.hash(), [&](const TreeEntry& entry) -> Result<void> {
        TreeItem item{.mode = entry.mode, .oid = entry.oid, .name = std::string(entry.name)};
        const EntryKind kind = entry_kind(entry.mode);
        item.submodule = kind == EntryKind::kSubmodule;
        if (item.submodule) item.type = ObjectType::kState;
        if (kind == EntryKind::kTree) item.type = ObjectType::kTree;
        const auto location = item.submodule ? std::nullopt : store.find(item.oid);
        if (location) {
          const EntryInfo info = TRY(store.proven_info(*location, context, item.oid));
          item.type = info.type;
          if (info.type == ObjectType::kBlob) item.size = info.size;
        }
        return use(item);
      }));
  if (!read.type) return read.type.error();
  if (*read.type != ObjectType::kTree) {
    return fail(ErrorCode::kInvalidArgument, "{} is a {}, not a tree", oid.to_hex(),
                git_type_name(*read.type));
  }
  return read.malformed ? Result<void>(*read.malformed) : Result<void>();
}

}  // namespace bale
