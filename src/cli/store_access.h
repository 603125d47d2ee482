// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Functions shared by the verbs on stores.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bale/archive_name.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "bale/store.h"
#include "cli/session.h"
#include "store/core/store_making.h"

namespace bale::cli {

/// Opens the session's store.
Result<Store> open_store(const Session& session);

/// The packs of that store.
Result<Snapshot> open_snapshot(const Session& session);

/// The store; creates a missing one.
Result<StoreInPlace> open_or_make_store(Session& session);

/// The location of an object named by an id (or 6 digits of one), or by NAME:path.
Result<FoundObject> find_object(const Snapshot& store, const std::string& name,
                                ReadContext& context);

enum class Wanted : std::uint8_t {
  kArchive,  ///< NAME, or a place in an archive
  kObject,   ///< an id, or NAME:path
};

/// The `result` of a verb with the argument `typed`. If it failed because `typed` is something else
/// (an object's id, an archive's name, a directory, a misspelled name), the Error says so, and what
/// to type.
Result<int> explained(const Session& session, const std::string& typed, Wanted wanted,
                      Result<int> result);

/// The session's memory, less the index pages that a store may keep resident.
[[nodiscard]] std::uint64_t read_memory_bytes(const Session& session);

/// A context with read_memory_bytes().
ReadContext store_read_context(const Session& session);

/// Parses NAME or NAME@N; kInvalidArgument if a ref or a path follows.
Result<ArchivePath> parse_record_name(std::string_view text);

/// `columns` separated by tabs, each in the form of quoted_name(). Thread-safe.
[[nodiscard]] std::string tab_line(const std::vector<std::string>& columns);

}  // namespace bale::cli
