// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// LineageOrder: the order in which an import requests objects. All versions of one path are
// consecutive, newest first, and paths of the same base name are adjacent.
//
// So the object most similar to another is nearly always among the last few before it: in git's
// cache when they are read, in the builder's when they are packed, and in that of a later
// sequential reader. Files that move to another directory keep their base name, and files of one
// name (Makefile, CMakeLists.txt) are similar in different directories.
//
//   auto order = TRY(LineageOrder::create({.hash = source.hash(), .memory_bytes = ..., ...}));
//   TRY(order.add(listed));                                     // as often as it takes
//   TRY(order.sort());
//   while (const auto it = TRY(order.next())) TRY(reader.request(it->oid, it->lineage));
//
// The order is
//
//   1. objects without a path (commits, tags), as listed;
//   2. objects with a path, by the beginning of the path's last part, then by a hash of the path,
//      then as listed: newest first, if the listing is `git rev-list`'s;
//   3. objects only of the database, as listed.
//
// Names are sorted as text, because files with similar names tend to be similar: libgit2's pack is
// 8% larger if they are sorted by hash. For directories that makes no difference. So 16 bytes of a
// name and a hash suffice, and records have one size.
//
// Memory: options.memory_bytes, charged to a budget of its own, and what ExternalSorter says about
// runs; however many objects. Scratch: 64 bytes an object, twice that with_database.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bale/file_system.h"
#include "bale/git_oid.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "base/budget.h"
#include "git/source/object_listing.h"
#include "scratch/external_sorter.h"

namespace bale {

/// The number of a path, shared by all versions at that path: never 0, and the same on every
/// machine and in every version of bale. Different paths may collide, which is harmless.
[[nodiscard]] std::uint64_t lineage_of(std::string_view path);

struct LineageOrderOptions {
  GitHash hash = GitHash::kSha1;
  std::uint64_t memory_bytes = 8 << 20;  ///< at least kMinLineageOrderBytes
  FileSystem* file_system = nullptr;     ///< null: posix_file_system()
  std::string scratch_directory;
  const Operation* operation = nullptr;  ///< may be null
  /// The database's objects are added as well; each object is returned once.
  bool with_database = false;
};

inline constexpr std::uint64_t kMinLineageOrderBytes = 2 * kMinSorterBytes;

struct OrderedObject {
  GitOid oid;
  std::uint64_t lineage = 0;   ///< lineage_of() its path; 0 without a path
  bool only_database = false;  ///< listed only from the database
};

/// Movable. After an error it may only be destroyed. Not thread-safe.
class LineageOrder {
 public:
  /// The file system and the operation must outlive it.
  [[nodiscard]] static Result<LineageOrder> create(const LineageOrderOptions& options);

  /// Adds an existing object. All have options.hash, and each is added once, or with_database twice
  /// if both parts of the listing have it.
  Result<void> add(const ListedObject& object);

  /// Call once, after the last add() and before the first next().
  Result<void> sort();

  /// The next object; nullopt at the end.
  Result<std::optional<OrderedObject>> next();

  /// The number of added objects.
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  using Sorter = ExternalSorter<64>;

  LineageOrder() = default;

  Result<void> drop_repetitions();

  GitHash hash_ = GitHash::kSha1;
  std::unique_ptr<Budget> budget_;
  std::optional<Sorter> by_oid_;  // only with_database, and until it is sorted
  std::optional<Sorter> by_lineage_;
  std::uint64_t count_ = 0;
};

}  // namespace bale
