// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/verify/damage_trace.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "base/damage.h"
#include "base/error.h"
#include "base/try.h"
#include "store/core/oid_list.h"
#include "store/core/ref_lists.h"
#include "store/verify/damage_masks.h"

namespace bale {
namespace {

constexpr std::size_t kMostPaths = 16;
constexpr std::size_t kMostPathsCounted = 1000;
constexpr std::size_t kMostPathBytes = 4096;
constexpr std::uint64_t kMostTouches = 20'000;  // in all, and as many of the others
constexpr std::uint64_t kCommitStackBytes = 256 << 10;

constexpr std::string_view kWithoutRef = "its objects without a ref";

// Calls `use` for the number of each bit that is set.
template <typename Use>
void for_each_bit(std::uint64_t mask, const Use& use) {
  for (; mask != 0; mask &= mask - 1) use(static_cast<std::size_t>(std::countr_zero(mask)));
}

// Up to 61 lost objects, and all others together, if `others` is not null.
class Batch {
 public:
  Batch(const Snapshot& store, const PackSet& packs, VerifyRecords& records,
        const DamageTraceOptions& options, std::span<LostObject> lost, std::uint64_t& touches,
        const DamageMasks::Others* others, StoreReport& report)
      : store_(store),
        packs_(packs),
        records_(records),
        options_(options),
        lost_(lost),
        paths_(lost.size()),
        touches_(touches),
        others_(others),
        report_(report) {
    for (LostObject& object : lost_) {
      object.traced = true;
      oids_.push_back(object.oid);
    }
  }

  Result<void> trace() {
    for (const VerifyRecords::Group& group : records_.groups()) TRY(trace_group(group));
    // What is behind refs that cannot be read nobody knows.
    for (LostObject& object : lost_) object.traced = is_complete_ || !object.touches.empty();
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      lost_[i].paths_omitted = paths_[i].size() - lost_[i].paths.size();
      std::sort(lost_[i].paths.begin(), lost_[i].paths.end());
    }
    return {};
  }

 private:
  struct Commit {
    GitOid oid;
  };

  struct Tree {
    GitOid oid;
    std::string path;
  };

  Result<void> trace_group(const VerifyRecords::Group& group);
  Result<void> trace_record(const VerifyRecords::Entry& entry, DamageMasks& masks);
  Result<void> touch(const VerifyRecords::Entry& entry, std::uint64_t mask, const std::string& ref,
                     const std::function<Result<std::string>(std::uint64_t bit)>& find_path);
  void touch_others(const VerifyRecords::Entry& entry, const std::string& ref);
  Result<std::string> path_from(const GitOid& tip, std::uint64_t bit, DamageMasks& masks);
  Result<void> walk_from(const GitOid& tip, DamageMasks& masks);
  Result<void> walk_commit(const Commit& commit, DamageMasks& masks, ScratchStack<Commit>& stack);
  Result<void> walk_tree(const GitOid& root, DamageMasks& masks);
  void found(std::uint64_t bits, const std::string& path, ObjectType type);
  void learn_type(std::uint64_t bits, ObjectType type);

