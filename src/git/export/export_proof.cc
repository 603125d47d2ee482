// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Both lists are sorted, so they are compared while they are read. The object of a missing id is
// read and decoded to find the error.

#include "git/export/export_proof.h"

#include <memory>
#include <optional>

#include "bale/file_system.h"
#include "base/damage.h"
#include "base/error.h"
#include "base/try.h"
#include "git/export/pack_index_oids.h"

namespace bale {
namespace {

Result<std::string> only_index(const std::string& directory) {
  std::string found;
  for (const DirectoryEntry& entry : TRY(posix_file_system().list(directory))) {
    if (!entry.name.ends_with(".idx")) continue;
    if (!found.empty()) return fail(ErrorCode::kIo, "{}: there is more than one pack", directory);
    found = directory + "/" + entry.name;
  }
  if (found.empty()) return fail(ErrorCode::kIo, "{}: git has made no pack", directory);
  return found;
}

Error what_is_wrong(const Snapshot& store, const GitOid& oid, const ObjectLocation& location,
                    ReadContext& context) {
  const Result<ObjectType> read =
      store.read(location, context, [](Bytes) -> Result<void> { return {}; });
  const auto pack = store.pack(location.pack);
  if (!pack) return pack.error();
  if (!read && !is_damage(read.error())) return read.error();
  if (!read) return fail(read.error().code, {HintKind::kVerify}, "{}", read.error().message);
  return fail(ErrorCode::kCorrupt, {HintKind::kVerify},
              "{}: entry at offset {}: this is not the object that Git knows as {}",
              (*pack)->path(), location.offset, oid.to_hex());
}

}  // namespace

Result<void> prove_export(Closure& closure, const Snapshot& store,
                          const std::string& pack_directory, GitHash hash, Budget& budget,
                          ReadContext& context) {
  const std::string path = TRY(only_index(pack_directory));
  const auto oids = TRY(PackIndexOids::open(posix_file_system(), path, hash, budget));
  std::optional<GitOid> came = TRY(oids->next());
  bool more_came = oids->count() != closure.object_count();
  TRY(closure.for_each_oid([&](const GitOid& oid, const ObjectLocation& location) -> Result<void> {
    while (came && *came < oid) {
      more_came = true;
      came = TRY(oids->next());
    }
    if (!came || *came != oid) return what_is_wrong(store, oid, location, context);
    came = TRY(oids->next());
    return {};
  }));
  if (more_came || came) {
    return fail(ErrorCode::kCorrupt, {HintKind::kVerify},
                "{}: there are objects that were not to be exported", path);
  }
  return {};
}

}  // namespace bale
