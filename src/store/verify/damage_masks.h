// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// DamageMasks: for objects of a store, which of up to 61 lost objects they reach: a bit for each,
// and one for all others that are lost.
//
//   DamageMasks masks = TRY(DamageMasks::create(...));
//   std::uint64_t lost = TRY(masks.of(tip));             // walks over what it reaches, once
//   TRY(masks.for_each_link(oid, [&](const Link& link, std::uint64_t mask) { ... }));
//
// An object's mask is that of all its links together, so it is known once all of those are: a walk
// depth first that looks at each object when it comes to it and again when it leaves it. Two stacks
// go along: of objects that are to be looked at, and of the masks so far of those that were begun.
// What is lost is a leaf, and so is what cannot be read for another reason.
//
// Memory: half of what it may take for masks (8 bytes an object; more are kept on scratch) and for
// reading, the rest for stacks and links seen lately. Not thread-safe.

#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bale/progress.h"
#include "bale/store.h"
#include "base/budget.h"
#include "object/git_objects.h"
#include "scratch/scratch_array.h"
#include "store/core/pack_set.h"
#include "store/verify/verify_records.h"

namespace bale {

class DamageMasks {
 public:
  static constexpr std::size_t kMostLost = 61;
  static constexpr std::uint64_t kOther = std::uint64_t{1} << kMostLost;

  /// What else is lost: what `is_lost` says, and what cannot be read on the way, but for those that
  /// were `traced` already.
  struct Others {
    std::function<bool(const GitOid& oid)> is_lost;
    std::set<GitOid> traced;
  };

  struct Options {
    std::uint64_t memory_bytes = 0;
    std::string scratch_directory;
    bool follow = true;                    ///< links at all
    const Others* others = nullptr;        ///< may be null
    const Operation* operation = nullptr;  ///< required
  };

  /// For those of `lost`, at most kMostLost, that records with this absence should reach: bit i
  /// is for lost[i]. All that is referred to must outlive it.
  [[nodiscard]] static Result<DamageMasks> create(const Snapshot& store, const PackSet& packs,
                                                  const std::vector<GitOid>& lost,
                                                  const RecordAbsence& absence,
                                                  const Options& options);

  /// Whether any of the lost ones counts.
  [[nodiscard]] bool any() const { return !lost_.empty() || options_.others != nullptr; }

  /// The bit of a lost object itself, which may be kOther; 0 for what is not lost.
  [[nodiscard]] std::uint64_t bit_of(const GitOid& oid) const;

  /// What the object reaches, itself included.
  Result<std::uint64_t> of(const GitOid& oid);

  /// What the store says that it is; nullopt where it is not there, or unreadable.
  Result<std::optional<ObjectType>> type_of(const GitOid& oid);

  /// Calls `use` for each link of an object that of() was asked for, or that such a one reaches,
  /// and what the link leads to reaches. Links that are not followed are left out. An object that
  /// cannot be read has none.
  Result<void> for_each_link(
      const GitOid& oid,
      const std::function<Result<void>(const Link& link, std::uint64_t mask)>& use);

  /// Whether this is the first time that it is asked of an object which is not lost.
  Result<bool> is_first_visit(const GitOid& oid);

 private:
  struct Step {
    GitOid oid;
    ObjectLocation location;
    std::uint64_t key = 0;  // in masks_
    bool leave = false;
  };

  struct Lately {
    GitOid oid;
    std::uint64_t mask = 0;
    bool used = false;
  };

  // A mask that is known, or else the step that finds it.
  struct Look {
    std::optional<std::uint64_t> mask;
    Step step;
  };

  DamageMasks(const Snapshot& store, const PackSet& packs, const RecordAbsence& absence,
              const Options& options)
      : store_(store),
        packs_(&packs),
        absence_(&absence),
        options_(options),
        budget_(std::make_unique<Budget>(options.memory_bytes)) {}

  Result<void> start(const std::vector<GitOid>& lost);
  Result<Look> look(const GitOid& oid);
  Result<void> walk();
  Result<void> enter(const Step& step);
  Result<void> leave(const Step& step);
  Result<void> add_to_top(std::uint64_t mask);
  // False where the object cannot be read.
  Result<bool> links(const ObjectLocation& location, const GitOid& oid, const LinkVisitor& use);
  [[nodiscard]] Lately& lately(const GitOid& oid);

  Snapshot store_;
  const PackSet* packs_;
  const RecordAbsence* absence_;
  Options options_;
  std::unique_ptr<Budget> budget_;
  std::vector<std::pair<GitOid, std::uint64_t>> lost_;  // by id, with their bits
  std::bitset<4096> lost_beginnings_;                   // of ids: most objects are not lost
  std::vector<std::uint64_t> first_key_;                // of each table
  std::optional<ScratchArray<std::uint64_t>> masks_;
  std::optional<ScratchStack<Step>> steps_;
  std::optional<ScratchStack<std::uint64_t>> begun_;
  Charge lately_charge_;
  std::vector<Lately> lately_;
  std::optional<ReadContext> context_;
  std::optional<ReadContext> type_context_;
  std::uint64_t done_ = 0;
};

}  // namespace bale
