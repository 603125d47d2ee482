// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Memory: the index is mapped, and each look-up in it, as for the bases of deltas, leaves about
// three groups of pages resident (RecordTable's probes). They are released before they exceed their
// share of the memory.

#include "cli/pack_walk.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "bale/pack_verifier.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/known_id.h"
#include "base/try.h"
#include "cli/errors.h"
#include "cli/signals.h"

namespace bale::cli {
namespace {

constexpr std::size_t kMinDigits = 6;

// The bytes that the kernel maps around a touched page.
constexpr std::uint64_t kPageGroupBytes = 64 << 10;
constexpr std::uint64_t kLookupBytes = 3 * kPageGroupBytes;
// The longest index record, read in order.
constexpr std::uint64_t kRecordBytes = 41;

constexpr std::uint64_t kMostPageShareBytes = 4 << 20;

std::uint64_t page_share_bytes(const Session& session) {
  return std::min(kMostPageShareBytes, session.memory_bytes(kPackMemoryBytes) / 4);
}

}  // namespace

void PackPaths::declare(Arguments& arguments) {
  arguments.required("PACK", "the pack", pack);
  arguments.text("--index", "IDX", "its index (default: PACK with .idx instead of .pack)", index);
}

Result<PackReader> open_pack(const PackPaths& paths, const Session& session) {
  name_mapped_files(paths.pack, session.json());
  return PackReader::open(paths.pack, {.index_path = paths.index, .access = PackAccess::kRead});
}

ReadContext pack_read_context(const Session& session) {
  return ReadContext(session.memory_bytes(kPackMemoryBytes) - page_share_bytes(session));
}

std::uint64_t pack_check_memory_bytes(const Session& session) {
  const std::uint64_t memory = session.memory_bytes(kPackMemoryBytes);
  return std::max(memory - page_share_bytes(session),
                  std::min(memory, smallest_verify_pack_memory_bytes()));
}

Result<void> walk_pack(const PackReader& pack, ReadContext& context, const Session& session,
                       const std::function<Result<void>(const EntryInfo&)>& use) {
  const std::uint64_t share_bytes = page_share_bytes(session);
  std::uint64_t touched_bytes = 0;
  for (std::uint64_t position = 0; position < pack.record_count(); ++position) {
    TRY(session.go_on());
    const IndexRecord record = TRY(pack.record(position));
    const EntryInfo info = TRY(pack.info_at(record.offset, context));
    if (info.id != record.id) {
      return fail(ErrorCode::kCorrupt,
                  "{}: the index record of {} leads to offset {}, which holds {} (bale pack index "
                  "rebuilds the index)",
                  pack.path(), record.id.to_hex(), record.offset, info.id.to_hex());
    }
    TRY(use(info));
    // Twice: `use` may follow the chain of bases again.
    touched_bytes += kRecordBytes + 2 * static_cast<std::uint64_t>(info.depth) * kLookupBytes;
    if (touched_bytes >= share_bytes) {
      pack.release_pages();
      touched_bytes = 0;
    }
  }
  return {};
}

Result<ObjectId> find_in_pack(const PackReader& pack, std::string_view hex) {
  std::string padded(hex);
  padded.resize(64, '0');
  std::array<std::byte, 32> lowest{};
  if (hex.size() < kMinDigits || hex.size() > 64 || !parse_hex(padded, lowest)) {
    return fail(ErrorCode::kInvalidArgument, "'{}' is not an id: {} to 64 hex digits", hex,
                kMinDigits);
  }
  std::string lower(hex);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  const auto from = [&](IdKind kind) {
    return known_id<ObjectId>(kind, Bytes(lowest).first(id_bytes(kind)));
  };
  if (lower.size() == 2 * id_bytes(IdKind::kChangeId) && pack.find(from(IdKind::kChangeId))) {
    return from(IdKind::kChangeId);
  }
  std::optional<ObjectId> found;
  for (const IdKind kind : {IdKind::kContentHash, IdKind::kChangeId}) {
    if (lower.size() > 2 * id_bytes(kind)) continue;
    for (std::uint64_t i = pack.lower_bound(from(kind)); i < pack.record_count(); ++i) {
      const ObjectId id = TRY(pack.record(i)).id;
      if (id.kind() != kind || !id.to_hex().starts_with(lower)) break;
      if (found == id) continue;  // an index without a trailer may hold an id twice
      if (found) {
        return fail(ErrorCode::kInvalidArgument, "{} is ambiguous (give more digits)", hex);
      }
      found = id;
    }
  }
  if (!found) {
    return fail(ErrorCode::kNotFound, "{}: there is no object {}", pack.path(), hex);
  }
  return *found;
}

std::string_view id_kind_letter(IdKind kind) {
  return kind == IdKind::kContentHash ? "h" : "c";
}

std::string_view id_kind_name(IdKind kind) {
  return kind == IdKind::kContentHash ? "hash" : "change";
}

}  // namespace bale::cli
