// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The grammar of ref files:
//
//   loose ref     HEX or "ref:" SPACES NAME, then white space; or a symlink to "refs/..."
//   packed-refs   lines: "#..." | HEX " " NAME | "^" HEX (what the tag above leads to)
//   shallow       lines: HEX
//
// A loose ref overrides a packed one of the same name. As git does, files in refs/ whose name
// starts with "." or ends in ".lock" are passed over: they are not refs.

#include "git/ref_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "bale/archive_name.h"
#include "base/error.h"
#include "base/try.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLooseRefLimitBytes = 64 << 10;
constexpr std::uint64_t kPackedRefsLimitBytes = 1 << 30;  // some ten million refs
constexpr int kSymrefDepth = 5;                           // git's own

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
  RefReader(const RepositoryPaths& paths, GitHash hash) : paths_(paths), hash_(hash) {}

  Result<RefSnapshot> read() {
    // First, so that the branch it names was there when the refs are read, unless it goes
    // meanwhile.
    const Value head = TRY(read_head());
    TRY(read_directory(paths_.common_dir, "refs"));
    if (paths_.common_dir != paths_.git_dir) {
      for (const std::string_view name : kWorktreeRefs) {
        TRY(read_directory(paths_.git_dir, std::string(name)));
      }
    }
    TRY(read_packed());
    resolve_symrefs();
    snapshot_.head = head.target.empty() ? head.oid->to_hex() : "ref: " + head.target;
    snapshot_.head_oid = head.target.empty() ? head.oid : resolve(head.target);
    snapshot_.shallow = TRY(read_shallow());
    return std::move(snapshot_);
  }

  Result<std::vector<GitOid>> read_shallow() const {
    const std::string path = paths_.common_dir + "/shallow";
    std::vector<GitOid> shallow;
    const Result<std::string> content = read_small_file(path, kPackedRefsLimitBytes);
    if (!content && content.error().code == ErrorCode::kNotFound) return shallow;
    if (!content) return content.error();
    TRY(for_each_line(*content, [&](std::string_view line) -> Result<void> {
      const std::optional<GitOid> oid = parse_oid(trim(line));
      if (!oid) return broken(path, fmt::format("not a well-formed line: {}", line));
      shallow.push_back(*oid);
      return {};
    }));
    std::sort(shallow.begin(), shallow.end());
    return shallow;
  }

 private:
  // What one ref file says: an object id, or the name of another ref.
  struct Value {
    std::optional<GitOid> oid;
    std::string target;
  };

  static Error broken(const std::string& path, std::string_view why) {
    return fail(ErrorCode::kIncomplete, "{}: {} (repair or remove the ref)", path, why);
  }

  // An id of this repository's hash, and not the null id, which stands for no object.
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
      if (!check_ref_name(target)) return broken(path, "not a well-formed symbolic ref");
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
    return head;
  }

  Result<void> read_loose(const std::string& path, const std::string& name) {
    Result<Value> value = read_value(path);
    if (!value && value.error().code == ErrorCode::kNotFound) {
      std::error_code error;
      const fs::file_type type = fs::symlink_status(path, error).type();
      if (type == fs::file_type::none) {
        return fail(ErrorCode::kIo, "cannot look at {}: {}", path, error.message());
      }
      if (type == fs::file_type::symlink) return broken(path, "a symlink that leads nowhere");
      // Deleted since we saw its name, or packed, and then it is in packed-refs by now.
      return {};
    }
    if (!value) return std::move(value).error();
    if (!check_ref_name(name)) return broken(path, "Git does not allow this name for a ref");
    if (value->oid) {
      snapshot_.refs.insert_or_assign(name, *value->oid);
    } else {
      snapshot_.symrefs.insert_or_assign(name, value->target);
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
    const Result<std::string> content = read_small_file(path, kPackedRefsLimitBytes);
    if (!content && content.error().code == ErrorCode::kNotFound) return {};
    if (!content) return content.error();
    if (!content->empty() && !content->ends_with('\n')) {
      return broken(path, "cut off in the middle of a line");
    }
    return for_each_line(*content, [&](std::string_view line) -> Result<void> {
      if (line.empty() || line.starts_with('#') || line.starts_with('^')) return {};
      const std::size_t digits = 2 * oid_bytes(hash_);
      const std::optional<GitOid> oid = parse_oid(line.substr(0, digits));
      if (!oid || line.size() <= digits || line[digits] != ' ') {
        return broken(path, fmt::format("not a well-formed line: {}", line));
      }
      const std::string name(line.substr(digits + 1));
      if (!check_ref_name(name)) {
        return broken(path, fmt::format("Git does not allow this name for a ref: {}", name));
      }
      if (snapshot_.symrefs.count(name) == 0) snapshot_.refs.emplace(name, *oid);
      return {};
    });
  }

  // Follows symbolic refs from `name`; nothing if they lead nowhere, or in a circle.
  [[nodiscard]] std::optional<GitOid> resolve(std::string name) const {
    for (int depth = 0; depth <= kSymrefDepth; ++depth) {
      const auto next = snapshot_.symrefs.find(name);
      if (next == snapshot_.symrefs.end()) {
        const auto found = snapshot_.refs.find(name);
        return found == snapshot_.refs.end() ? std::nullopt : std::optional(found->second);
      }
      name = next->second;
    }
    return std::nullopt;
  }

  void resolve_symrefs() {
    for (const auto& [name, target] : snapshot_.symrefs) {
      const std::optional<GitOid> oid = resolve(target);
      if (oid) snapshot_.refs.insert_or_assign(name, *oid);
    }
  }

  const RepositoryPaths& paths_;
  const GitHash hash_;
  RefSnapshot snapshot_;
};

}  // namespace

Result<RefSnapshot> read_refs(const RepositoryPaths& paths, GitHash hash) {
  return RefReader(paths, hash).read();
}

Result<std::vector<GitOid>> read_shallow(const RepositoryPaths& paths, GitHash hash) {
  return RefReader(paths, hash).read_shallow();
}

}  // namespace bale
