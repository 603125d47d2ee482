// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What repack and gc have in common: which packs are sound, and how packs go.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/pack_reader.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"
#include "store/core/pack_set.h"

namespace bale {

struct SoundPacks {
  std::vector<std::uint32_t> numbers;  ///< newest first, as versions lie in a pack
  std::vector<Error> damaged;          ///< why the others are not among them
};

/// The packs whose bytes are those that were written: all of each is read. Damaged ones are left
/// alone by maintenance, and nothing that is in them counts as stored.
/// One that cannot be read is among the damaged, as kIo.
Result<SoundPacks> sound_packs(const Snapshot& store, const PackSet& packs,
                               const std::string& scratch_directory, std::uint64_t memory_bytes,
                               const Operation& operation);

/// The packs that are there now, without the catalog: sound_packs() checks their indexes. A catalog
/// that is wrong in one bit would let an entry pass for a second one of its id, and go.
Result<Snapshot> packs_without_catalog(const Store& store);

/// Where those who need an entry are led to: by its Git id, if it has one, for a blob that came
/// under ids of both kinds is two entries with one id, and neither stands for the other.
[[nodiscard]] std::optional<ObjectLocation> looked_up(const PackSet& packs, const ObjectId& id,
                                                      const std::optional<GitOid>& oid);

/// Bytes of a pack's files; what is not there counts nothing.
[[nodiscard]] std::uint64_t pack_file_bytes(const Snapshot& store, const std::string& name);

/// What an entry takes up: in its pack, in the index, and in the Git index.
[[nodiscard]] std::uint64_t bytes_with_indexes(const StoredEntry& entry,
                                               const std::optional<GitOid>& oid);

/// Takes the packs out of the store. The caller holds lock_out_imports(), and what is needed of
/// them is durable elsewhere. The .pack goes first: a pack is there while it has one, and an index
/// alone is plainly debris. After an error some may be gone, each wholly or with its indexes left.
///
/// What is in `made` stays: the same entries in the same order make the same pack, so what takes
/// the place of a pack may be that pack, or one that maintenance which died had written before.
Result<void> remove_packs(const Snapshot& store, std::vector<std::string> names,
                          std::span<const std::string> made, bool sync);

/// Indexes of packs that are not there, as a crash in remove_packs() leaves them, go; so does what
/// dead processes left in staging/. Callers as above.
Result<void> remove_debris(const Snapshot& store);

/// Writes the catalog for the packs that are there now, where they are more than a few; removes one
/// that names packs which are gone.
void renew_catalog(Store& store, bool sync);

}  // namespace bale
