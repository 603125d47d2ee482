// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The grammar of ref files:
//
//   loose ref     HEX or "ref:" SPACES TARGET, then white space; or a symlink to "refs/..."
//   packed-refs   lines: "#..." | HEX " " NAME | "^" HEX (the target of the tag above)
//   shallow       lines: HEX
//
// A loose ref overrides a packed one of the same name. Like git, skips files in refs/ whose name
// starts with "." or ends in ".lock": they are not refs.
//
// TARGET is a full ref name or "HEAD". Git also looks up any other name in the git directory; if
// there is no such file, the ref dangles and is archived so. If it is a pseudo ref (FETCH_HEAD,
// ORIG_HEAD), which is not archived, the ref is archived with the resolved value.

#include "git/source/ref_files.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "bale/archive_name.h"
#include "base/error.h"
#include "base/try.h"
#include "git/source/ref_names.h"
#include "scratch/line_sorter.h"
#include "store/core/ref_lines.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLooseRefLimitBytes = 64 << 10;
constexpr std::uint64_t kShallowLimitBytes = 1 << 30;
constexpr std::size_t kSortBytes = 4 << 20;

// A loose ref sorts before a packed one of its name.
constexpr char kLoose = '0';
constexpr char kPacked = '1';

constexpr int kSymrefDepth = 5;  // git's own
constexpr std::size_t kBadRefsKept = 1000;
constexpr std::size_t kBadRefsShown = 10;
constexpr std::size_t kShownLineBytes = 80;

// These belong to one work tree; everything else is common to all.
constexpr std::string_view kWorktreeRefs[] = {"refs/bisect", "refs/worktree", "refs/rewritten"};

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_worktree_ref(std::string_view name) {
  return std::any_of(std::begin(kWorktreeRefs), std::end(kWorktreeRefs), [&](std::string_view own) {
    return name.starts_with(own) && name.substr(own.size()).starts_with('/');
  });
}

// Calls `use` for each line; the last one may lack its newline.
template <typename Use>
Result<void> for_each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    TRY(use(line));
  }
  return {};
}

class RefReader {
 public:
  RefReader(const RepositoryPaths& paths, GitHash hash, const std::string& scratch_directory)
      : paths_(paths),
        hash_(hash),
        scratch_directory_(scratch_directory),
        sorter_(posix_file_system(), scratch_directory_, kSortBytes) {}

  Result<RefSnapshot> read(BadRefs bad_refs) {
    // First, so that its branch existed when the refs are read, unless it is deleted meanwhile.
    head_ = TRY(read_head());
    TRY(read_directory(paths_.common_dir, "refs"));
    if (paths_.common_dir != paths_.git_dir) {
      for (const std::string_view name : kWorktreeRefs) {
        TRY(read_directory(paths_.git_dir, std::string(name)));
      }
    }
    TRY(read_packed());
    TRY(sort_refs());
    TRY(read_other_worktrees());
    TRY(add_others());
    std::sort(snapshot_.bad_refs.begin(), snapshot_.bad_refs.end());
    if (bad_refs == BadRefs::kRefuse && !snapshot_.bad_refs.empty()) return bad_refs_error();
    snapshot_.head = head_.target.empty() ? head_.oid->to_hex() : "ref: " + head_.target;
    snapshot_.head_oid = resolve("HEAD");
    snapshot_.shallow = TRY(read_shallow());
    return std::move(snapshot_);
  }

  Result<std::vector<GitOid>> read_shallow() const {
    const std::string path = paths_.common_dir + "/shallow";
    std::vector<GitOid> shallow;
    const Result<std::string> content = read_small_file(path, kShallowLimitBytes);
    if (!content && content.error().code == ErrorCode::kNotFound) return shallow;
    if (!content) return content.error();
    TRY(for_each_line(*content, [&](std::string_view line) -> Result<void> {
      const std::optional<GitOid> oid = parse_oid(trim(line));
      if (!oid) return broken(path, bad_line(line));
      shallow.push_back(*oid);
      return {};
    }));
    std::sort(shallow.begin(), shallow.end());
    return shallow;
  }

