// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Objects count as known only if the record was complete, had the same boundary, and is still
// reached, because a record's objects are those that its refs reach.

#include "git/import/import_plan.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "git/import/same_repository.h"
#include "store/core/known_losses.h"
#include "store/core/pack_set.h"
#include "store/core/record_chain.h"
#include "store/core/store_impl.h"

namespace bale {
namespace {

constexpr std::uint64_t kMinReadBytes = 8 << 20;

Result<void> read_newest(const Store& store, const std::string& name, ReadContext& context,
                         ImportPlan& plan) {
  plan.pointer = TRY(store.archive_pointer(name));
  RecordChain chain = chain_from(store, plan.pointer, context);
  Result<std::optional<ArchiveRecord>> newest = chain.next();
  if (!newest) return record_error(name, 0, newest.error());
  plan.previous = std::move(*newest);
  if (!plan.previous) return {};
  if (plan.previous->record.archive != name) {
    return fail(ErrorCode::kCorrupt,
                "{}: archive {}: its pointer leads to a record of the archive {} (bale repair "
                "restores it)",
                store.path(), name, plan.previous->record.archive);
  }
  const RecordCount count = count_records(store, *plan.previous, context);
  plan.number = count.error ? 0 : count.records + 1;
  return {};
}

// Whether a new record would be the same, except for missing objects.
bool is_as_it_was(const Record& record, const GitSource& source, const RefSnapshot& refs) {
  return record.kind == RecordKind::kGit && record.hash == source.hash() &&
         record.head == refs.head && record.refs == refs.refs && record.symrefs == refs.symrefs &&
         record.shallow == refs.shallow;
}

// Whether the store has all objects that the record names: it may have lost packs.
bool has_tips(const Store& store, const Record& record) {
  const Result<GitOid> head = GitOid::from_hex(record.head);
  return (!head || store.find(*head)) &&
         std::all_of(record.refs.begin(), record.refs.end(),
                     [&](const auto& ref) { return store.find(ref.second).has_value(); });
}

std::uint64_t stored_objects(const Store& store) {
  const std::shared_ptr<const PackSet> packs = store.impl().packs();
  std::uint64_t objects = 0;
  for (std::uint32_t table = 0; table < packs->table_count(); ++table) {
    objects += packs->record_count(table);
  }
  return objects;
}

// Whether these tips still reach everything that the record reached.
Result<bool> is_reached(GitSource& source, const Record& record, const std::vector<GitOid>& tips) {
  ListRequest request{.exclude = tips};
  const std::set<GitOid> now(tips.begin(), tips.end());
  for (const auto& [name, oid] : record.refs) {
    if (!now.contains(oid)) request.include.push_back(oid);
  }
  const Result<GitOid> head = GitOid::from_hex(record.head);
  if (head && !now.contains(*head)) request.include.push_back(*head);
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

std::vector<GitOid> tips_of(const RefSnapshot& refs) {
  std::set<GitOid> tips;
  for (const auto& [name, oid] : refs.refs) tips.insert(oid);
  if (refs.head_oid) tips.insert(*refs.head_oid);
  return {tips.begin(), tips.end()};
}

Result<ImportPlan> plan_import(const Store& store, GitSource& source, const RefSnapshot& refs,
                               const GitImportOptions& options) {
  ImportPlan plan{.request = {.include = tips_of(refs), .all_objects = options.all_objects}};
  // The rest of the import uses no memory yet.
  ReadContext context(std::max(kMinReadBytes, options.memory_bytes / 2));
  TRY(read_newest(store, options.name, context, plan));
  if (!plan.previous) return plan;
  const Record& before = plan.previous->record;
  const bool as_it_was = is_as_it_was(before, source, refs);
  const bool moved = before.source != source.path();
  const auto is_same = [&] { return is_same_repository(store, *plan.previous, source, context); };
  if (!as_it_was && moved && !options.new_source && !TRY(is_same())) {
    return fail(ErrorCode::kInvalidArgument,
                "{}: archive {} was imported from {}, and {} has none of the objects that its "
                "refs led to: it seems to be another repository (--name archives it under another "
                "name; --new-source goes "
                "on with it under this one)",
                store.path(), options.name, before.source, source.path());
  }
  // Only a full listing restores lost objects.
  const bool whole =
      before.missing.count == 0 && has_tips(store, before) && !has_known_losses(store);
  plan.unchanged = as_it_was && whole && !options.all_objects && !(moved && options.new_source);
  if (plan.unchanged || options.all_objects) return plan;
  const bool may_add = before.kind == RecordKind::kGit && before.hash == source.hash() && whole &&
                       before.unreached.count == 0 && before.shallow == refs.shallow;
  if (!may_add || !TRY(is_reached(source, before, plan.request.include))) {
    plan.replaced = !as_it_was && !moved && !options.new_source && !TRY(is_same());
    return plan;
  }
  plan.incremental = true;
  // The previous record reaches this many different objects, and the store has all of them.
  plan.all_stored_counted = stored_objects(store) == before.objects;
  std::vector<GitOid>& exclude = plan.request.exclude;
  for (const auto& [name, oid] : before.refs) exclude.push_back(oid);
  if (const Result<GitOid> head = GitOid::from_hex(before.head)) exclude.push_back(*head);
  return plan;
}

}  // namespace bale
