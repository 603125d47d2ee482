// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// ArchiveRecovery: which record is the newest of each archive, told from the records alone, for a
// store whose pointers are lost.
//
//   ArchiveRecovery recovery;
//   for each record in the packs: recovery.add(id, record);       // in any order, also twice
//   for (const RecoveredArchive& archive : recovery.archives()) ...
//
// The newest record is one that no other record of the same archive names, as the one before it or
// as the one that it replaces. Where there are several (packs were lost or collected, or a writer
// died between its pack and its pointer, and another went on from where it had begun), it is the
// latest of them; see archives() for ties. The answer does not depend on the order of add().
//
// A writer that died between its pack and its pointer left a record that was never acknowledged. If
// nothing was done after it, recovery ends with it: as if the writer had lived a moment longer.
//
// No I/O. Memory: 56 bytes a record, and 33 for each id that it names (none to two), three times
// that while a vector grows; and each archive's name. Not charged. Not thread-safe.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bale/object.h"
#include "bale/record.h"

namespace bale {

struct RecoveredArchive {
  std::string name;
  ObjectId record;        ///< the newest; what the pointer must name
  std::int64_t time = 0;  ///< of that record
  bool removed =
      false;  ///< it says that the archive was removed: the pointer names it all the same

  bool operator==(const RecoveredArchive&) const = default;
};

class ArchiveRecovery {
 public:
  /// Takes a record that was found. `id` is its id: proven by the caller.
  void add(const ObjectId& id, const Record& record);

  /// One for each name that a record has, sorted by name. Takes 33 bytes more, for the time of the
  /// call, for each id that records of one archive name. Of several records that nobody names: the
  /// latest by time; of those of one second, a removal before anything else, because bringing back
  /// what somebody took away is worse than asking him to import it again; and of several of those,
  /// the one with the greater id, which means nothing but is the same every time.
  [[nodiscard]] std::vector<RecoveredArchive> archives() const;

 private:
  struct Found {
    ObjectId id;
    std::int64_t time = 0;
    bool removed = false;
  };

  struct Archive {
    std::vector<Found> found;
    std::vector<ObjectId> named;  // by a record of this archive, as `previous` or `replaces`
  };

  std::map<std::string, Archive> archives_;
};

}  // namespace bale
