// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// `git rev-list --objects --missing=print`, and its gaps.
//
// It prints, a line each: OID (a commit), OID " " PATH (a tree or blob; a root's path is empty),
// "?" OID (missing; at the end). It fails at a missing tip and at a tag of a missing object, so
// tips are looked up and tags followed beforehand (tips.h). It also fails at a missing parent:
// "Failed to traverse parents". That is rare, and searching for it each time would cost a walk. So
// if a walk fails, we find all commits that lack parents (missing_parents.h), remove these parents
// by a grafts file, and walk again. The second walk repeats the first one's lines: they are counted
// and skipped, and a digest checks that they are the same.

#include "git/source/object_listing.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "git/child/child_output.h"
#include "git/source/git_lines.h"
#include "git/source/missing_parents.h"
#include "git/source/object_reader.h"
#include "git/source/tips.h"
#include "object/link_stream.h"
#include "object/printable.h"

namespace bale {
namespace {

constexpr std::size_t kOutputBytes = 64 << 10;
constexpr std::size_t kMostMisnamed = 100'000;

// FNV-1a over git's lines: it compares two walks and need not withstand an attack.
class LineDigest {
 public:
  void add(std::string_view line) {
    for (const char c : line) step(static_cast<unsigned char>(c));
    step('\n');
    ++lines_;
  }

  [[nodiscard]] std::uint64_t lines() const { return lines_; }

  bool operator==(const LineDigest&) const = default;

 private:
  void step(std::uint64_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3; }

  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::uint64_t lines_ = 0;
};

// Visits the links of an object; false if it does not parse.
Result<bool> for_each_link_of(ObjectReader& reader, const GitOid& oid, const LinkVisitor& visit) {
  TRY(reader.request(oid));
  const std::optional<SourceObject> object = TRY(reader.next());
  CHECK(object.has_value());
  if (object->missing || object->type == ObjectType::kBlob) return true;
  LinkStream links(oid.hash(), object->type);
  std::vector<std::byte> piece(kOutputBytes);
  while (const std::size_t got = TRY(reader.read(piece))) {
    TRY(links.feed(Bytes(piece).first(got), visit));
  }
  const Result<void> parsed = links.finish(visit);
  if (!parsed && parsed.error().code != ErrorCode::kCorrupt) return parsed.error();
  return parsed.has_value();
}

// The trees that git may have been reading when it stopped: the object printed last, and those
// above it. Git walks depth first and prints a tree before reading its entries.
class OpenTrees {
 public:
  void add(const GitOid& oid, std::string_view path) {
    while (!stack_.empty() && !is_above(stack_.back().path, path)) stack_.pop_back();
    if (stack_.size() < kMost) stack_.push_back({oid, std::string(path)});
  }

