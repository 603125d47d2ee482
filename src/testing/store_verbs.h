// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The verbs that change a store, as run by the tests in test/trust/: on the same small store, with
// the archives expected afterwards. A new verb is a line in store_verbs().
//
//   MemoryFileSystem files;
//   ASSERT_THAT(make_verb_store(files), IsOk());
//   for (const StoreVerb& verb : store_verbs()) {
//     const std::unique_ptr<MemoryFileSystem> copy = files.snapshot();
//     ASSERT_THAT(prepare_store(*copy, verb), IsOk());
//     ASSERT_THAT(run_verb(*copy, verb), IsOk());
//   }

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bale/file_system.h"
#include "bale/result.h"
#include "bale/store.h"
#include "testing/small_archives.h"

namespace bale {

/// The store's path.
inline constexpr const char* kVerbStore = "/store";

struct StoreVerb {
  std::string name;
  std::function<Result<void>(Store&)> run;
  ArchiveVersions after;  ///< the archives after success
  /// Prepares the store; may be empty.
  std::function<Result<void>(Store&)> prepare;
  /// Whether the verb repairs a damaged store: after an error or a crash it is run once more before
  /// the store's promises are checked.
  bool mends = false;
};

/// Creates the store: archives of one and of several records that share objects, one of SHA-256,
/// one removed; in the most packs without a catalog.
Result<void> make_verb_store(FileSystem& files);

/// The archives of that store.
[[nodiscard]] ArchiveVersions verb_store_archives();

[[nodiscard]] std::vector<StoreVerb> store_verbs();

/// Prepares the store for the verb; not under test.
Result<void> prepare_store(FileSystem& files, const StoreVerb& verb);

/// Recovers after an error or a crash, before the store must keep its promises.
Result<void> recover_store(FileSystem& files, const StoreVerb& verb);

/// Opens the store and runs the verb.
Result<void> run_verb(FileSystem& files, const StoreVerb& verb);

}  // namespace bale
