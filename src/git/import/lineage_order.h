// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// LineageOrder: the order in which an import asks Git for objects. All versions of one path come
// one after the other, newest first, and paths of the same base name next to each other.
//
// So what resembles an object most is nearly always among the last few that came before it: in
// git's cache while they are read, in the builder's while they are packed, and in that of whoever
// goes through the pack in order later. Files that move to another directory keep their base name,
// and files of one name (Makefile, CMakeLists.txt) resemble each other in different directories.
//
//   auto order = TRY(LineageOrder::create({.hash = source.hash(), .memory_bytes = ..., ...}));
//   TRY(order.add(listed));                                     // as often as it takes
//   TRY(order.sort());
//   while (const auto object = TRY(order.next())) TRY(reader.request(object->oid,
//   object->lineage));
//
// In full, the order is
//
//   1. what was listed without a path (commits, tags), as it was listed;
//   2. what was listed with a path, by the beginning of the path's last part, then by a hash of the
//      path, then as it was listed: newest first, if the listing is `git rev-list`'s;
//   3. what only the database has, as it was listed.
//
// Names are sorted as text, because files with similar names tend to be similar:
// libgit2's pack is 8% larger where they are sorted by their hash. For directories that makes no
// difference. So 16 bytes of a name and a hash do, and records have one size.
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

/// The number of a path: the same for all versions at that path, the same everywhere and
/// always, and never 0. Two paths have the same one by accident only.
[[nodiscard]] std::uint64_t lineage_of(std::string_view path);

struct LineageOrderOptions {
  GitHash hash = GitHash::kSha1;
  std::uint64_t memory_bytes = 8 << 20;  ///< at least kMinLineageOrderBytes
  FileSystem* file_system = nullptr;     ///< null: posix_file_system()
  std::string scratch_directory;
  const Operation* operation = nullptr;  ///< may be null; asked often enough
  /// Objects will come from the database as well, and be given once.
  bool with_database = false;
};

inline constexpr std::uint64_t kMinLineageOrderBytes = 2 * kMinSorterBytes;

struct OrderedObject {
  GitOid oid;
  std::uint64_t lineage = 0;   ///< lineage_of() its path, or 0 if it was listed without one
  bool only_database = false;  ///< it came from the database, and not otherwise
};

/// Movable. After an error it may only be destroyed. Not thread-safe.
class LineageOrder {
 public:
  /// The file system and the operation must outlive it.
  [[nodiscard]] static Result<LineageOrder> create(const LineageOrderOptions& options);

  /// Takes an object that is there. All are under options.hash, and each comes once, or
  /// with_database twice if it is in both parts of the listing.
  Result<void> add(const ListedObject& object);

  /// Ends the adding. Call once, before the first next().
  Result<void> sort();

  /// The next object, or nothing at the end.
  Result<std::optional<OrderedObject>> next();

  /// How many were added.
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
