// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Repository discovery.
//
// A directory is a git directory if it has HEAD, and objects/ and refs/ there or in the directory
// that its file `commondir` names (a linked work tree's has that). From the given path upwards,
// each directory is checked for `.git` (a git directory, or a file "gitdir: PATH") and then for
// being one itself.
//
// `git config --file` reads the configuration; it runs no commands and, with an option, includes no
// files. A second parser might disagree, and a wrong hash would be fatal.

#include "git/source/repository.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "git/child/child_output.h"
#include "git/child/git_program.h"
#include "git/child/unique_fd.h"
#include "io/posix_file.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSmallFileBytes = 1 << 20;
constexpr std::uint64_t kConfigLimitBytes = 16 << 20;

// Like git, strips only line ends from a path in a file: a path may end in spaces.
std::string_view without_line_end(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// An unreadable path is not treated as missing: the search would continue, perhaps to a wrong
// repository.
Result<fs::file_status> known(const fs::file_status& status, const fs::path& path,
                              const std::error_code& error) {
  if (status.type() != fs::file_type::none) return status;
  return fail(ErrorCode::kIo, "cannot look at {}: {}", path.string(), error.message());
}

Result<bool> is_a(fs::file_type type, const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return TRY(known(status, path, error)).type() == type;
}

Result<bool> is_a_directory(const fs::path& path) {
  return is_a(fs::file_type::directory, path);
}

Result<bool> is_a_file(const fs::path& path) {
  return is_a(fs::file_type::regular, path);
}

// HEAD may be a dangling symlink: into refs/, to a branch that is not born yet.
Result<bool> has_head(const fs::path& directory) {
  const fs::path head = directory / "HEAD";
  std::error_code error;
  const fs::file_status status = TRY(known(fs::symlink_status(head, error), head, error));
  return fs::is_regular_file(status) || fs::is_symlink(status);
}

// The real path; symlinks are resolved before "..".
Result<std::string> real_path(const fs::path& path) {
  if (path.empty())
    return fail(ErrorCode::kInvalidArgument, "an empty path is not a Git repository");
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error) return fail(ErrorCode::kIncomplete, "{}: {}", path.string(), error.message());
  return real.string();
}

Result<fs::path> common_directory(const fs::path& git_dir) {
  const fs::path file = git_dir / "commondir";
  if (!TRY(is_a_file(file))) return git_dir;
  const std::string content = TRY(read_small_file(file.string(), kSmallFileBytes));
  return git_dir / without_line_end(content);
}

Result<std::optional<RepositoryPaths>> as_git_directory(const fs::path& directory) {
  if (!TRY(has_head(directory))) return std::nullopt;
  const fs::path common = TRY(common_directory(directory));
  if (!TRY(is_a_directory(common / "objects")) || !TRY(is_a_directory(common / "refs"))) {
    return std::nullopt;
  }
  RepositoryPaths paths;
  paths.git_dir = TRY(real_path(directory));
  paths.common_dir = TRY(real_path(common));
  return paths;
}

constexpr std::string_view kGitFilePrefix = "gitdir: ";

Result<RepositoryPaths> follow_git_file(const fs::path& file) {
  // Not TRY: GCC 12 would warn of an uninitialized string.
  const Result<std::string> read = read_small_file(file.string(), kSmallFileBytes);
  if (!read) return read.error();
  const std::string& content = *read;
  if (!content.starts_with(kGitFilePrefix)) {
    return fail(ErrorCode::kInvalidArgument, "{} is not a Git repository, nor does it name one",
                file.string());
  }
  const fs::path target = file.parent_path() /
                          without_line_end(std::string_view(content).substr(kGitFilePrefix.size()));
  std::optional<RepositoryPaths> paths = TRY(as_git_directory(target));
  if (!paths) {
    return fail(ErrorCode::kIncomplete, "{} points to {}, which is not a Git repository",
                file.string(), target.string());
  }
  return std::move(*paths);
}

using Settings = std::map<std::string, std::string>;

// `git config --list --null`: NAME, a newline, VALUE, a zero byte; a NAME alone means "true".
Settings parse_settings(std::string_view text) {
  Settings settings;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find('\0'));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    const std::size_t newline = entry.find('\n');
    settings[std::string(entry.substr(0, newline))] =
        newline == std::string_view::npos ? "true" : std::string(entry.substr(newline + 1));
  }
  return settings;
}

Result<Settings> read_settings(const std::string& config, const Operation& operation) {
  GitProgram git = TRY(GitProgram::create(GitHash::kSha1, "", operation));
  ChildProcess child =
      TRY(git.start({"config", "--file", config, "--no-includes", "--null", "--list"}, false));
  ChildOutput output(child);
  std::string text;
  std::array<std::byte, 4096> piece{};
  for (;;) {
    const std::size_t got = TRY(output.read(piece));
    if (got == 0) break;
    text += as_text(Bytes(piece).first(got));
    if (text.size() > kConfigLimitBytes) {
      return fail(ErrorCode::kIncomplete, "{} is larger than {} bytes", config, kConfigLimitBytes);
    }
  }
  TRY(git.finish(child, fmt::format("reading {}", config)));
  return parse_settings(text);
}