 private:
  // The content of a ref file: an object id, or the name of another ref.
  struct Value {
    std::optional<GitOid> oid;
    std::string target;
  };

  static Error broken(const std::string& path, std::string_view why) {
    return fail(ErrorCode::kIncomplete, "{}: {}", path, why);
  }

  static std::string bad_line(std::string_view line) {
    return fmt::format("not a well-formed line: {}{}", line.substr(0, kShownLineBytes),
                       line.size() > kShownLineBytes ? "..." : "");
  }

  void note_bad(std::string sentence) {
    if (snapshot_.bad_refs.size() < kBadRefsKept) {
      snapshot_.bad_refs.push_back(std::move(sentence));
    } else {
      ++snapshot_.bad_refs_omitted;
    }
  }

  [[nodiscard]] Error bad_refs_error() const {
    const std::vector<std::string>& bad = snapshot_.bad_refs;
    const std::uint64_t count = bad.size() + snapshot_.bad_refs_omitted;
    std::string shown;
    for (std::size_t i = 0; i < std::min(bad.size(), kBadRefsShown); ++i) {
      shown += (i == 0 ? "" : "; ") + bad[i];
    }
    if (count > kBadRefsShown) shown += fmt::format("; and {} more", count - kBadRefsShown);
    return fail(ErrorCode::kIncomplete, {HintKind::kSkipBadRefs}, "{}: {} cannot be read: {}",
                paths_.git_dir, count == 1 ? "1 ref" : fmt::format("{} refs", count), shown);
  }

  // Parses an id of this repository's hash; nullopt for the null id.
  [[nodiscard]] std::optional<GitOid> parse_oid(std::string_view hex) const {
    if (hex.size() != 2 * oid_bytes(hash_)) return std::nullopt;
    if (hex.find_first_not_of('0') == std::string_view::npos) return std::nullopt;
    const Result<GitOid> oid = GitOid::from_hex(hex);
    if (!oid) return std::nullopt;
    return *oid;
  }

  // kNotFound if the file has gone.
  [[nodiscard]] Result<Value> read_value(const std::string& path) const {
    std::error_code error;
    const fs::path link = fs::read_symlink(path, error);
    if (!error && link.string().starts_with("refs/") && check_ref_name(link.string())) {
      return Value{.oid = std::nullopt, .target = link.string()};
    }
    const std::string content = TRY(read_small_file(path, kLooseRefLimitBytes));
    if (content.starts_with("ref:")) {
      const std::string_view target = trim(std::string_view(content).substr(4));
      if (!check_symref_target(target)) return broken(path, "not a well-formed symbolic ref");
      return Value{.oid = std::nullopt, .target = std::string(target)};
    }
    const std::size_t digits = 2 * oid_bytes(hash_);
    const std::optional<GitOid> oid = parse_oid(std::string_view(content).substr(0, digits));
    if (!oid || (content.size() > digits && !is_space(content[digits]))) {
      return broken(path, "not a well-formed ref");
    }
    return Value{.oid = oid, .target = {}};
  }

  Result<Value> read_head() const {
    const std::string path = paths_.git_dir + "/HEAD";
    Result<Value> head = read_value(path);
    if (!head && head.error().code == ErrorCode::kNotFound) {
      return broken(path, "HEAD is not there");
    }
    const bool bad_target = head && !head->target.empty() && !check_ref_name(head->target);
    if (bad_target || (!head && head.error().code == ErrorCode::kIncomplete)) {
      return fail(ErrorCode::kIncomplete, "{} (write \"ref: refs/heads/BRANCH\" into it)",
                  head ? path + ": it does not lead to a ref" : head.error().message);
    }
    return head;
  }

  // Whether a symbolic ref's target is outside refs/: MERGE_HEAD, say.
  [[nodiscard]] bool is_outside_refs(const std::string& target) const {
    if (target.empty() || target == "HEAD" || target.starts_with("refs/")) return false;
    std::error_code ignored;
    return fs::exists(fs::path(paths_.git_dir) / target, ignored) ||
           fs::exists(fs::path(paths_.common_dir) / target, ignored);
  }

