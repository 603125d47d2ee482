// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// `git rev-list --objects --missing=print`, and what it cannot do.
//
// It prints, a line each: OID (a commit), OID " " PATH (a tree or blob; a root's path is empty),
// "?" OID (missing; at the end). It dies of a missing tip and of a tag to a missing object, so tips
// are looked up and tags followed beforehand (tips.h). And it dies of a missing parent: "Failed to
// traverse parents". That is rare, and to look for it each time would cost a walk; so the walk
// simply runs, and if it fails we find all commits that lack parents (missing_parents.h), give git
// a grafts file in which they do not have them, and walk again. The same walk prints the same lines
// again up to where it failed: those are counted and passed over, and a digest makes sure of it.

#include "git/object_listing.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/try.h"
#include "git/child_output.h"
#include "git/git_lines.h"
#include "git/missing_parents.h"
#include "git/object_reader.h"
#include "git/tips.h"
#include "object/link_stream.h"
#include "object/printable.h"

namespace bale {
namespace {

constexpr std::size_t kListingPieceBytes = 64 << 10;

// FNV-1a, over lines that git made: it tells two walks apart, and need not withstand an attack.
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

// What git may have been at when it stopped: the object it printed last, and those above it. Git
// walks depth first and prints a tree before it reads the entries.
class OpenTrees {
 public:
  void add(const GitOid& oid, std::string_view path) {
    while (!stack_.empty() && !is_above(stack_.back().path, path)) stack_.pop_back();
    if (stack_.size() < kMost) stack_.push_back({oid, std::string(path)});
  }

  // The lowest of them that is a tree with a malformed entry, in words.
  Result<std::optional<std::string>> find_malformed(ObjectReader& reader) const {
    for (auto at = stack_.rbegin(); at != stack_.rend(); ++at) {
      TRY(reader.request(at->oid));
      const std::optional<SourceObject> object = TRY(reader.next());
      CHECK(object.has_value());
      if (object->missing || object->type != ObjectType::kTree) continue;
      LinkStream links(at->oid.hash(), ObjectType::kTree);
      const LinkVisitor ignore = [](const Link&) -> Result<void> { return {}; };
      std::vector<std::byte> piece(kListingPieceBytes);
      while (const std::size_t got = TRY(reader.read(piece))) {
        TRY(links.feed(Bytes(piece).first(got), ignore));
      }
      if (links.finish(ignore)) continue;
      return std::optional(
          fmt::format("tree {}{} is malformed", at->oid.to_hex(),
                      at->path.empty() ? "" : ", at path " + quoted_name(at->path) + ","));
    }
    return std::optional<std::string>();
  }

 private:
  static constexpr std::size_t kMost = 4096;

  struct Open {
    GitOid oid;
    std::string path;
  };

  // A path ends at a newline, so one below another may read the same.
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
    TRY(resolve(request));
    if (!walk_from_.empty()) TRY(walk());
    if (request.all_objects) TRY(list_database());
    return {};
  }

 private:
  Result<void> resolve(const ListRequest& request) {
    const std::unique_ptr<ObjectReader> reader = TRY(ObjectReader::start(git_, what_));
    const Tips include = TRY(resolve_tips(*reader, request.include));
    const Tips exclude = TRY(resolve_tips(*reader, request.exclude));
    TRY(reader->finish_requests());
    TRY(reader->next());
    std::set<GitOid> known(request.exclude.begin(), request.exclude.end());
    known.insert(exclude.tags.begin(), exclude.tags.end());
    for (const GitOid& tag : include.tags) {
      if (known.count(tag) > 0) continue;
      tags_.insert(tag);
      TRY(use_({.oid = tag, .path = {}}));
    }
    for (const GitOid& oid : include.missing) {
      if (known.count(oid) == 0) TRY(list_missing_once(oid));
    }
    walk_from_ = include.walkable;
    walk_until_ = exclude.walkable;
    return {};
  }

  Result<void> list_missing(const GitOid& oid) {
    return use_({.oid = oid, .path = {}, .missing = true});
  }

  // For tips and parents, which more than one may lead to. (What git prints as missing it prints
  // once, and in a partial clone that is too much to remember.)
  Result<void> list_missing_once(const GitOid& oid) {
    return missing_.insert(oid).second ? list_missing(oid) : Result<void>();
  }

  Result<void> walk() {
    const std::optional<Error> failure = TRY(walk_once());
    if (!failure) return {};
    Result<std::map<GitOid, SplitParents>> broken = find_missing_parents(git_, what_, shallow_);
    // Where that fails of the same damage, the walk has said more of it.
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

  // What git failed of, if it did. An Error of our own or of `use_` is the Result's.
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
    // Git's reason, if it has one, says more than that it stopped listening.
    if (!ended) return std::optional(std::move(ended).error());
    if (!fed) return std::move(fed).error();
    if (listed_.lines() < listed_before_.lines()) return changed();
    return std::optional<Error>();
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
      // A tree may name a tag as if it were a file; the tag was listed before.
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
      // "OID missing" is git's word for one that is there and cannot be read.
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
  std::set<GitOid> tags_;     // that were listed
  std::set<GitOid> missing_;  // tips and parents that were listed as missing
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
