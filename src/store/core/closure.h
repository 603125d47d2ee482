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
// Links are followed by the type that the target has, not by the type that the link claims: a tree
// that names another tree as a file reaches what is in it all the same. So what is reached depends
// on the roots alone, not on the order in which links are met. An object that cannot be parsed to
// its end reaches what it names before that place (object/git_objects.h).
//
// What is reached comes out in the order of the packs, so that reading it goes through each file
// once. Blobs are not read during the walk: they have no links. Only their headers are.
//
// Memory: options.memory_bytes, whatever the store and however large its objects, all charged: 4
// MiB for reading, and of the rest a byte for each Git object of the store in at most a quarter (1
// MiB a million; more are kept on scratch), 640 KiB for recent links and the types of recent
// entries, the walk's stack (its top; the rest on scratch), the sort, and more for reading. From
// sort() on it takes the marks and the sort's memory only.
//
// Why not sorts alone: each round of sorting goes one link further, and a history is as many links
// deep as it has commits.
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
#include "object/git_objects.h"
#include "scratch/external_sorter.h"
#include "scratch/scratch_array.h"
#include "store/core/pack_set.h"

namespace bale {

/// A link to an object that is not in the store.
struct MissingLink {
  GitOid oid;
  ObjectType type = ObjectType::kBlob;  ///< what the link claims it is; kBlob without a claim
  bool claims_type = false;             ///< false for a root
  std::string from;                     ///< what holds the link, for messages
};

/// A link that claims another type than the object has.
struct MismatchedLink {
  GitOid oid;
  ObjectType claimed = ObjectType::kBlob;
  ObjectType stored = ObjectType::kBlob;
  std::string from;  ///< what holds the link, for messages
};

struct ClosureOptions {
  std::uint64_t memory_bytes = 48 << 20;
  std::string scratch_directory;
  const std::set<GitOid>* shallow = nullptr;  ///< commits whose parents are left out
  /// What the records whose roots these are declare missing: never followed, though the store may
  /// have it from elsewhere, because what it leads to may not be there. May be empty.
  std::function<bool(const GitOid&)> is_absent;
  bool check_oids = true;       ///< of what is read, against damaged indexes; it costs a hash each
  bool follow_shallow = false;  ///< to their parents all the same, if they are there
  /// Called for each link that leads nowhere. An Error ends the walk.
  std::function<Result<void>(const MissingLink&)> on_missing;
  /// Called for an object that was reached and cannot be read. An Error ends the walk.
  std::function<Result<void>(const Error&)> on_damage;
  /// Instead of on_damage, where the object and its place matter. May be empty.
  std::function<Result<void>(const GitOid&, const ObjectLocation&, const Error&)> on_damaged;
  /// Called for links that claim a wrong type; of equal links that follow each other closely, for
  /// the first. May be empty.
  std::function<Result<void>(const MismatchedLink&)> on_mismatch;
  /// Called for an object that was reached, is what its id says, and does not parse to its end.
  /// May be empty.
  std::function<Result<void>(const GitOid&, const Error&)> on_malformed;
  const Operation* operation = nullptr;  ///< required
};

struct ReachedObject {
  ObjectLocation location;
  ObjectType type = ObjectType::kBlob;  ///< its own; what a link claims where it cannot be read
};

class Closure {
 public:
  /// The smallest memory_bytes.
  static constexpr std::uint64_t kMinBytes = 6 << 20;

  /// Goes by the packs that the store has now. kLimitExceeded below kMinBytes.
  [[nodiscard]] static Result<Closure> create(const Snapshot& store, ClosureOptions options);

  /// A root; `from` names what holds it: "refs/heads/main". May be called again after walk(), and
  /// walk() after that.
  Result<void> add(const GitOid& oid, const std::string& from);

  Result<void> walk();

  /// An object by itself, whatever it leads to. Call only after walk(): what was added so is not
  /// walked through any more.
  Result<void> add_alone(const GitOid& oid, const std::string& from);

  /// An entry that no Git id leads to, for next() to give back in its turn; it is not counted. Call
  /// before sort(). What was added twice comes twice.
  Result<void> add_entry(const ObjectLocation& location, ObjectType type);

  /// Whether the object was reached; false also for one that is not in the store.
  Result<bool> reached(const GitOid& oid);

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
      const std::function<Result<void>(const GitOid&, const ObjectLocation&)>& use);

 private:
  struct Pending {
    GitOid oid;
    ObjectLocation location;
  };

  // Who holds a link: an object, or what the caller named.
  struct From {
    const GitOid* oid = nullptr;
    const std::string* name = nullptr;

    [[nodiscard]] std::string shown() const;
  };

  Closure(const Snapshot& store, ClosureOptions options);

  Result<void> start();
  Result<ObjectType> stored_type(const GitOid& oid, const ObjectLocation& location);
  Result<std::optional<Pending>> mark(const Link& link, const From& from);
  Result<void> check_claim(const Link& link, ObjectType stored, const From& from);
  Result<void> reach(const Link& link, const From& from);
  Result<void> visit(const Pending& pending);
  Result<void> damaged(const GitOid& oid, const ObjectLocation& location, const Error& error);

  Snapshot store_;
  ClosureOptions options_;
  std::shared_ptr<const PackSet> packs_;
  std::vector<std::uint64_t> first_mark_;  // of each table of `packs_`
  // Behind a pointer, because charges refer to it when a Closure moves.
  std::unique_ptr<Budget> budget_;
  std::optional<ScratchArray<std::uint8_t>> marks_;  // 0, or the type of what was reached and 1
  Buffer recent_links_;
  Buffer recent_types_;
  std::optional<ScratchStack<Pending>> pending_;
  std::optional<ExternalSorter<16>> reached_;
  std::optional<ReadContext> context_;
  std::optional<ReadContext> type_context_;
  std::uint64_t object_count_ = 0;
};

}  // namespace bale
