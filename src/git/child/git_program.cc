// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The scratch repository, the environment, and errors of failed children.

#include "git/child/git_program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "git/child/unique_fd.h"
#include "io/posix_file.h"

namespace bale {
namespace {

// commitGraph and multiPackIndex: these files may contradict the objects and the packs, whose own
// indexes are checked. bigFileThreshold: git streams larger blobs that are not deltas.
// deltaBaseCacheLimit and the like keep git's defaults.
std::string scratch_config(GitHash hash) {
  std::string config = hash == GitHash::kSha256 ? "[extensions]\n\tobjectformat = sha256\n"
                                                  "[core]\n\trepositoryformatversion = 1\n"
                                                : "[core]\n\trepositoryformatversion = 0\n";
  config +=
      "\tbare = true\n"
      "\tcommitGraph = false\n"
      "\tmultiPackIndex = false\n"
      "\tbigFileThreshold = 8m\n"
      "[advice]\n"
      "\tgraftFileDeprecated = false\n";
  return config;
}

constexpr std::string_view kObjectsVariable = "GIT_OBJECT_DIRECTORY=";

// Relative entries of PATH would run programs in the current directory.
std::string absolute_search_path() {
  // Nothing in bale changes the environment while threads run.
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  std::string absolute;
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    if (!entry.starts_with('/')) continue;
    if (!absolute.empty()) absolute += ':';
    absolute += entry;
  }
  return absolute;
}

Result<std::string> find_git(std::string_view search_path) {
  while (!search_path.empty()) {
    const std::string_view entry = search_path.substr(0, search_path.find(':'));
    search_path.remove_prefix(std::min(search_path.size(), entry.size() + 1));
    std::string candidate = fmt::format("{}/git", entry);

    struct stat info {};

    if (::stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
        ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return fail(ErrorCode::kIo, "git is not installed or not on PATH");
}

Error cannot_write(const std::string& path, int error) {
  return fail(ErrorCode::kIo, "cannot write {}: {}", path, std::generic_category().message(error));
}

// The last lines of git's messages, on one line, without hints.
std::string last_words(std::string_view text) {
  static constexpr std::size_t kLines = 3;
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.empty() && !line.starts_with("hint:")) lines.push_back(line);
  }
  if (lines.size() > kLines) lines.erase(lines.begin(), lines.end() - kLines);
  std::string words;
  for (const std::string_view line : lines) {
    if (!words.empty()) words += "; ";
    words += line;
  }
  return words.empty() ? "it gave no reason" : words;
}

}  // namespace

Result<ScratchDirectory> ScratchDirectory::create() {
  std::error_code error;
  std::filesystem::path base = std::filesystem::temp_directory_path(error);
  if (error) base = "/tmp";
  base = std::filesystem::absolute(base, error);
  if (error) return fail(ErrorCode::kIo, "{}: {}", base.string(), error.message());
  Result<HeldDirectory> made = HeldDirectory::create((base / "bale-scratch-").string());
  if (!made) return fail(ErrorCode::kIo, "{}", made.error().message);
  return ScratchDirectory(std::move(*made));
}

Result<void> ScratchDirectory::write(std::string_view name, std::string_view content) const {
  const std::string path = fmt::format("{}/{}", directory_.path(), name);
  const std::string part = path + ".part";
  {
    const UniqueFd file(retry_interrupted(
        [&] { return ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600); }));
    if (!file.is_open()) return cannot_write(part, errno);
    while (!content.empty()) {
      const ssize_t put =
          retry_interrupted([&] { return ::write(file.get(), content.data(), content.size()); });
      if (put < 0) return cannot_write(part, errno);
      content.remove_prefix(static_cast<std::size_t>(put));
    }
  }
  if (::rename(part.c_str(), path.c_str()) != 0) return cannot_write(path, errno);
  return {};
}

void ScratchDirectory::remove(std::string_view name) const {
  static_cast<void>(::unlink(fmt::format("{}/{}", path(), name).c_str()));
}

