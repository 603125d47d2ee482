// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What the verbs on stores share.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bale/archive_name.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "bale/store.h"
#include "cli/session.h"
#include "store/store_making.h"

namespace bale::cli {

/// The store that --store or BALE_STORE names.
Result<Store> open_store(const Session& session);

/// The same, and makes it where there is none.
Result<StoreInPlace> open_or_make_store(Session& session);

/// Where an object lies that is named by an id (or 6 digits of one), or by NAME:path.
Result<FoundObject> find_object(const Store& store, const std::string& name, ReadContext& context);

/// The session's memory, less what a store's indexes may keep resident.
[[nodiscard]] std::uint64_t read_memory_bytes(const Session& session);

/// A context with the session's memory, less what a store's indexes may keep resident.
ReadContext store_read_context(const Session& session);

/// NAME or NAME@N; kInvalidArgument where a ref or a path follows.
Result<ArchivePath> parse_record_name(std::string_view text);

/// `columns` with tabs between them; bytes that would break the line, or are no UTF-8, and '%' are
/// written %XX, as in JSON. Safe from any thread.
[[nodiscard]] std::string tab_line(const std::vector<std::string>& columns);

}  // namespace bale::cli
