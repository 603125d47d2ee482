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

/// The store that --store or BALE_STORE names.
Result<Store> open_store(const Session& session);

/// The same; creates a missing store.
Result<StoreInPlace> open_or_make_store(Session& session);

/// The location of an object named by an id (or 6 digits of one), or by NAME:path.
Result<FoundObject> find_object(const Store& store, const std::string& name, ReadContext& context);

enum class Wanted : std::uint8_t {
  kArchive,  ///< NAME, or a place in an archive
  kObject,   ///< an id, or NAME:path
};

/// `result` of a verb that was given `typed`. Where it failed because `typed` is something else (an
/// object's id, an archive's name, a directory, a name with a slip), the Error says so, and what to
/// type.
Result<int> explained(const Session& session, const std::string& typed, Wanted wanted,
                      Result<int> result);

/// The session's memory, less what a store's indexes may keep resident.
[[nodiscard]] std::uint64_t read_memory_bytes(const Session& session);

/// A context with the session's memory, less what a store's indexes may keep resident.
ReadContext store_read_context(const Session& session);

/// NAME or NAME@N; kInvalidArgument where a ref or a path follows.
Result<ArchivePath> parse_record_name(std::string_view text);

/// `columns` with tabs between them, each as quoted_name() writes it. Safe from any thread.
[[nodiscard]] std::string tab_line(const std::vector<std::string>& columns);

}  // namespace bale::cli
