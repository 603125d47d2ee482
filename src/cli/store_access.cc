// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Opens stores and finds objects in them.

#include "cli/store_access.h"

#include <algorithm>
#include <optional>

#include "bale/file_system.h"
#include "bale/tree.h"
#include "base/error.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/signals.h"
#include "cli/suggestion.h"
#include "object/printable.h"

namespace bale::cli {
namespace {

// A store releases index pages before they exceed this (pack_set.cc).
constexpr std::uint64_t kIndexPageBytes = 16 << 20;

}  // namespace

Result<Store> open_store(const Session& session) {
  const std::string path = TRY(session.store_path());
  name_mapped_files(path, session.json());
  return Store::open(path);
}

Result<Snapshot> open_snapshot(const Session& session) {
  return TRY(open_store(session)).snapshot();
}

Result<StoreInPlace> open_or_make_store(Session& session) {
  const std::string path = TRY(session.store_path());
  name_mapped_files(path, session.json());
  return bale::open_or_make_store(path, session.operation());
}

Result<FoundObject> find_object(const Snapshot& store, const std::string& name,
                                ReadContext& context) {
  if (name.find(':') == std::string::npos) return store.find_prefix(name);
  const ArchivePath place = TRY(find_archive_path(store, name));
  const ResolvedPath resolved = TRY(resolve_path(store, place, context));
  return FoundObject{resolved.location, resolved.oid, resolved.oid};
}

namespace {

// Whether `typed` is the name of an archive, perhaps with a suffix.
bool names_archive(std::string_view typed, const std::vector<std::string>& archives) {
  return std::any_of(archives.begin(), archives.end(), [typed](const std::string& name) {
    if (!typed.starts_with(name)) return false;
    return typed.size() == name.size() ||
           std::string_view("@:/").find(typed[name.size()]) != std::string_view::npos;
  });
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

// The error in `typed`; nullopt if the verb's own Error explains it.
std::optional<Error> misnaming(const Snapshot& store, const std::string& typed, Wanted wanted,
                               const std::vector<std::string>& archives, const Error& error) {
  const std::string shown = escaped(typed);
  const bool is_place = typed.find(':') != std::string::npos;
  const bool wants_id = wanted == Wanted::kObject && !is_place;
  if (names_archive(typed, archives)) {
    if (!wants_id) return std::nullopt;
    return fail(ErrorCode::kInvalidArgument,
                "'{}' is an archive, not an object (give {}:PATH; bale ls {} lists the paths)",
                shown, shown, shown);
  }
  if (wants_id && is_hex(typed)) return std::nullopt;
  if (!is_place && store.find_prefix(typed)) {
    return fail(ErrorCode::kInvalidArgument,
                "'{}' is an object, not an archive (bale show {} describes it; bale list lists the "
                "archives)",
                shown, shown);
  }
  const Result<FileInfo> file = posix_file_system().stat(typed);
  if (!wants_id && file && file->kind == FileKind::kDirectory) {
    return fail(ErrorCode::kInvalidArgument,
                "'{}' is a directory, not an archive (bale list lists the archives; bale import "
                "git {} archives a repository)",
                shown, shown);
  }
  const std::vector<std::string_view> known(archives.begin(), archives.end());
  const std::string_view name = std::string_view(typed).substr(0, typed.find_first_of("@:"));
  // For a name with parts, the verb's error lists the names tried.
  if (name.find('/') != std::string_view::npos && !wants_id) return std::nullopt;
  const std::string_view meant = nearest(name, known);
  if (!meant.empty()) {
    return fail(error.code, "there is no archive '{}' (did you mean '{}{}'?)", escaped(name), meant,
                wants_id ? ":PATH" : typed.substr(name.size()));
  }
  if (!wants_id) return std::nullopt;
  return fail(ErrorCode::kInvalidArgument,
              "'{}' is neither an id (6 to 64 hex digits) nor a place in an archive (NAME:PATH)",
              shown);
}

}  // namespace

Result<int> explained(const Session& session, const std::string& typed, Wanted wanted,
                      Result<int> result) {
  if (result) return result;
  if (typed.empty()) return result;
  const ErrorCode code = result.error().code;
  if (code != ErrorCode::kNotFound && code != ErrorCode::kInvalidArgument) return result;
  const Result<Snapshot> store = open_snapshot(session);
  if (!store) return result;
  const Result<std::vector<std::string>> archives = store->archives();
  const Result<std::vector<std::string>> known = store->archive_pointers();
  if (!archives || !known) return result;
  // For a removed archive, the verb's own Error says so.
  if (names_archive(typed, *known) && !names_archive(typed, *archives)) return result;
  const auto better = misnaming(*store, typed, wanted, *archives, result.error());
  return better ? Result<int>(*better) : result;
}

std::uint64_t read_memory_bytes(const Session& session) {
  const std::uint64_t memory = session.memory_bytes(kStoreMemoryBytes);
  return memory - std::min(kIndexPageBytes, memory / 2);
}

ReadContext store_read_context(const Session& session) {
  return ReadContext(read_memory_bytes(session));
}

Result<ArchivePath> parse_record_name(std::string_view text) {
  // The longest name: a '/' does not begin a REF here.
  ArchivePath path = TRY(parse_archive_path(text)).front();
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
    line += quoted_name(column);
  }
  return line;
}

}  // namespace bale::cli
