// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// One child lists all objects with their types; a second reads the commits among them, then their
// parents, a window at a time.

#include "git/source/missing_parents.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/try.h"
#include "git/child/child_output.h"
#include "git/source/object_reader.h"
#include "git/source/tips.h"

namespace bale {
namespace {

// Room for thousands of parents; they follow the tree at the beginning.
constexpr std::size_t kCommitBeginningBytes = 256 << 10;

// "tree HEX\n", then "parent HEX\n" for each parent.
std::vector<GitOid> parse_parents(std::string_view commit) {
  static constexpr std::string_view kPrefix = "parent ";
  std::vector<GitOid> parents;
  commit.remove_prefix(std::min(commit.size(), commit.find('\n') + 1));
  while (commit.starts_with(kPrefix)) {
    const std::size_t end = std::min(commit.find('\n'), commit.size());
    const Result<GitOid> parent =
        GitOid::from_hex(commit.substr(kPrefix.size(), end - kPrefix.size()));
    if (!parent) break;
    parents.push_back(*parent);
    commit.remove_prefix(std::min(end + 1, commit.size()));
  }
  return parents;
}

class Search {
 public:
  Search(ObjectReader& reader, const std::vector<GitOid>& shallow)
      : reader_(reader), shallow_(shallow) {}

  Result<void> add(const GitOid& commit) {
    if (std::binary_search(shallow_.begin(), shallow_.end(), commit)) return {};
    commits_.push_back(commit);
    return commits_.size() < reader_.window() ? Result<void>() : check();
  }

  // Checks the objects added since the last call.
  Result<void> check() {
    std::map<GitOid, std::vector<GitOid>> parents_of;
    std::vector<GitOid> parents;
    TRY(read_beginnings(reader_, commits_, kCommitBeginningBytes,
                        [&](const SourceObject& commit, std::string_view text) -> Result<void> {
                          if (commit.missing) return {};
                          std::vector<GitOid> own = parse_parents(text);
                          parents.insert(parents.end(), own.begin(), own.end());
                          parents_of.emplace(commit.oid, std::move(own));
                          return {};
                        }));
    commits_.clear();
    std::sort(parents.begin(), parents.end());
    parents.erase(std::unique(parents.begin(), parents.end()), parents.end());
    std::set<GitOid> missing;
    TRY(look_up(reader_, parents, [&](const SourceObject& parent) -> Result<void> {
      if (parent.missing) missing.insert(parent.oid);
      return {};
    }));
    if (missing.empty()) return {};
    for (const auto& [commit, own] : parents_of) {
      SplitParents split;
      for (const GitOid& parent : own) {
        (missing.count(parent) > 0 ? split.missing : split.present).push_back(parent);
      }
      if (!split.missing.empty()) found_.emplace(commit, std::move(split));
    }
    return {};
  }

  [[nodiscard]] std::map<GitOid, SplitParents>& found() { return found_; }

 private:
  ObjectReader& reader_;
  const std::vector<GitOid>& shallow_;
  std::vector<GitOid> commits_;
  std::map<GitOid, SplitParents> found_;
};

}  // namespace

Result<std::map<GitOid, SplitParents>> find_missing_parents(GitProgram& git,
                                                            const std::string& what,
                                                            const std::vector<GitOid>& shallow) {
  const std::unique_ptr<ObjectReader> reader = TRY(ObjectReader::start(git, what));
  Search search(*reader, shallow);
  ChildProcess child = TRY(git.start({"cat-file", "--batch-all-objects", "--unordered", "--buffer",
                                      "--batch-check=%(objecttype) %(objectname)"},
                                     false));
  ChildOutput output(child);
  for (;;) {
    static constexpr std::string_view kPrefix = "commit ";
    const std::optional<std::string_view> line = TRY(output.line());
    if (!line) break;
    if (!line->starts_with(kPrefix)) continue;
    const GitOid commit = TRY(GitOid::from_hex(line->substr(kPrefix.size())));
    TRY(search.add(commit));
  }
  TRY(git.finish(child, fmt::format("listing the commits of {}", what)));
  TRY(search.check());
  TRY(reader->finish_requests());
  TRY(reader->next());
  return std::move(search.found());
}

std::string grafts_without_missing(const std::map<GitOid, SplitParents>& commits) {
  std::string grafts;
  for (const auto& [commit, parents] : commits) {
    grafts += commit.to_hex();
    for (const GitOid& parent : parents.present) {
      grafts += ' ';
      grafts += parent.to_hex();
    }
    grafts += '\n';
  }
  return grafts;
}

}  // namespace bale
