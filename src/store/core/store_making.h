// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Making stores and taking them back, by any number of processes at once.
//
// Who makes a store, or takes back one that is empty, holds a lock on its directory alone; who
// opens one that might be taken back holds it shared, until there is something in it. The mark is
// the last thing made and the first removed, so whoever holds the lock and sees it has a whole
// store. A process that dies on the way leaves a directory without the mark and without content,
// which the next one completes.

#pragma once

#include <memory>
#include <string>

#include "bale/file_system.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store.h"

namespace bale {

/// A store that nobody takes back while this lives.
struct StoreInPlace {
  /// Nullptr where the directory cannot be locked: without it the store is only not protected from
  /// being taken back while it is empty.
  std::unique_ptr<FileLock> hold;
  Store store;
  bool made = false;            ///< by this call: see take_back()
  bool made_directory = false;  ///< the store's directory did not exist before this call
};

/// Opens the store at `path`, made first where there is none. Waits for others that are making it.
/// Errors as Store::init() and Store::open(), but that there is a store already is none;
/// kInterrupted.
Result<StoreInPlace> open_or_make_store(const std::string& path, const Operation& operation,
                                        FileSystem* file_system = nullptr);

/// Removes the store if open_or_make_store() made it and it is still empty, and its directory if
/// open_or_make_store() made that too. Errors as Store::remove_empty().
Result<void> take_back(StoreInPlace into);

}  // namespace bale
