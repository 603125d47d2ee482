// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Lists of refs as objects of a store (doc/FORMAT.md, section 8). A record names a whole list and
// edits of it. An import writes the edits since the record before it, so what it writes is in
// proportion to what changed:
//
//   edits are merged with the newest ones before them as long as those are at most twice their
//   size: so sizes fall along the row, and a record names few lists; and once the edits are half as
//   large as the whole list, a new whole list is written.
//
// Lists of up to 4 KiB are in the record itself.

#pragma once

#include <functional>
#include <string>

#include "bale/git_oid.h"
#include "bale/pack_reader.h"
#include "bale/record.h"
#include "bale/ref_list.h"
#include "bale/result.h"
#include "bale/snapshot.h"
#include "store/core/staged_pack.h"

namespace bale {

/// Writes the refs `now` into `record`, whose `hash` is set: as they are, or as lists in `pack`.
/// `before` are the refs that `older`, a record of the store, gives; or both are null. Memory: that
/// of RefList::read(), twice. Errors are those of reading the lists of `older` and of writing.
Result<void> write_refs(const Snapshot& store, const RefList& now, const Record* older,
                        const RefList* before, ReadContext& context, StagedPack& pack,
                        Record& record);

/// Calls `use` for each object that a record names, with the ref or what else it is; but not for
/// its lists. Only collect_proof.cc has a walk of its own. `context` is free when `use` is called.
/// An Error of `use` ends the walk and is returned. An Error of reading the refs goes to
/// `unreadable`, whose result is returned; without it, the Error itself is.
Result<void> for_each_tip(
    const Snapshot& store, const Record& record, ReadContext& context,
    const std::string& scratch_directory,
    const std::function<Result<void>(const GitOid& oid, const std::string& what)>& use,
    const std::function<Result<void>(const Error&)>& unreadable = {});

}  // namespace bale
