// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/damage_trace.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "store/damage_masks.h"
#include "store/oid_list.h"

namespace bale {
namespace {

constexpr std::size_t kMostRefs = 16;  // of one record
constexpr std::size_t kMostPaths = 16;
constexpr std::size_t kMostPathsCounted = 1000;
constexpr std::size_t kMostPathBytes = 4096;
constexpr std::uint64_t kMostTouches = 100'000;  // in all
constexpr std::uint64_t kCommitStackBytes = 256 << 10;

constexpr std::string_view kWithoutRef = "its objects without a ref";

// Calls `use` for the number of each bit that is set.
template <typename Use>
void for_each_bit(std::uint64_t mask, const Use& use) {
  for (; mask != 0; mask &= mask - 1) use(static_cast<std::size_t>(std::countr_zero(mask)));
}

// Up to 62 lost objects.
class Batch {
 public:
  Batch(const Store& store, const PackSet& packs, VerifyRecords& records,
        const DamageTraceOptions& options, LostObject* first, std::size_t count,
        std::uint64_t& touches)
      : store_(store),
        packs_(packs),
        records_(records),
        options_(options),
        first_(first),
        paths_(count),
        touches_(touches) {
    for (std::size_t i = 0; i < count; ++i) {
      first_[i].traced = true;
      oids_.push_back(first_[i].oid);
    }
  }

  Result<void> trace() {
    for (const VerifyRecords::Group& group : records_.groups()) TRY(trace_group(group));
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      first_[i].paths_omitted = paths_[i].size() - first_[i].paths.size();
      std::sort(first_[i].paths.begin(), first_[i].paths.end());
    }
    return {};
  }

 private:
  struct Commit {
    GitOid oid;
    ObjectType type;
  };

  struct Tree {
    GitOid oid;
    std::string path;
  };

  Result<void> trace_group(const VerifyRecords::Group& group);
  Result<void> trace_record(const VerifyRecords::Entry& entry, DamageMasks& masks);
  Result<void> touch(const VerifyRecords::Entry& entry, std::uint64_t mask, const std::string& ref,
                     const std::function<Result<std::string>(std::uint64_t bit)>& find_path);
  Result<std::string> path_from(const GitOid& tip, std::uint64_t bit, DamageMasks& masks);
  Result<void> walk_from(const GitOid& tip, DamageMasks& masks);
  Result<void> walk_commit(const Commit& commit, DamageMasks& masks, ScratchStack<Commit>& stack);
  Result<void> walk_tree(const GitOid& root, DamageMasks& masks);
  void found(std::uint64_t bits, const std::string& path, ObjectType type);
  void learn_type(std::uint64_t bits, ObjectType type);

  const Store& store_;
  const PackSet& packs_;
  VerifyRecords& records_;
  const DamageTraceOptions& options_;
  LostObject* first_;
  std::vector<std::set<std::size_t>> paths_;  // hashes of those that were found, for each
  std::uint64_t& touches_;
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
                               .operation = options_.operation}));
  if (!masks.any()) return {};
  for (const VerifyRecords::Entry& entry : group) TRY(trace_record(entry, masks));
  return {};
}

Result<void> Batch::trace_record(const VerifyRecords::Entry& entry, DamageMasks& masks) {
  const Record record = TRY(records_.record(entry));
  TRY(VerifyRecords::for_each_tip(
      record, [&](const GitOid& tip, const std::string& ref) -> Result<void> {
        const std::uint64_t mask = TRY(masks.of(tip));
        if (mask == 0) return {};
        TRY(touch(entry, mask, ref, [&](std::uint64_t bit) { return path_from(tip, bit, masks); }));
        return walk_from(tip, masks);
      }));
  if (!record.unreached.list) return {};
  const auto nowhere = [](std::uint64_t) -> Result<std::string> { return std::string(); };
  const Result<void> listed = read_oid_list(
      store_, *record.unreached.list, *options_.context, [&](const GitOid& oid) -> Result<void> {
        const std::uint64_t bit = masks.bit_of(oid);
        return bit != 0 ? touch(entry, bit, std::string(kWithoutRef), nowhere) : Result<void>();
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
    LostObject& lost = first_[number];
    const std::string& archive = records_.archive(entry);
    const auto is_same = [&](const LostObject::Touch& touch) {
      return touch.archive == archive && touch.record_back == entry.back;
    };
    // Those of one record come one after the other.
    const auto same = std::find_if_not(lost.touches.rbegin(), lost.touches.rend(), is_same);
    const auto listed = static_cast<std::size_t>(same - lost.touches.rbegin());
    if (listed == kMostRefs) {
      ++lost.touches.back().more_refs;
      return;
    }
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
    lost.touches.push_back({archive, entry.back, ref, std::move(*path)});
  });
  return result;
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
    TRY(masks.for_each_link(oid, *type, [&](const Link& link, std::uint64_t mask) -> Result<void> {
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
  TRY(stack.push({tip, *type}));
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
  TRY(masks.for_each_link(
      commit.oid, commit.type, [&](const Link& link, std::uint64_t mask) -> Result<void> {
        if (mask == 0) return {};
        if (link.type == ObjectType::kTree) tree = link.oid;
        if (const std::uint64_t bit = masks.bit_of(link.oid); bit != 0) {
          learn_type(bit, link.type);
          return {};
        }
        if (link.type == ObjectType::kTree || !TRY(masks.is_first_visit(link.oid))) return {};
        return stack.push({link.oid, link.type});
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
    TRY(masks.for_each_link(
        tree.oid, ObjectType::kTree, [&](const Link& link, std::uint64_t mask) -> Result<void> {
          if (mask == 0) return {};
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
    if (first_[number].paths.size() < kMostPaths) first_[number].paths.push_back(path);
  });
}

void Batch::learn_type(std::uint64_t bits, ObjectType type) {
  for_each_bit(bits, [&](std::size_t number) {
    if (!first_[number].type) first_[number].type = type;
  });
}

}  // namespace

Result<void> trace_damage(const Store& store, const PackSet& packs, VerifyRecords& records,
                          const DamageTraceOptions& options, std::vector<LostObject>& lost) {
  std::uint64_t touches = 0;
  const std::size_t count = std::min(lost.size(), kMostTracedObjects);
  for (std::size_t i = 0; i < count; i += DamageMasks::kMostLost) {
    TRY(Batch(store, packs, records, options, &lost[i], std::min(count - i, DamageMasks::kMostLost),
              touches)
            .trace());
  }
  const auto by_place = [](const LostObject::Touch& a, const LostObject::Touch& b) {
    return std::pair(std::cref(a.archive).get(), a.record_back) <
           std::pair(std::cref(b.archive).get(), b.record_back);
  };
  for (LostObject& object : lost) {
    std::stable_sort(object.touches.begin(), object.touches.end(), by_place);
  }
  return {};
}

}  // namespace bale
