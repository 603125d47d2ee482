// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Opening stores, and printing lists of what is in them.

#include "cli/store_access.h"

#include <algorithm>

#include "bale/tree.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/signals.h"
#include "object/percent.h"

namespace bale::cli {

Result<Store> open_store(const Session& session) {
  const std::string path = TRY(session.store_path());
  name_mapped_files(path, session.json());
  return Store::open(path);
}

Result<StoreForImport> open_or_make_store(const Session& session) {
  Result<Store> store = open_store(session);
  if (store) return StoreForImport{std::move(*store), false};
  if (store.error().code != ErrorCode::kNotFound) return store.error();
  const Result<void> made = Store::init(TRY(session.store_path()));
  // Another program may have made it in between.
  store = open_store(session);
  if (!store) return made ? store.error() : made.error();
  return StoreForImport{std::move(*store), made.has_value()};
}

Result<FoundObject> find_object(const Store& store, const std::string& name, ReadContext& context) {
  if (name.find(':') == std::string::npos) return store.find_prefix(name);
  const ArchivePath place = TRY(parse_archive_path(name));
  const ResolvedPath resolved = TRY(resolve_path(store, place, context));
  return FoundObject{resolved.location, resolved.oid, resolved.oid};
}

std::uint64_t read_memory_bytes(const Session& session) {
  // A store gives index pages back before they are more than that (store.cc).
  constexpr std::uint64_t kIndexPageBytes = 16 << 20;
  const std::uint64_t memory = session.memory_bytes(kStoreMemoryBytes);
  return memory - std::min(kIndexPageBytes, memory / 2);
}

ReadContext store_read_context(const Session& session) {
  return ReadContext(read_memory_bytes(session));
}

Result<ArchivePath> parse_record_name(std::string_view text) {
  ArchivePath path = TRY(parse_archive_path(text));
  if (path.ref || path.path) {
    return fail(ErrorCode::kInvalidArgument,
                "'{}' names a place in an archive (give NAME or "
                "NAME@N)",
                text);
  }
  return path;
}

std::string tab_line(const std::vector<std::string>& columns) {
  std::string line;
  for (const std::string& column : columns) {
    if (!line.empty()) line += '\t';
    line += percent_encode(column);
  }
  return line;
}

}  // namespace bale::cli