  // Describes the lowest of them that has a malformed entry.
  Result<std::optional<std::string>> find_malformed(ObjectReader& reader) const {
    for (auto at = stack_.rbegin(); at != stack_.rend(); ++at) {
      const auto ignore = [](const Link&) -> Result<void> { return {}; };
      if (TRY(for_each_link_of(reader, at->oid, ignore))) continue;
      return fmt::format("tree {}{} is malformed", at->oid.to_hex(),
                         at->path.empty() ? "" : ", at path " + quoted_name(at->path) + ",");
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kMost = 4096;

  struct Open {
    GitOid oid;
    std::string path;
  };

  // A path ends at a newline, so a path below another may look the same.
  static bool is_above(std::string_view above, std::string_view path) {
    if (above.empty()) return !path.empty();
    return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
  }

  std::vector<Open> stack_;
};

class Listing {
 public:
  Listing(GitProgram& git, const std::string& what, const std::vector<GitOid>& shallow,
          const UseListed& use)
      : git_(git), what_(what), shallow_(shallow), use_(use) {}

  Result<void> run(const ListRequest& request) {
    TRY(list_misnamed(request.misnamed));
    TRY(resolve(request));
    if (!walk_from_.empty()) TRY(walk());
    if (request.all_objects) TRY(list_database());
    return {};
  }

 private:
  // Follows the objects' types, not those that links claim.
  Result<void> list_misnamed(const std::vector<GitOid>& roots) {
    if (roots.empty()) return {};
    const std::unique_ptr<ObjectReader> reader = TRY(ObjectReader::start(git_, what_));
    std::vector<GitOid> level = roots;
    while (!level.empty()) {
      std::vector<GitOid> fresh;
      for (const GitOid& oid : level) {
        if (misnamed_.size() >= kMostMisnamed && misnamed_.count(oid) == 0) {
          walk_from_.push_back(oid);
        } else if (misnamed_.insert(oid).second) {
          fresh.push_back(oid);
        }
      }
      level.clear();
      std::vector<GitOid> with_links;
      TRY(look_up(*reader, fresh, [&](const SourceObject& object) -> Result<void> {
        if (object.missing) return list_missing_once(object.oid);
        if (object.type != ObjectType::kBlob) with_links.push_back(object.oid);
        const bool has_path = object.type == ObjectType::kBlob || object.type == ObjectType::kTree;
        return use_({.oid = object.oid,
                     .path = has_path ? std::optional<std::string_view>("") : std::nullopt});
      }));
      for (const GitOid& oid : with_links) TRY(add_targets(*reader, oid, level));
    }
    TRY(reader->finish_requests());
    TRY(reader->next());
    return {};
  }

  // In a malformed object, the links before the error count.
  Result<void> add_targets(ObjectReader& reader, const GitOid& oid, std::vector<GitOid>& targets) {
    const bool cut = std::binary_search(shallow_.begin(), shallow_.end(), oid);
    TRY_VOID(for_each_link_of(reader, oid, [&](const Link& link) -> Result<void> {
      if (!link.submodule && !(cut && link.is_parent)) targets.push_back(link.oid);
      return {};
    }));
    return {};
  }

  Result<void> resolve(const ListRequest& request) {
    const std::unique_ptr<ObjectReader> reader = TRY(ObjectReader::start(git_, what_));
    const Tips include = TRY(resolve_tips(*reader, request.include));
    const Tips exclude = TRY(resolve_tips(*reader, request.exclude));
    TRY(reader->finish_requests());
    TRY(reader->next());
    std::set<GitOid> known(request.exclude.begin(), request.exclude.end());
    known.insert(exclude.tags.begin(), exclude.tags.end());
    for (const GitOid& tag : include.tags) {
      if (known.count(tag) > 0 || misnamed_.count(tag) > 0) continue;
      tags_.insert(tag);
      TRY(use_({.oid = tag, .path = {}}));
    }
    for (const GitOid& oid : include.missing) {
      if (known.count(oid) == 0) TRY(list_missing_once(oid));
    }
    walk_from_.insert(walk_from_.end(), include.walkable.begin(), include.walkable.end());
    walk_until_ = exclude.walkable;
    return {};
  }

  Result<void> list_missing(const GitOid& oid) {
    return use_({.oid = oid, .path = {}, .missing = true});
  }

  // For tips and parents, which may have several links. (Git prints other missing objects once, and
  // a partial clone has too many to remember.)
  Result<void> list_missing_once(const GitOid& oid) {
    return missing_.insert(oid).second ? list_missing(oid) : Result<void>();
  }

  Result<void> walk() {
    const std::optional<Error> failure = TRY(walk_once());
    if (!failure) return {};
    Result<std::map<GitOid, SplitParents>> broken = find_missing_parents(git_, what_, shallow_);
    // If that fails for the same damage, the walk's message says more.
    if (!broken && broken.error().code == ErrorCode::kIncomplete) return explained(*failure);
    broken_ = TRY(std::move(broken));
    if (broken_.empty()) return explained(*failure);
    open_trees_ = {};
    TRY(git_.scratch().write("info/grafts", grafts_without_missing(broken_)));
    listed_before_ = listed_;
    listed_ = LineDigest();
    const Result<std::optional<Error>> again = walk_once();
    git_.scratch().remove("info/grafts");
    if (!again) return again.error();
    if (*again) return explained(**again);
    return {};
  }

  // Git does not say which tree is malformed.
  Error explained(const Error& failure) {
    const auto malformed = [&]() -> Result<std::optional<std::string>> {
      const std::unique_ptr<ObjectReader> reader = TRY(ObjectReader::start(git_, what_));
      std::optional<std::string> words = TRY(open_trees_.find_malformed(*reader));
      TRY(reader->finish_requests());
      TRY(reader->next());
      return words;
    }();
    if (!malformed || !*malformed) return failure;
    return {failure.code, failure.message + "; " + **malformed};
  }

  // Git's failure, if any. Our own errors and those of `use_` are the Result's.
  Result<std::optional<Error>> walk_once() {
    ChildProcess child =
        TRY(git_.start({"rev-list", "--objects", "--missing=print", "--stdin"}, true));
    Result<void> fed = feed(child);
    if (!fed && fed.error().code == ErrorCode::kInterrupted) return std::move(fed).error();
    child.close_stdin();
    ChildOutput output(child);
    for (;;) {
      const std::optional<std::string_view> line = TRY(output.line());
      if (!line) break;
      TRY(take_line(*line));
    }
    Result<void> ended = git_.finish(child, fmt::format("listing the objects of {}", what_));
    if (!ended && ended.error().code != ErrorCode::kIncomplete) return std::move(ended).error();
    // Git's reason, if any, says more than a closed pipe.
    if (!ended) return std::optional(std::move(ended).error());
    if (!fed) return std::move(fed).error();
    if (listed_.lines() < listed_before_.lines()) return changed();
    return std::nullopt;
  }

  Result<void> feed(ChildProcess& child) const {
    static constexpr std::size_t kLineBytes = 64 << 10;
    std::string lines;
    for (const auto& [prefix, oids] : {std::pair("", &walk_from_), std::pair("^", &walk_until_)}) {
      for (const GitOid& oid : *oids) {
        lines += prefix;
        lines += oid.to_hex();
        lines += '\n';
        if (lines.size() < kLineBytes) continue;
        TRY(child.write(as_bytes(lines)));
        lines.clear();
      }
    }
    return child.write(as_bytes(lines));
  }

  Result<void> take_line(std::string_view line) {
    const std::optional<ListedLine> listed = parse_listed_line(line);
    if (!listed) return unreadable(line);
    const GitOid& oid = listed->oid;
    if (listed->missing) {
      return missing_.count(oid) == 0 ? list_missing(oid) : Result<void>();
    }
    listed_.add(line);
    if (listed->path) open_trees_.add(oid, *listed->path);
    if (tags_.count(oid) > 0) {
      // A tree may list a tag as a file; the tag was listed before.
    } else if (misnamed_.count(oid) > 0) {
      // Listed before, too.
    } else if (listed_.lines() > listed_before_.lines()) {
      TRY(use_({.oid = oid, .path = listed->path}));
    } else if (listed_.lines() == listed_before_.lines() && listed_ != listed_before_) {
      return changed();
    }
    const auto broken = broken_.find(oid);
    if (broken == broken_.end()) return {};
    for (const GitOid& parent : broken->second.missing) TRY(list_missing_once(parent));
    return {};
  }

  Result<void> list_database() {
    ChildProcess child = TRY(git_.start({"cat-file", "--batch-all-objects", "--unordered",
                                         "--buffer", "--batch-check=%(objectname)"},
                                        false));
    ChildOutput output(child);
    for (;;) {
      const std::optional<std::string_view> line = TRY(output.line());
      if (!line) break;
      // git also says "OID missing" of an object that exists but cannot be read.
      const GitOid oid = TRY(parse_oid(line->substr(0, line->find(' '))));
      TRY(use_({.oid = oid, .path = {}, .from_database = true}));
    }
    return git_.finish(child, fmt::format("listing the object database of {}", what_));
  }

  [[nodiscard]] Result<GitOid> parse_oid(std::string_view hex) const {
    Result<GitOid> oid = GitOid::from_hex(hex);
    return oid ? oid : unreadable(hex);
  }

  [[nodiscard]] Error unreadable(std::string_view line) const {
    return fail(ErrorCode::kIncomplete, "listing the objects of {}: git printed \"{}\"", what_,
                line);
  }

  [[nodiscard]] Error changed() const {
    return fail(ErrorCode::kIncomplete, "{} changed while its objects were listed (try again)",
                what_);
  }

  GitProgram& git_;
  const std::string& what_;
  const std::vector<GitOid>& shallow_;
  const UseListed& use_;
  std::vector<GitOid> walk_from_;
  std::vector<GitOid> walk_until_;
  std::set<GitOid> misnamed_;  // and the objects below them
  std::set<GitOid> tags_;      // that were listed
  std::set<GitOid> missing_;   // tips and parents that were listed as missing
  std::map<GitOid, SplitParents> broken_;
  OpenTrees open_trees_;
  LineDigest listed_;
  LineDigest listed_before_;  // by the walk that failed
};

}  // namespace

Result<void> list_repository_objects(GitProgram& git, const std::string& what,
                                     const std::vector<GitOid>& shallow, const ListRequest& request,
                                     const UseListed& use) {
  return Listing(git, what, shallow, use).run(request);
}

}  // namespace bale
