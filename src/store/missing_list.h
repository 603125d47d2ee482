// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The objects that an archive was made without: a blob with a line of hex digits each, in order.

#pragma once

#include <functional>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

/// Calls `use` for each id of the list with this content hash. kCorrupt for a list that is none.
Result<void> read_missing_list(const Store& store, const ObjectId& list, ReadContext& context,
                               const std::function<Result<void>(const GitOid&)>& use);

}  // namespace bale