  // Follows symbolic refs through files outside refs/. kIncomplete if one of these is not a ref.
  [[nodiscard]] Result<Value> leave_pseudo_refs(const std::string& path, Value value) const {
    for (int depth = 0; is_outside_refs(value.target); ++depth) {
      Result<Value> next = read_value(paths_.git_dir + "/" + value.target);
      const bool is_no_ref = !next && (next.error().code == ErrorCode::kIncomplete ||
                                       next.error().code == ErrorCode::kNotFound);
      if (is_no_ref || depth == kSymrefDepth) {
        return broken(path, fmt::format("a symbolic ref to {}, which is no ref", value.target));
      }
      value = TRY(std::move(next));
    }
    return value;
  }

  Result<void> read_loose(const std::string& path, const std::string& name) {
    Result<Value> value = read_value(path);
    if (value && check_ref_name(name)) value = leave_pseudo_refs(path, std::move(*value));
    if (!value && value.error().code == ErrorCode::kNotFound) {
      std::error_code error;
      const fs::file_type type = fs::symlink_status(path, error).type();
      if (type == fs::file_type::none) {
        return fail(ErrorCode::kIo, "cannot look at {}: {}", path, error.message());
      }
      // Otherwise it was deleted, or moved to packed-refs, since we saw its name.
      if (type == fs::file_type::symlink) note_bad(path + ": a symlink that leads nowhere");
      return {};
    }
    if (!value && value.error().code == ErrorCode::kIncomplete) {
      if (snapshot_.bad_refs.size() < kBadRefsKept) bad_at_[name] = snapshot_.bad_refs.size();
      note_bad(std::move(value).error().message);
      return {};
    }
    if (!value) return std::move(value).error();
    if (!check_ref_name(name)) {
      note_bad(path + ": Git does not allow this name for a ref");
    } else if (value->oid) {
      return sorter_.add(fmt::format("{} {} {}", name, kLoose, value->oid->to_hex()));
    } else {
      symrefs_.insert_or_assign(name, value->target);
    }
    return {};
  }

  [[nodiscard]] bool is_anothers(const std::string& root, const std::string& name) const {
    return root != paths_.git_dir && std::find(std::begin(kWorktreeRefs), std::end(kWorktreeRefs),
                                               name) != std::end(kWorktreeRefs);
  }

