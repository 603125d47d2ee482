// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Archives for tests that need little more than records, created without git: on any file system,
// with syncs.

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "bale/result.h"
#include "bale/store.h"
#include "testing/memory_file_system.h"

namespace bale {

/// Like an import: adds a blob, a record after the archive's last one, with `time` (seconds since
/// 1970) and the blob, a pack, the pointer. Refreshes the store; returns the record's id.
Result<ObjectId> grow_archive(Store& store, const std::string& name, std::int64_t time);

/// The times of the archive's records, newest first, after reading each record and finding its
/// blob; empty without the archive.
Result<std::vector<std::int64_t>> record_times(const Snapshot& store, const std::string& name);

/// An empty store in /store.
Store made_store(FileSystem& files);

/// A store in memory: the archive "x" with records of the times 1, 2, 3, and "y" with one.
class TwoArchivesTest : public testing::Test {
 protected:
  void SetUp() override;

  /// record_times(); {-1} if that fails.
  std::vector<std::int64_t> times(const std::string& name = "x");

  MemoryFileSystem files_;
  Store store_ = made_store(files_);
  ReadContext context_;
};

}  // namespace bale
