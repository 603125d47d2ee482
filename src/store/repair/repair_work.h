// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What the steps of a repair share: where they work, and what they have found and done. Each step
// is a function or class of its own; repair.cc calls one after the other.
//
//   repair_layout.cc    the mark, directories, the lock
//   repair_packs.cc     each pack and its indexes; pack_salvage.cc for damaged packs
//   repair_archives.cc  pointers
//   repair_lost.cc      what archives reach and what is not there; repair_fetch.cc brings it

#pragma once

#include <map>
#include <optional>
#include <string>

#include "bale/store.h"
#include "bale/store_repair.h"
#include "base/damage.h"
#include "store/core/archive_recovery.h"
#include "store/core/layout.h"
#include "store/core/staged_pack.h"
#include "store/core/staging_area.h"

namespace bale {

/// What a dry run knows of the store as it would be: records in packs that are not mended yet,
/// which the store may not be able to open; and where the pointers would lead.
struct RepairForecast {
  ArchiveRecovery records;
  std::map<ObjectId, std::string> archive_of_record;
  std::map<std::string, ObjectId> pointers;  // of archives to be recovered

  void add(const ObjectId& id, const Record& record) {
    records.add(id, record);
    archive_of_record.emplace(id, record.archive);
  }
};

struct RepairWork {
  FileSystem& files;
  const StoreLayout layout;
  const RepairOptions& options;
  RepairSummary summary;
  RepairForecast forecast = {};  // of a dry run

  /// A sentence for the report.
  void note(std::string sentence);

  /// A delta that could not be rebuilt.
  void note_lost_delta(std::string sentence);

  /// Why the system does not let us read a file that is there: kIo from opening it, or from its
  /// first or last bytes. nullopt where it can be read, is damaged or is not there.
  [[nodiscard]] std::optional<Error> refusal(const std::string& path) const;

  /// Leaves a file alone that cannot be read, and reports it.
  void leave_alone(const Error& error);

  /// For files in between: in the store, or, for a dry run that may not write there, elsewhere.
  [[nodiscard]] Result<StagingArea> scratch() const {
    return options.dry_run ? StagingArea::create_to_look(files, layout)
                           : StagingArea::create(files, layout);
  }

  [[nodiscard]] Result<bool> is_there(const std::string& path) const;

  /// Moves a file of the store to damaged/, under `name` or `name`.1, `name`.2, ... What is not
  /// there is none. With dry_run only said.
  Result<void> set_aside(const std::string& path, const std::string& name);

  /// For a pack of what is salvaged or fetched: half of the memory.
  [[nodiscard]] StagedPackOptions staged_pack_options() const {
    return {.level = options.level,
            .memory_bytes = options.work.memory_bytes / 2,
            .lanes = options.work.lanes,
            .sync = options.work.sync,
            .operation = options.work.operation};
  }

  /// Makes the names in a directory durable, unless nothing is to be.
  Result<void> sync_directory(const std::string& path) const;
};

/// What only says again what the packs say: a catalog that is damaged or names packs which are gone
/// goes, and with `packs_changed` any.
Result<void> repair_catalog(RepairWork& work, bool packs_changed);

/// Pointers that are missing, damaged or lead to no record lead to the newest record that is in the
/// packs. A record that a pointer wants is asked of options.from before it is given up.
Result<void> repair_archives(RepairWork& work, Store& store);

/// Makes what is missing of the store but packs and archives. False with dry_run where the mark is
/// missing, so that nothing more can be looked at. The caller holds the lock on packs/.
Result<bool> repair_layout(RepairWork& work);

}  // namespace bale