  Result<void> read_directory(const std::string& root, const std::string& name) {
    std::error_code error;
    fs::directory_iterator entries;
    do {
      entries = fs::directory_iterator(fs::path(root) / name, error);
    } while (error == std::errc::interrupted);
    if (error == std::errc::no_such_file_or_directory) return {};
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
      const std::string file = entries->path().filename().string();
      if (file.starts_with('.') || file.ends_with(".lock")) continue;
      const std::string child = fmt::format("{}/{}", name, file);
      std::error_code ignored;
      if (!entries->is_directory(ignored)) {
        TRY(read_loose(entries->path().string(), child));
      } else if (!is_anothers(root, child)) {
        TRY(read_directory(root, child));
      }
    }
    if (error) return fail(ErrorCode::kIo, "cannot list {}/{}: {}", root, name, error.message());
    return {};
  }

  Result<void> read_packed() {
    const std::string path = paths_.common_dir + "/packed-refs";
    const Result<std::unique_ptr<File>> file = posix_file_system().open(path);
    if (!file && file.error().code == ErrorCode::kNotFound) return {};
    if (!file) return file.error();
    std::uint64_t size = TRY((*file)->size());
    ScratchText::Lines lines(**file, size);
    lines.cut_long_lines();
    std::byte last{'\n'};
    if (size > 0) TRY((*file)->read_at(size - 1, MutableBytes(&last, 1)));
    std::optional<std::string_view> line = TRY(lines.next());
    for (std::uint64_t number = 0; line; ++number) {
      const std::string text(*line);
      line = TRY(lines.next());
      if (line || last == std::byte{'\n'}) {
        TRY(add_packed(path, text, number));
      } else {
        note_bad(path + ": cut off in the middle of a line");
      }
    }
    return {};
  }

  // Of lines with one name, the first counts.
  Result<void> add_packed(const std::string& path, std::string_view line, std::uint64_t number) {
    if (line.empty() || line.starts_with('#') || line.starts_with('^')) return {};
    const std::size_t digits = 2 * oid_bytes(hash_);
    const std::optional<GitOid> oid = parse_oid(line.substr(0, digits));
    if (!oid || line.size() <= digits || line[digits] != ' ') {
      note_bad(fmt::format("{}: {}", path, bad_line(line)));
      return {};
    }
    const std::string name(line.substr(digits + 1));
    if (!check_ref_name(name)) {
      note_bad(fmt::format("{}: Git does not allow this name for a ref: {}", path,
                           std::string_view(name).substr(0, kShownLineBytes)));
      return {};
    }
    if (const auto bad = bad_at_.find(name); bad != bad_at_.end()) {
      snapshot_.bad_refs[bad->second] += " (packed-refs has an older value)";
      bad_at_.erase(bad);
    }
    return sorter_.add(fmt::format("{} {} {:016x} {}", name, kPacked, number, oid->to_hex()));
  }

  // The last name to which symbolic refs from `name` lead: that of a ref, or "HEAD" if HEAD is
  // detached; empty for a cycle.
  [[nodiscard]] std::string last_name(std::string name) const {
    for (int depth = 0; depth <= kSymrefDepth + 1; ++depth) {
      if (name == "HEAD") {
        if (head_.oid) return name;
        name = head_.target;
        continue;
      }
      const auto next = symrefs_.find(name);
      if (next == symrefs_.end()) return name;
      name = next->second;
    }
    return {};
  }

  // nullopt if symbolic refs from `name` dangle or form a cycle.
  [[nodiscard]] std::optional<GitOid> resolve(const std::string& name) const {
    const std::string last = last_name(name);
    if (last == "HEAD") return head_.oid;
    const auto found = values_.find(last);
    return found == values_.end() ? std::nullopt : found->second;
  }

  // "refs/worktrees" of "refs/worktrees/a/HEAD".
  static std::string first_two(const std::string& name) {
    return name.substr(0, name.find('/', std::min(name.find('/'), name.size() - 1) + 1));
  }

  // All refs but symbolic ones, with the values that symbolic ones need.
  Result<void> sort_refs() {
    values_.emplace(last_name("HEAD"), std::nullopt);
    for (const auto& [name, target] : symrefs_) {
      values_.emplace(last_name(target), std::nullopt);
      directories_.insert(first_two(name));
    }
    RefListBuilder refs(posix_file_system(), scratch_directory_, hash_);
    TRY(sorter_.sort());
    std::string last;
    while (const std::optional<std::string_view> line = TRY(sorter_.next())) {
      std::string name(line->substr(0, line->find(' ')));
      if (name == last) continue;
      const GitOid oid = TRY(GitOid::from_hex(line->substr(line->rfind(' ') + 1)));
      if (name.starts_with("refs/worktrees") || name.starts_with("refs/main-worktree")) {
        directories_.insert(first_two(name));
      }
      if (const auto wanted = values_.find(name); wanted != values_.end()) wanted->second = oid;
      if (!symrefs_.contains(name)) TRY(refs.add({.name = name, .oid = oid, .target = {}}));
      last = std::move(name);
    }
    snapshot_.refs = refs.finish();
    return {};
  }

  // Adds symbolic refs, and HEADs of other work trees.
  Result<void> add_others() {
    std::map<std::string, Ref> others;
    for (const auto& [name, oid] : heads_) others.emplace(name, Ref{name, oid, {}});
    for (const auto& [name, target] : symrefs_) {
      others.insert_or_assign(name, Ref{name, resolve(target), target});
    }
    if (others.empty()) return {};
    RefListBuilder all(posix_file_system(), scratch_directory_, hash_);
    RefList::Reader reader(snapshot_.refs);
    std::optional<Ref> ref = TRY(reader.next());
    for (const auto& [name, other] : others) {
      for (; ref && ref->name < name; ref = TRY(reader.next())) TRY(all.add(*ref));
      TRY(all.add(other));
    }
    for (; ref; ref = TRY(reader.next())) TRY(all.add(*ref));
    snapshot_.refs = all.finish();
    return {};
  }

  // The commit of a work tree's HEAD, if no shared ref need hold it: nullopt if HEAD names a shared
  // ref or dangles. kNotFound if there is no HEAD.
  [[nodiscard]] Result<std::optional<GitOid>> read_own_head(const std::string& git_dir) const {
    Value value = TRY(read_value(git_dir + "/HEAD"));
    for (int depth = 0; depth <= kSymrefDepth; ++depth) {
      if (value.oid) return value.oid;
      if (!is_worktree_ref(value.target)) break;
      Result<Value> next = read_value(git_dir + "/" + value.target);
      if (!next && next.error().code == ErrorCode::kNotFound) break;
      value = TRY(std::move(next));
    }
    return std::nullopt;
  }

  Result<void> add_own_head(const std::string& git_dir, const std::string& ref) {
    const Result<std::optional<GitOid>> oid = read_own_head(git_dir);
    if (!oid && oid.error().code == ErrorCode::kIncomplete) {
      note_bad(oid.error().message);
    } else if (!oid && oid.error().code != ErrorCode::kNotFound) {
      return oid.error();
    } else if (oid && *oid) {
      heads_.emplace(ref, **oid);
    }
    return {};
  }

  // `name`, or with a number if the source has a ref of this name or below it.
  [[nodiscard]] std::string unused_directory(const std::string& name) const {
    std::string directory = name;
    for (int number = 2; directories_.contains(directory); ++number) {
      directory = fmt::format("{}-{}", name, number);
    }
    return directory;
  }

  Result<void> read_other_worktrees() {
    const std::string main_ref = unused_directory("refs/main-worktree") + "/HEAD";
    const std::string linked = unused_directory("refs/worktrees") + "/";
    if (paths_.common_dir != paths_.git_dir) TRY(add_own_head(paths_.common_dir, main_ref));
    const std::string directory = paths_.common_dir + "/worktrees";
    std::error_code error;
    fs::directory_iterator entries;
    do {
      entries = fs::directory_iterator(directory, error);
    } while (error == std::errc::interrupted);
    if (error == std::errc::no_such_file_or_directory) return {};
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
      const std::string name = entries->path().filename().string();
      const std::string git_dir = entries->path().string();
      if (git_dir == paths_.git_dir) continue;
      TRY(add_own_head(git_dir, linked + ref_component(name) + "/HEAD"));
    }
    if (error) return fail(ErrorCode::kIo, "cannot list {}: {}", directory, error.message());
    return {};
  }

  const RepositoryPaths& paths_;
  const GitHash hash_;
  const std::string scratch_directory_;
  Value head_;
  RefSnapshot snapshot_;
  LineSorter sorter_;                           // "NAME 0 HEX" or "NAME 1 LINE HEX"
  std::map<std::string, std::string> symrefs_;  // name to target
  std::map<std::string, GitOid> heads_;         // of other work trees, by the refs they become
  std::map<std::string, std::optional<GitOid>> values_;  // of refs that symbolic refs lead to
  std::set<std::string> directories_;                    // that those HEADs could share
  std::map<std::string, std::size_t> bad_at_;            // loose refs that are in bad_refs, by name
};

}  // namespace

Result<RefSnapshot> read_refs(const RepositoryPaths& paths, GitHash hash,
                              const std::string& scratch_directory, BadRefs bad_refs) {
  return RefReader(paths, hash, scratch_directory).read(bad_refs);
}

Result<std::vector<GitOid>> read_shallow(const RepositoryPaths& paths, GitHash hash) {
  return RefReader(paths, hash, {}).read_shallow();
}

}  // namespace bale
