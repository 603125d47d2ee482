// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Shared by the verbs on single packs: opening one, finding an id by its first digits, and walking
// over all entries in index order without keeping the index's pages.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "bale/object.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "cli/arguments.h"
#include "cli/session.h"

namespace bale::cli {

/// The argument PACK and the option --index.
struct PackPaths {
  std::string pack;
  std::string index;  ///< empty: beside the pack

  void declare(Arguments& arguments);
};

/// Opens both for reading in bounded memory.
Result<PackReader> open_pack(const PackPaths& paths, const Session& session);

/// A context that leaves room in the session's memory for pages of the index.
ReadContext pack_read_context(const Session& session);

/// The session's memory less the index's pages, for a check; at least a check's minimum.
[[nodiscard]] std::uint64_t pack_check_memory_bytes(const Session& session);

/// Calls `use` for each record of the index, in its order, with its entry's info. kCorrupt if a
/// record points to the entry of another id.
Result<void> walk_pack(const PackReader& pack, ReadContext& context, const Session& session,
                       const std::function<Result<void>(const EntryInfo&)>& use);

/// The id in the pack's index that begins with these hex digits (6 or more); an exact match has
/// priority. kNotFound; kInvalidArgument for an ambiguous prefix or malformed text.
Result<ObjectId> find_in_pack(const PackReader& pack, std::string_view hex);

/// "h" for a content hash, "c" for a change id.
[[nodiscard]] std::string_view id_kind_letter(IdKind kind);

/// "hash" or "change", for JSON.
[[nodiscard]] std::string_view id_kind_name(IdKind kind);

}  // namespace bale::cli
