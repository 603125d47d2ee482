// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Opening stores, and printing lists of what is in them.

#include "cli/store_access.h"

#include <algorithm>

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
