// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// See the header. Only what was whole, under the same boundary, is taken as known; and only while
// it is still reached, because what a record reaches is what its refs name.

#include "git/import_plan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "store/record_chain.h"
#include "store/store_impl.h"

namespace bale {
namespace {

constexpr std::uint64_t kReadBytes = 8 << 20;

Result<void> read_records(const Store& store, const std::string& name, ImportPlan& plan) {
  ReadContext context(kReadBytes);
  plan.pointer = TRY(store.archive_pointer(name));
  RecordChain chain = chain_from(store, plan.pointer, context);
  std::optional<std::uint64_t> objects_then;  // of the next older record, if the archive only grew
  for (;;) {
    Result<std::optional<ArchiveRecord>> read = chain.next();
    if (!read) {
      if (!plan.previous) return record_error(name, 0, read.error());
      // Older ones are read to count by them, and there is another way to count.
      plan.only_grew = false;
      return {};
    }
    std::optional<ArchiveRecord>& record = *read;
    if (!record) break;
    const Record& newer = record->record;
    if (const auto location = store.find(record->id)) {
      plan.own_packs.insert(location->pack);
      // Maintenance puts objects of several imports into one pack.
      const auto pack = store.impl().open(location->pack);
      if (!pack || !(*pack)->git_index || (*pack)->git_index->record_count() != newer.objects_new) {
        plan.only_grew = false;
      }
    }
    const bool whole = newer.missing.count == 0 && newer.unreached.count == 0;
    if (!whole || (objects_then && *objects_then != newer.objects)) plan.only_grew = false;
    // Pruning moved the record away from the objects that came with it.
    if (newer.replaces) plan.only_grew = false;
    objects_then = newer.objects - std::min(newer.objects, newer.objects_new);
    if (!plan.previous) plan.previous = std::move(*record);
  }
  if (objects_then.value_or(0) != 0) plan.only_grew = false;
  return {};
}

// Whether all that the record reached is still reached from these tips.
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
  TRY(read_records(store, options.name, plan));
  if (!plan.previous || options.all_objects) return plan;
  const Record& before = plan.previous->record;
  if (before.kind != RecordKind::kGit || before.hash != source.hash() || before.missing.count > 0 ||
      before.unreached.count > 0 || before.shallow != refs.shallow) {
    return plan;
  }
  if (!TRY(is_reached(source, before, plan.request.include))) return plan;
  plan.incremental = true;
  std::vector<GitOid>& exclude = plan.request.exclude;
  for (const auto& [name, oid] : before.refs) exclude.push_back(oid);
  if (const Result<GitOid> head = GitOid::from_hex(before.head)) exclude.push_back(*head);
  return plan;
}

}  // namespace bale
