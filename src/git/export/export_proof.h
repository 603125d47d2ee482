// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Verifies an export: Git has hashed every object that it received, and its ids must equal those
// that should have been sent. So the recoded entries need no other check.

#pragma once

#include <string>

#include "bale/git_oid.h"
#include "bale/pack_reader.h"
#include "bale/result.h"
#include "bale/store.h"
#include "base/budget.h"
#include "store/core/closure.h"

namespace bale {

/// Compares the ids of the only index in `pack_directory` with those that the closure reached.
/// kCorrupt if they differ, with pack and offset of a wrong object. Memory: 64 KiB of the budget;
/// the context is used to find the error.
Result<void> prove_export(Closure& closure, const Snapshot& store,
                          const std::string& pack_directory, GitHash hash, Budget& budget,
                          ReadContext& context);

}  // namespace bale