GitProgram::GitProgram(std::string program, ScratchDirectory scratch,
                       std::vector<std::string> environment, const Operation& operation)
    : program_(std::move(program)),
      scratch_(std::move(scratch)),
      environment_(std::move(environment)),
      operation_(&operation) {}

GitProgram::GitProgram(GitProgram&& other) noexcept
    : program_(std::move(other.program_)),
      scratch_(std::move(other.scratch_)),
      environment_(std::move(other.environment_)),
      operation_(other.operation_),
      peak_rss_bytes_(other.peak_rss_bytes_.load()) {}

Result<GitProgram> GitProgram::create(GitHash hash, const std::string& objects,
                                      const Operation& operation) {
  const std::string search_path = absolute_search_path();
  std::string program = TRY(find_git(search_path));
  ScratchDirectory scratch = TRY(ScratchDirectory::create());
  for (const char* name : {"/refs", "/info", "/objects"}) {
    const std::string path = scratch.path() + name;
    if (::mkdir(path.c_str(), 0700) != 0) return cannot_write(path, errno);
  }
  TRY(scratch.write("HEAD", "ref: refs/heads/none\n"));
  TRY(scratch.write("config", scratch_config(hash)));
  std::vector<std::string> environment = {
      "PATH=" + search_path,
      "LC_ALL=C",
      "HOME=" + scratch.path(),
      "GIT_DIR=" + scratch.path(),
      std::string(kObjectsVariable) + (objects.empty() ? scratch.path() + "/objects" : objects),
      "GIT_CONFIG_NOSYSTEM=1",
      "GIT_CONFIG_GLOBAL=/dev/null",
      "GIT_ATTR_NOSYSTEM=1",
      "GIT_TERMINAL_PROMPT=0",
      "GIT_OPTIONAL_LOCKS=0",
      "GIT_PAGER=cat",
      "GIT_NO_REPLACE_OBJECTS=1",  // the true objects; refs/replace/ itself is archived as refs
      "GIT_NO_LAZY_FETCH=1",       // for versions that know it
      "GIT_ALLOW_PROTOCOL=none",   // no fetching, even if there were a remote
      "GIT_FLUSH=0",               // writes whole buffers, not each commit
  };
  return GitProgram(std::move(program), std::move(scratch), std::move(environment), operation);
}

void GitProgram::use_objects(const std::string& objects) {
  for (std::string& variable : environment_) {
    if (variable.starts_with(kObjectsVariable)) variable = std::string(kObjectsVariable) + objects;
  }
}

Result<ChildProcess> GitProgram::start(std::vector<std::string> arguments, bool with_stdin) {
  return ChildProcess::spawn(ChildCommand{.program = program_,
                                          .arguments = std::move(arguments),
                                          .environment = environment_,
                                          .directory = scratch_.path(),
                                          .with_stdin = with_stdin},
                             *operation_);
}

Result<ChildExit> GitProgram::wait(ChildProcess& child) {
  const ChildExit how = TRY(child.wait());
  std::uint64_t peak = peak_rss_bytes_.load();
  while (peak < how.peak_rss_bytes &&
         !peak_rss_bytes_.compare_exchange_weak(peak, how.peak_rss_bytes)) {
  }
  return how;
}

Result<void> GitProgram::finish(ChildProcess& child, std::string_view what) {
  const ChildExit how = TRY(wait(child));
  if (how.ok()) return {};
  return git_failure(how, child.stderr_tail(), what);
}

Error git_failure(const ChildExit& how, std::string_view stderr_tail, std::string_view what) {
  if (how.signal != 0) {
    return fail(ErrorCode::kIo, "{}: git was ended by signal {}: {}", what, how.signal,
                last_words(stderr_tail));
  }
  return fail(ErrorCode::kIncomplete, "{}: git failed: {}", what, last_words(stderr_tail));
}

}  // namespace bale