std::string setting(const Settings& settings, const std::string& name, std::string_view otherwise) {
  const auto found = settings.find(name);
  return found == settings.end() ? std::string(otherwise) : found->second;
}

// Extensions that do not affect reading refs and objects.
constexpr std::string_view kHarmlessExtensions[] = {
    "noop",           "noop-v1",      "partialclone",       "preciousobjects",
    "worktreeconfig", "objectformat", "compatobjectformat", "relativeworktrees",
    "refstorage",  // its value is checked
};

Result<void> check_extensions(const Settings& settings, const std::string& config) {
  static constexpr std::string_view kPrefix = "extensions.";
  for (auto entry = settings.lower_bound(std::string(kPrefix)); entry != settings.end(); ++entry) {
    const std::string_view name = entry->first;
    if (!name.starts_with(kPrefix)) break;
    const std::string_view extension = name.substr(kPrefix.size());
    if (std::find(std::begin(kHarmlessExtensions), std::end(kHarmlessExtensions), extension) ==
        std::end(kHarmlessExtensions)) {
      return fail(ErrorCode::kUnsupported, "{}: bale does not know the repository extension {}",
                  config, extension);
    }
  }
  return {};
}

}  // namespace

Result<std::string> read_small_file(const std::string& path, std::uint64_t limit_bytes) {
  // O_NONBLOCK: do not wait for a writer of a named pipe.
  const UniqueFd file(retry_interrupted(
      [&] { return ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY); }));
  if (!file.is_open()) {
    const ErrorCode code = errno == ENOENT || errno == ENOTDIR ? ErrorCode::kNotFound
                           : errno == ELOOP                    ? ErrorCode::kIncomplete
                                                               : ErrorCode::kIo;
    return fail(code, "cannot open {}: {}", path, std::generic_category().message(errno));
  }

  struct stat info {};

  if (::fstat(file.get(), &info) != 0) return system_error(errno, "look at", path);
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kIncomplete, "{} is not a regular file", path);
  }
  std::string content;
  std::array<char, 16384> piece{};
  for (;;) {
    const ssize_t got =
        retry_interrupted([&] { return ::read(file.get(), piece.data(), piece.size()); });
    if (got == 0) return content;
    if (got < 0) {
      return fail(ErrorCode::kIo, "cannot read {}: {}", path,
                  std::generic_category().message(errno));
    }
    content.append(piece.data(), static_cast<std::size_t>(got));
    if (content.size() > limit_bytes) {
      return fail(ErrorCode::kIncomplete, "{} is larger than {} bytes", path, limit_bytes);
    }
  }
}

Result<RepositoryPaths> find_repository(const std::string& path) {
  if (path.empty())
    return fail(ErrorCode::kInvalidArgument, "an empty path is not a Git repository");
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    return fail(ErrorCode::kNotFound, "{} does not exist", path);
  }
  if (error) return fail(ErrorCode::kIo, "{}: {}", path, error.message());
  if (TRY(is_a_file(real))) return follow_git_file(real);
  for (fs::path directory = real;; directory = directory.parent_path()) {
    const fs::path dot_git = directory / ".git";
    if (TRY(is_a_file(dot_git))) return follow_git_file(dot_git);
    for (const fs::path& candidate : {dot_git, directory}) {
      std::optional<RepositoryPaths> paths = TRY(as_git_directory(candidate));
      if (paths) return std::move(*paths);
    }
    if (directory == directory.root_path()) break;
  }
  return fail(ErrorCode::kInvalidArgument, "{} is not a Git repository", path);
}

Result<GitHash> read_repository_format(const RepositoryPaths& paths, const Operation& operation) {
  const std::string config = paths.common_dir + "/config";
  // git treats a repository without a configuration as one of version 0.
  if (!TRY(is_a_file(config))) return GitHash::kSha1;
  // git does not distinguish unreadable from malformed files.
  TRY(read_small_file(config, kConfigLimitBytes));
  const Settings settings = TRY(read_settings(config, operation));
  const std::string version = setting(settings, "core.repositoryformatversion", "0");
  if (version != "0" && version != "1") {
    return fail(ErrorCode::kUnsupported, "{}: repository format version {} is not known to bale",
                config, version);
  }
  const std::string storage = setting(settings, "extensions.refstorage", "files");
  if (storage != "files") {
    return fail(ErrorCode::kUnsupported,
                "{}: bale cannot read refs stored as {} (git refs migrate --ref-format=files "
                "makes a repository that it can read)",
                config, storage);
  }
  if (version == "1") TRY(check_extensions(settings, config));
  const std::string format = setting(settings, "extensions.objectformat", "sha1");
  const Result<GitHash> hash = git_hash_from_name(format);
  if (!hash) {
    return fail(ErrorCode::kUnsupported, "{}: object format {} is not known to bale", config,
                format);
  }
  return *hash;
}

}  // namespace bale
