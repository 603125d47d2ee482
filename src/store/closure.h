// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Closure: everything that some objects reach, found by walking commits, trees and tags.
//
//   Closure closure = TRY(Closure::create(store, options));
//   TRY(closure.add(tip));                            // as often as there are tips
//   TRY(closure.walk());
//   TRY(closure.sort());
//   while (const auto object = TRY(closure.next())) use(object->location);   // in store order
//   TRY(closure.for_each_oid([&](const GitOid& oid, const ObjectLocation& at) { ... }));
//
// What is reached comes out in the order of the packs, so that reading it goes through each file
// once. Blobs are not read during the walk: they have no links.
//
// Memory: one bit for each Git object of the store (120 KiB a million) and a table of 320 KiB for
// links seen lately, the walk's stack, and `sort_bytes` for the external sort; all charged. The
// stack holds what is reached and not looked at yet: a few per commit that waits to be merged.
// From sort() on it takes the bits and the sort's memory only.
// Not thread-safe.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/progress.h"
#include "bale/store.h"
#include "base/budget.h"
#include "pack/external_sorter.h"

namespace bale {

/// A link to an object that is not in the store.
struct MissingLink {
  GitOid oid;
  ObjectType type = ObjectType::kBlob;  ///< what the link says it is
  std::string from;                     ///< what holds the link, for messages
};

struct ClosureOptions {
  std::uint64_t memory_bytes = 48 << 20;
  std::string scratch_directory;
  const std::set<GitOid>* shallow = nullptr;  ///< commits whose parents are left out
  bool follow_shallow = false;                ///< to their parents all the same, if they are there
  /// Called for each link that leads nowhere. An Error ends the walk.
  std::function<Result<void>(const MissingLink&)> on_missing;
  /// Called for an object that was reached and cannot be read or parsed. An Error ends the walk.
  std::function<Result<void>(const Error&)> on_damage;
  const Operation* operation = nullptr;  ///< required
};

struct ReachedObject {
  ObjectLocation location;
  ObjectType type = ObjectType::kBlob;  ///< what the first link to it says it is
};

class Closure {
 public:
  /// kLimitExceeded if the memory does not do, with what would.
  [[nodiscard]] static Result<Closure> create(const Store& store, ClosureOptions options);

  /// A root; `from` names what holds it: "refs/heads/main". Its type is looked up.
  Result<void> add(const GitOid& oid, const std::string& from);

  Result<void> walk();

  /// An object by itself, whatever it leads to. Call only after walk(): what was added so is not
  /// walked through any more.
  Result<void> add_alone(const GitOid& oid, const std::string& from);

  [[nodiscard]] std::uint64_t object_count() const { return object_count_; }

  /// Ends the walking, and gives back the memory that only the walk needs. Call once, before
  /// next().
  Result<void> sort();

  /// What it takes from sort() on.
  [[nodiscard]] std::uint64_t memory_bytes() const { return budget_->used_bytes(); }

  Result<std::optional<ReachedObject>> next();

  /// Calls `use` for every object that was reached, in the order of their Git ids. An Error ends
  /// it. For after walk(), as often as is wanted.
  Result<void> for_each_oid(
      const std::function<Result<void>(const GitOid&, const ObjectLocation&)>& use) const;

 private:
  struct Pending {
    GitOid oid;
    ObjectLocation location;
    ObjectType type;
  };

  Closure(const Store& store, ClosureOptions options);

  Result<void> start();
  Result<std::optional<ObjectType>> type_of(const GitOid& oid);
  Result<std::optional<Pending>> mark(const GitOid& oid, ObjectType type, const GitOid* from,
                                      const std::string* from_name);
  Result<void> reach(const GitOid& oid, ObjectType type, const GitOid* from,
                     const std::string* from_name);
  Result<void> visit(const Pending& pending);
  [[nodiscard]] bool seen_lately(const GitOid& oid);

  const Store* store_;
  ClosureOptions options_;
  // Behind a pointer, because charges refer to it when a Closure moves.
  std::unique_ptr<Budget> budget_;
  std::vector<Buffer> seen_;  // a bit for each record of each pack's Git index
  Buffer lately_;
  std::vector<Pending> pending_;
  Charge pending_charge_;
  std::optional<ExternalSorter<16>> reached_;
  std::optional<ReadContext> context_;
  std::uint64_t object_count_ = 0;
};

}  // namespace bale
