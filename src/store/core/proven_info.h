// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Type and size of an object for those who print them. Store::info() believes the entry's header.

#pragma once

#include "bale/pack_reader.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

/// As Store::info(). Where several entries have the id, so that one may be right where another is
/// damaged, the payload is read to prove them; not in a store of more than 64 packs.
Result<EntryInfo> proven_info(const Store& store, const ObjectLocation& location,
                              ReadContext& context, const LookupId& id);

}  // namespace bale