  const Snapshot store_;
  const PackSet& packs_;
  VerifyRecords& records_;
  const DamageTraceOptions& options_;
  std::span<LostObject> lost_;
  std::vector<std::set<std::size_t>> paths_;  // hashes of those that were found, for each
  std::uint64_t& touches_;
  bool is_complete_ = true;  // each record's refs could be read
  const DamageMasks::Others* others_;
  StoreReport& report_;
  std::vector<GitOid> oids_;
};

Result<void> Batch::trace_group(const VerifyRecords::Group& group) {
  // A list that is damaged was noted before.
  Result<RecordAbsence> loaded = records_.absence(group, *options_.missing_budget);
  if (!loaded && loaded.error().code != ErrorCode::kCorrupt) return loaded.error();
  const RecordAbsence absence = loaded ? std::move(*loaded) : RecordAbsence();
  DamageMasks masks =
      TRY(DamageMasks::create(store_, packs_, oids_, absence,
                              {.memory_bytes = options_.memory_bytes - kCommitStackBytes,
                               .scratch_directory = options_.scratch_directory,
                               .follow = options_.follow,
                               .others = others_,
                               .operation = options_.operation}));
  if (!masks.any()) return {};
  for (const VerifyRecords::Entry& entry : group) TRY(trace_record(entry, masks));
  return {};
}

Result<void> Batch::trace_record(const VerifyRecords::Entry& entry, DamageMasks& masks) {
  const Record record = TRY(records_.record(entry));
  const auto trace = [&](const GitOid& tip, const std::string& ref) -> Result<void> {
    const std::uint64_t all = TRY(masks.of(tip));
    if ((all & DamageMasks::kOther) != 0) touch_others(entry, ref);
    const std::uint64_t mask = all & ~DamageMasks::kOther;
    if (mask == 0) return {};
    TRY(touch(entry, mask, ref, [&](std::uint64_t bit) { return path_from(tip, bit, masks); }));
    return walk_from(tip, masks);
  };
  // Damage of a list of refs was noted before.
  TRY(for_each_tip(store_, record, *options_.context, options_.scratch_directory, trace,
                   [&](const Error& error) -> Result<void> {
                     if (!is_damage(error)) return error;
                     is_complete_ = false;
                     return {};
                   }));
  if (!record.unreached.list) return {};
  const auto nowhere = [](std::uint64_t) -> Result<std::string> { return std::string(); };
  const Result<void> listed = read_oid_list(
      store_, *record.unreached.list, *options_.context, [&](const GitOid& oid) -> Result<void> {
        const std::uint64_t bit = masks.bit_of(oid);
        if (bit == DamageMasks::kOther) touch_others(entry, std::string(kWithoutRef));
        if (bit == 0 || bit == DamageMasks::kOther) return {};
        return touch(entry, bit, std::string(kWithoutRef), nowhere);
      });
  if (!listed && listed.error().code != ErrorCode::kCorrupt) return listed;
  return {};
}

Result<void> Batch::touch(const VerifyRecords::Entry& entry, std::uint64_t mask,
                          const std::string& ref,
                          const std::function<Result<std::string>(std::uint64_t bit)>& find_path) {
  Result<void> result;
  for_each_bit(mask, [&](std::size_t number) {
    if (!result) return;
    LostObject& lost = lost_[number];
    if (touches_ == kMostTouches) {
      ++lost.touches_omitted;
      return;
    }
    ++touches_;
    Result<std::string> path = find_path(std::uint64_t{1} << number);
    if (!path) {
      result = path.error();
      return;
    }
    lost.touches.push_back({records_.archive(entry), entry.back, ref, std::move(*path)});
  });
  return result;
}

void Batch::touch_others(const VerifyRecords::Entry& entry, const std::string& ref) {
  std::vector<LostObject::Touch>& touches = report_.others_touch;
  LostObject::Touch touch{records_.archive(entry), entry.back, ref, ""};
  // Of objects without a ref there may be many in a row.
  if (!touches.empty() && touches.back() == touch) return;
  if (touches.size() < kMostTouches) {
    touches.push_back(std::move(touch));
  } else {
    ++report_.others_touch_omitted;
  }
}

// Where the lost object is in the tree of a ref: "" if it is not there, but in the history.
Result<std::string> Batch::path_from(const GitOid& tip, std::uint64_t bit, DamageMasks& masks) {
  GitOid oid = tip;
  std::string path;
  bool in_tree = false;
  std::optional<ObjectType> type = TRY(masks.type_of(tip));
  while (type && masks.bit_of(oid) == 0 && path.size() < kMostPathBytes) {
    std::optional<Link> next;
    std::string name;
    TRY(masks.for_each_link(oid, [&](const Link& link, std::uint64_t mask) -> Result<void> {
      if (next || (mask & bit) == 0) return {};
      // Of a commit's links, only the tree.
      if (*type == ObjectType::kState && link.type != ObjectType::kTree) return {};
      next = link;
      name = link.name;
      return {};
    }));
    if (!next) return std::string();
    if (*type == ObjectType::kTree) {
      in_tree = true;
      path += (path.empty() ? "" : "/") + name;
    }
    oid = next->oid;
    type = next->type;
  }
  if (in_tree) return path;
  return std::string(type == ObjectType::kTree ? "/" : "");
}

Result<void> Batch::walk_from(const GitOid& tip, DamageMasks& masks) {
  const std::optional<ObjectType> type = TRY(masks.type_of(tip));
  if (const std::uint64_t bit = masks.bit_of(tip); bit != 0) {
    if (type) learn_type(bit, *type);
    return {};
  }
  if (!type || !options_.follow) return {};
  if (type == ObjectType::kTree) return walk_tree(tip, masks);
  if (!TRY(masks.is_first_visit(tip))) return {};
  Budget budget(kCommitStackBytes);
  auto stack = TRY(ScratchStack<Commit>::create(budget, kCommitStackBytes, store_.file_system(),
                                                options_.scratch_directory));
  TRY(stack.push({tip}));
  while (!stack.empty()) {
    if (options_.operation->cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
    TRY(walk_commit(TRY(stack.pop()), masks, stack));
  }
  return {};
}

// Or a tag.
Result<void> Batch::walk_commit(const Commit& commit, DamageMasks& masks,
                                ScratchStack<Commit>& stack) {
  std::optional<GitOid> tree;
  TRY(masks.for_each_link(commit.oid, [&](const Link& link, std::uint64_t mask) -> Result<void> {
    if ((mask & ~DamageMasks::kOther) == 0) return {};
    if (link.type == ObjectType::kTree) tree = link.oid;
    if (const std::uint64_t bit = masks.bit_of(link.oid); bit != 0) {
      learn_type(bit, link.type);
      return {};
    }
    if (link.type == ObjectType::kTree || !TRY(masks.is_first_visit(link.oid))) return {};
    return stack.push({link.oid});
  }));
  return tree ? walk_tree(*tree, masks) : Result<void>();
}

Result<void> Batch::walk_tree(const GitOid& root, DamageMasks& masks) {
  if (const std::uint64_t bit = masks.bit_of(root); bit != 0) {
    found(bit, "/", ObjectType::kTree);
    return {};
  }
  if (!TRY(masks.is_first_visit(root))) return {};
  std::vector<Tree> stack{{root, ""}};
  while (!stack.empty()) {
    const Tree tree = std::move(stack.back());
    stack.pop_back();
    TRY(masks.for_each_link(tree.oid, [&](const Link& link, std::uint64_t mask) -> Result<void> {
      if ((mask & ~DamageMasks::kOther) == 0) return {};
      std::string path = tree.path + (tree.path.empty() ? "" : "/") + std::string(link.name);
      if (path.size() > kMostPathBytes) return {};
      if (const std::uint64_t bit = masks.bit_of(link.oid); bit != 0) {
        found(bit, path, link.type);
      } else if (TRY(masks.is_first_visit(link.oid))) {
        stack.push_back({link.oid, std::move(path)});
      }
      return {};
    }));
  }
  return {};
}

void Batch::found(std::uint64_t bits, const std::string& path, ObjectType type) {
  learn_type(bits, type);
  for_each_bit(bits, [&](std::size_t number) {
    if (paths_[number].size() > kMostPathsCounted) return;
    if (!paths_[number].insert(std::hash<std::string>()(path)).second) return;
    if (lost_[number].paths.size() < kMostPaths) lost_[number].paths.push_back(path);
  });
}

void Batch::learn_type(std::uint64_t bits, ObjectType type) {
  for_each_bit(bits, [&](std::size_t number) {
    if (!lost_[number].type) lost_[number].type = type;
  });
}

}  // namespace

Result<void> trace_damage(const Snapshot& store, const PackSet& packs, VerifyRecords& records,
                          const DamageTraceOptions& options, StoreReport& report) {
  std::uint64_t touches = 0;
  std::span<LostObject> left =
      std::span(report.lost).first(std::min(report.lost.size(), kMostTracedObjects));
  const bool any_others = report.lost.size() > left.size();
  DamageMasks::Others others{.is_lost = options.is_lost, .traced = {}};
  if (any_others) {
    for (const LostObject& object : left) others.traced.insert(object.oid);
  }
  while (!left.empty()) {
    const auto batch = left.first(std::min(left.size(), DamageMasks::kMostLost));
    left = left.subspan(batch.size());
    const bool with_others = any_others && left.empty();
    TRY(Batch(store, packs, records, options, batch, touches, with_others ? &others : nullptr,
              report)
            .trace());
  }
  const auto by_place = [](const LostObject::Touch& a, const LostObject::Touch& b) {
    return std::pair(std::cref(a.archive).get(), a.record_back) <
           std::pair(std::cref(b.archive).get(), b.record_back);
  };
  for (LostObject& object : report.lost) {
    std::stable_sort(object.touches.begin(), object.touches.end(), by_place);
  }
  std::stable_sort(report.others_touch.begin(), report.others_touch.end(), by_place);
  return {};
}

}  // namespace bale
