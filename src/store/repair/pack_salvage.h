// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What a repair does with one damaged pack: what is whole in it goes into a new pack of the store,
// and its files to damaged/.

#pragma once

#include <optional>
#include <string>

#include "bale/bytes.h"
#include "bale/git_oid.h"
#include "bale/store.h"
#include "store/repair/repair_work.h"

namespace bale {

/// By which hash a commit names its tree; nullopt for what is no commit.
Result<std::optional<GitHash>> hash_in_commit(
    const std::function<Result<ObjectType>(const PackReader::PayloadSink&)>& read);

/// `stem` is the pack's file name without ".pack". `hash` is what to know its objects by where no
/// record and no commit in it says; nullopt: SHA-1, which is noted.
///
/// After an error or a crash the pack is in packs/ still, under one of both names, and this can be
/// done again.
Result<void> salvage_pack(RepairWork& work, const Snapshot& store, const std::string& stem,
                          std::optional<GitHash> hash);

}  // namespace bale
