// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The proof of an export: Git has hashed every object that it was sent, and the ids that it found
// are those of what should have been sent, no more and no fewer. So nothing else need be proven of
// what a pack's entries became on the way.

#pragma once

#include <string>

#include "bale/git_oid.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "bale/store.h"
#include "base/budget.h"
#include "store/core/closure.h"

namespace bale {

/// Compares the ids of the index in `pack_directory`, the only one there, with those that the
/// closure reached. kCorrupt where they differ, with pack and offset of an object that came out as
/// another. Memory: 64 KiB of the budget; the context is for finding out what is wrong.
Result<void> prove_export(Closure& closure, const Store& store, const std::string& pack_directory,
                          GitHash hash, Budget& budget, ReadContext& context);

}  // namespace bale
