// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The store knows which of a record's tips are commits, the source which of those it has. A fork
// has some of them too, so it counts as the same repository. Many repositories share files and
// directories, so tips of other types count only if there is no commit.

#include "git/import/same_repository.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/damage.h"
#include "base/try.h"
#include "git/source/tips.h"
#include "hash/git_hash.h"
#include "object/git_objects.h"
#include "store/core/object_links.h"
#include "store/core/record_chain.h"
#include "store/core/ref_lists.h"

namespace bale {
namespace {

// The number of ids per lookup.
constexpr std::size_t kOidsAtOnce = 64;

// Asks a source for the commits that a record's refs and HEAD lead to. What the store lacks or
// cannot read may be one, and is asked for as well.
class TipSearch {
 public:
  // With `only_commits` false, for all that the refs and HEAD lead to, and for tags on the way.
  TipSearch(const Snapshot& store, ReadContext& context, GitSource& source, bool only_commits)
      : store_(store), context_(context), source_(source), only_commits_(only_commits) {}

  Result<void> add(const GitOid& tip) {
    // Refs in a row often lead to one object.
    if (found_ || std::exchange(last_, tip) == tip) return {};
    TRY(follow(tip));
    return asked_.size() < kOidsAtOnce ? Result<void>() : ask();
  }

  // Whether the source has one of them.
  Result<bool> finish() {
    TRY(ask());
    return found_;
  }

  // Whether there was anything to ask for.
  [[nodiscard]] bool any() const { return any_; }

 private:
  Result<void> follow(GitOid oid) {
    // Git says of every repository that it has the empty tree.
    const GitOid empty_tree = git_oid(oid.hash(), ObjectType::kTree, {});
    std::set<GitOid> seen;
    while (oid != empty_tree && seen.insert(oid).second) {
      const std::optional<ObjectLocation> location = store_.find(oid);
      const Result<EntryInfo> info =
          location ? store_.info(*location, context_, oid) : Result<EntryInfo>(EntryInfo());
      const bool may_be_commit = !location || !info || info->type == ObjectType::kState;
      if (may_be_commit || !only_commits_) asked_.push_back(oid);
      if (may_be_commit || info->type != ObjectType::kAction) break;
      std::optional<GitOid> named;
      const Result<LinksRead> tag = read_links(store_, *location, context_, oid, oid.hash(),
                                               [&](ObjectType, const Link& link) -> Result<void> {
                                                 named = link.oid;
                                                 return {};
                                               });
      if (!tag || !tag->type || !named) break;
      oid = *named;
    }
    return {};
  }

  Result<void> ask() {
    any_ = any_ || !asked_.empty();
    if (found_ || asked_.empty()) return {};
    if (reader_ == nullptr) reader_ = TRY(source_.start_reader());
    TRY(look_up(*reader_, asked_, [&](const SourceObject& object) -> Result<void> {
      found_ = found_ || (!object.missing && (!only_commits_ || object.type == ObjectType::kState));
      return {};
    }));
    asked_.clear();
    return {};
  }

  const Snapshot store_;
  ReadContext& context_;
  GitSource& source_;
  bool only_commits_;
  std::optional<GitOid> last_;
  std::vector<GitOid> asked_;
  std::unique_ptr<ObjectReader> reader_;
  bool any_ = false;
  bool found_ = false;
};

}  // namespace

Result<bool> is_same_repository(const Snapshot& store, const ArchiveRecord& newest,
                                GitSource& source, ReadContext& context) {
  RecordChain chain = chain_from(store, newest.id, context);
  for (;;) {
    const Result<std::optional<ArchiveRecord>> entry = chain.next();
    if (!entry) return false;
    if (!*entry) return true;
    const Record& record = (*entry)->record;
    const bool is_other_hash = record.hash != source.hash();
    for (const bool only_commits : {true, false}) {
      TipSearch search(store, context, source, only_commits);
      bool has_tips = false;
      const auto add = [&](const GitOid& oid, const std::string&) -> Result<void> {
        has_tips = true;
        return is_other_hash ? Result<void>() : search.add(oid);
      };
      bool is_readable = true;
      TRY(for_each_tip(store, record, context, "", add, [&](const Error& error) -> Result<void> {
        if (!is_damage(error)) return error;
        is_readable = false;
        return {};
      }));
      if (!is_readable) return false;
      if (is_other_hash && has_tips) return false;
      if (TRY(search.finish())) return true;
      if (search.any()) return false;
    }
  }
}

}  // namespace bale
