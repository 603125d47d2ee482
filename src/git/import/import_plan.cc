// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Objects count as known only if the record was complete, had the same boundary, and is still
// reached, because a record's objects are those that its refs reach.

#include "git/import/import_plan.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/damage.h"
#include "base/error.h"
#include "base/try.h"
#include "git/import/same_repository.h"
#include "store/core/known_losses.h"
#include "store/core/pack_set.h"
#include "store/core/record_chain.h"
#include "store/core/ref_lines.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr std::uint64_t kMinReadBytes = 8 << 20;

// Many refs lead to the same objects.
constexpr std::size_t kTipsBeforeDropping = 64 << 10;

Result<void> read_newest(const Snapshot& store, const std::string& name, ReadContext& context,
                         ImportPlan& plan) {
  plan.pointer = TRY(store.archive_pointer(name));
  RecordChain chain = chain_from(store, plan.pointer, context);
  Result<std::optional<ArchiveRecord>> newest = chain.next();
  if (!newest) return record_error(name, 0, newest.error());
  plan.previous = std::move(*newest);
  if (!plan.previous) return {};
  if (plan.previous->record.archive != name) {
    return fail(ErrorCode::kCorrupt, {HintKind::kRepair},
                "{}: archive {}: its pointer leads to a record of the archive {}", store.path(),
                name, plan.previous->record.archive);
  }
  const RecordCount count = count_records(store, *plan.previous, context);
  plan.number = count.error ? 0 : count.records + 1;
  return {};
}

// What changed between the refs of a record and those of the source.
struct RefChanges {
  bool any = false;
  std::vector<GitOid> old_oids;  // of refs that moved or went
};

Result<RefChanges> changes_of(const RefList& before, const RefList& now) {
  RefChanges changes;
  TRY(for_each_ref_change(
      before, now,
      [&](const std::optional<Ref>& old_ref, const std::optional<Ref>&) -> Result<void> {
        changes.any = true;
        if (old_ref && old_ref->oid) changes.old_oids.push_back(*old_ref->oid);
        return {};
      }));
  return changes;
}

// Whether a record of the repository as it is now would say the same, but for its refs and what was
// missing.
bool is_alike(const Record& record, const GitSource& source, const RefSnapshot& refs) {
  return record.kind == RecordKind::kGit && record.hash == source.hash() &&
         record.head == refs.head && record.shallow == refs.shallow;
}

// What a record names: its refs and a detached HEAD.
Result<std::vector<GitOid>> tips_of(const Record& record, const RefList& refs) {
  std::vector<GitOid> tips;
  const auto drop_repeated = [&] {
    std::sort(tips.begin(), tips.end());
    tips.erase(std::unique(tips.begin(), tips.end()), tips.end());
  };
  std::size_t drop_at = kTipsBeforeDropping;
  RefList::Reader reader(refs);
  while (const std::optional<Ref> ref = TRY(reader.next())) {
    if (ref->oid) tips.push_back(*ref->oid);
    if (tips.size() < drop_at) continue;
    drop_repeated();
    drop_at = std::max(kTipsBeforeDropping, 2 * tips.size());
  }
  if (const Result<GitOid> head = GitOid::from_hex(record.head)) tips.push_back(*head);
  drop_repeated();
  return tips;
}

std::uint64_t stored_objects(const Snapshot& store) {
  const std::shared_ptr<const PackSet> packs = packs_of(store);
  std::uint64_t objects = 0;
  for (std::uint32_t table = 0; table < packs->table_count(); ++table) {
    objects += packs->record_count(table);
  }
  return objects;
}

// Whether what these objects reach is reached from `tips` as well.
Result<bool> is_reached(GitSource& source, std::vector<GitOid> oids,
                        const std::vector<GitOid>& tips) {
  ListRequest request{.include = std::move(oids), .exclude = tips};
  if (request.include.empty()) return true;
  bool reached = true;
  const Error enough{ErrorCode::kNotFound, "enough"};
  const Result<void> listed =
      source.list_objects(request, [&](const ListedObject&) -> Result<void> {
        reached = false;
        return enough;
      });
  if (!listed && reached) return listed.error();
  return reached;
}

}  // namespace

Result<std::vector<GitOid>> tips_of(const RefSnapshot& refs) {
  Record head;
  if (refs.head_oid) head.head = refs.head_oid->to_hex();
  return tips_of(head, refs.refs);
}

Result<ImportPlan> plan_import(const Snapshot& store, GitSource& source, const RefSnapshot& refs,
                               const GitImportOptions& options) {
  ImportPlan plan{.request = {.include = TRY(tips_of(refs)), .all_objects = options.all_objects}};
  // Nothing else of the import takes memory yet.
  ReadContext context(std::max(kMinReadBytes, options.work.memory_bytes / 2));
  TRY(read_newest(store, options.name, context, plan));
  if (!plan.previous) return plan;
  const Record& before = plan.previous->record;
  RefChanges changes{.any = true};
  std::vector<GitOid> known;
  const auto compare = [&]() -> Result<void> {
    RefList read = TRY(RefList::read(store, before, context));
    changes = TRY(changes_of(read, refs.refs));
    known = TRY(tips_of(before, read));
    plan.previous_refs = std::move(read);
    return {};
  };
  const Result<void> compared = compare();
  if (!compared && !is_damage(compared.error())) return compared.error();
  if (!compared) changes.any = true;
  const bool as_it_was = is_alike(before, source, refs) && !changes.any;
  const bool moved = before.source != source.path();
  if (!compared && moved && !options.new_source) {
    return fail(ErrorCode::kInvalidArgument, {HintKind::kNameOrNewSource},
                "{}: archive {} was imported from {}, and its refs cannot be read to tell whether "
                "{} is the same repository: {}",
                store.path(), options.name, before.source, source.path(), compared.error().message);
  }
  const auto is_same = [&] { return is_same_repository(store, *plan.previous, source, context); };
  if (!as_it_was && moved && !options.new_source && !TRY(is_same())) {
    return fail(ErrorCode::kInvalidArgument, {HintKind::kNameOrNewSource},
                "{}: archive {} was imported from {}, and {} has none of the objects that its "
                "refs led to: it seems to be another repository",
                store.path(), options.name, before.source, source.path());
  }
  // Only a whole listing restores what the store has lost.
  const bool whole = before.missing.count == 0 && plan.previous_refs.has_value() &&
                     std::all_of(known.begin(), known.end(),
                                 [&](const GitOid& oid) { return store.find(oid).has_value(); }) &&
                     !has_known_losses(store);
  plan.unchanged = as_it_was && whole && !options.all_objects && !(moved && options.new_source);
  if (plan.unchanged || options.all_objects) return plan;
  const bool may_add = before.kind == RecordKind::kGit && before.hash == source.hash() && whole &&
                       before.unreached.count == 0 && before.shallow == refs.shallow;
  std::vector<GitOid> left = std::move(changes.old_oids);
  if (const Result<GitOid> head = GitOid::from_hex(before.head); head && before.head != refs.head) {
    left.push_back(*head);
  }
  if (!may_add || !TRY(is_reached(source, std::move(left), plan.request.include))) {
    plan.replaced = !as_it_was && !moved && !options.new_source && plan.previous_refs.has_value() &&
                    !TRY(is_same());
    return plan;
  }
  plan.incremental = true;
  // The previous record reaches this many different objects, and the store has all of them.
  plan.all_stored_counted = stored_objects(store) == before.objects;
  plan.request.exclude = std::move(known);
  return plan;
}

}  // namespace bale
