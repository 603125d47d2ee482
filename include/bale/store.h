// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Store: a directory of packs plus named archives.
//
//   STORE/
//     bale-store                 format and version
//     packs/<name>.pack .idx .gitidx
//     archives/<name>            the id of the newest record; archives/a@/b of the archive a/b
//     staging/<random>/          work in progress, held by a lock on the directory
//     catalog                    where all ids of many packs lead; derived from their indexes
//     lock                       shared by imports, exclusive while packs are removed
//
//   const bale::Store store = BALE_TRY(bale::Store::open("archive.bale"));
//   const bale::Snapshot snapshot = store.snapshot();
//
// A Store knows which packs are open, and hands out snapshots, from which everything is read
// (bale/snapshot.h). Readers take no lock: packs are immutable, and an open one outlives its name.
// A snapshot may outlive its Store, but not the FileSystem. Opening and reading write nothing into
// the store. Thread-safe.

#pragma once

#include <memory>
#include <string>

#include "bale/export.h"
#include "bale/file_system.h"
#include "bale/result.h"
#include "bale/snapshot.h"

namespace bale {

class BALE_EXPORT Store {
 public:
  /// Makes an empty store in a new or empty directory, or in one in which an init() or
  /// remove_empty() was interrupted. Of concurrent calls one succeeds; the others fail with
  /// kInvalidArgument once the store exists. kInvalidArgument if the directory has other content.
  [[nodiscard]] static Result<void> init(const std::string& path,
                                         FileSystem* file_system = nullptr);

  /// Removes an empty store: no pack, no archive, no running operation (a lock on its directory
  /// counts as one). Undoes an init() when the following operation failed. kInvalidArgument if the
  /// store is not empty.
  [[nodiscard]] static Result<void> remove_empty(const std::string& path,
                                                 FileSystem* file_system = nullptr);

  /// kNotFound where there is no store, kUnsupported for one of a later version.
  [[nodiscard]] static Result<Store> open(const std::string& path,
                                          FileSystem* file_system = nullptr);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] FileSystem& file_system() const;

  /// The packs as they were when the store was opened, or at the last refresh().
  [[nodiscard]] Snapshot snapshot() const;

  /// The same, for functions that take a Snapshot.
  operator Snapshot() const { return snapshot(); }

  /// Reads the directory, and gives the packs that are there now. snapshot() is not affected.
  [[nodiscard]] Result<Snapshot> fresh_snapshot() const;

  /// Makes the packs that are there now what snapshot() returns. Snapshots that were taken before
  /// do not change.
  Result<void> refresh();

 private:
  class Impl;

  explicit Store(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace bale
