// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The store knows which of a record's tips are commits, the source which of those it has. A fork
// has some of them too, so it counts as the same repository. Many repositories share files and
// directories, so tips of other types count only if there is no commit.

#include "git/import/same_repository.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/try.h"
#include "git/source/tips.h"
#include "hash/git_hash.h"
#include "object/git_objects.h"
#include "store/core/object_links.h"
#include "store/core/record_chain.h"

namespace bale {
namespace {

// The number of ids per lookup.
constexpr std::size_t kOidsAtOnce = 64;

// The commits that a record's refs and HEAD reach through tags, and objects that the store lacks or
// cannot read, which may be commits.
class RecordTips {
 public:
  RecordTips(const Store& store, ReadContext& context) : store_(store), context_(context) {}

  void add(const Record& record) {
    if (const Result<GitOid> head = GitOid::from_hex(record.head)) follow(*head);
    for (const auto& [name, oid] : record.refs) follow(oid);
  }

  [[nodiscard]] const std::vector<GitOid>& commits() const { return commits_; }

  // The targets of refs and HEAD, of any type, and the tags between.
  [[nodiscard]] std::vector<GitOid> all() const { return {seen_.begin(), seen_.end()}; }

 private:
  void follow(GitOid oid) {
    // Git claims that every repository has the empty tree.
    const GitOid empty_tree = git_oid(oid.hash(), ObjectType::kTree, {});
    while (oid != empty_tree && seen_.insert(oid).second) {
      const std::optional<ObjectLocation> location = store_.find(oid);
      const Result<EntryInfo> info =
          location ? store_.info(*location, context_, oid) : Result<EntryInfo>(EntryInfo());
      if (!location || !info || info->type == ObjectType::kState) {
        commits_.push_back(oid);
        return;
      }
      if (info->type != ObjectType::kAction) return;
      std::optional<GitOid> named;
      const Result<LinksRead> tag = read_links(store_, *location, context_, oid, oid.hash(),
                                               [&](ObjectType, const Link& link) -> Result<void> {
                                                 named = link.oid;
                                                 return {};
                                               });
      if (!tag || !tag->type || !named) return;
      oid = *named;
    }
  }

  const Store& store_;
  ReadContext& context_;
  std::set<GitOid> seen_;
  std::vector<GitOid> commits_;
};

Result<bool> has_any(GitSource& source, std::span<const GitOid> oids, bool only_commits) {
  const std::unique_ptr<ObjectReader> reader = TRY(source.start_reader());
  bool any = false;
  while (!oids.empty() && !any) {
    const std::span<const GitOid> some = oids.first(std::min(oids.size(), kOidsAtOnce));
    TRY(look_up(*reader, some, [&](const SourceObject& object) -> Result<void> {
      any = any || (!object.missing && (!only_commits || object.type == ObjectType::kState));
      return {};
    }));
    oids = oids.subspan(some.size());
  }
  return any;
}

}  // namespace

Result<bool> is_same_repository(const Store& store, const ArchiveRecord& newest, GitSource& source,
                                ReadContext& context) {
  RecordChain chain = chain_from(store, newest.id, context);
  for (;;) {
    const Result<std::optional<ArchiveRecord>> entry = chain.next();
    if (!entry) return false;
    if (!*entry) return true;
    const Record& record = (*entry)->record;
    RecordTips tips(store, context);
    tips.add(record);
    const bool has_commits = !tips.commits().empty();
    const std::vector<GitOid> oids = has_commits ? tips.commits() : tips.all();
    if (oids.empty()) continue;
    if (record.hash != source.hash()) return false;
    return has_any(source, oids, has_commits);
  }
}

}  // namespace bale
