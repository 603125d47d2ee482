// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Runs git for tests, in an environment that is the same everywhere.

#include "testing/git_fixture.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "bale/progress.h"
#include "base/check.h"
#include "git/child/process.h"

namespace bale {
namespace {

// Ends the program with an Error's message: a failing fixture is not a test result.
template <typename T>
T require(Result<T> result) {
  if (!result) {
    static_cast<void>(std::fprintf(stderr, "%s\n", result.error().message.c_str()));
    CHECK(false);
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

std::string drop_last_newline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

void write_test_file(const std::string& path, std::string_view content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  CHECK(file.good());
}

std::string read_test_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

GitFixture::GitFixture(GitHash hash) : path_(directory_ / "repo") {
  run_in(directory_.path(), {"init", "--quiet", "--initial-branch=main",
                             "--object-format=" + std::string(to_string(hash)), path_});
}

std::string GitFixture::execute(const std::string& directory,
                                const std::vector<std::string>& arguments, std::string_view input) {
  const std::string date = std::to_string(clock_seconds_) + " +0100";
  ChildCommand command{
      .program = "/usr/bin/env",
      .arguments = {"git", "-c", "protocol.file.allow=always", "-c", "core.quotePath=false"},
      .environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C", "HOME=" + directory_.path(),
                      "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
                      "GIT_TERMINAL_PROMPT=0", "GIT_AUTHOR_NAME=A U Thor",
                      "GIT_AUTHOR_EMAIL=author@example.com", "GIT_AUTHOR_DATE=" + date,
                      "GIT_COMMITTER_NAME=C O Mitter", "GIT_COMMITTER_EMAIL=committer@example.com",
                      "GIT_COMMITTER_DATE=" + date},
      .directory = directory,
      .with_stdin = true};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  const Operation operation;
  ChildProcess child = require(ChildProcess::spawn(command, operation));
  // Test input is small, or git reads all of it before it answers.
  if (!input.empty()) require(child.write(as_bytes(input)));
  child.close_stdin();
  std::string text;
  std::array<std::byte, 16384> piece{};
  while (const std::size_t got = require(child.read(piece))) {
    text += as_text(Bytes(piece).first(got));
  }
  const ChildExit how = require(child.wait());
  if (!how.ok()) {
    for (const std::string& argument : command.arguments) {
      static_cast<void>(std::fprintf(stderr, "%s ", argument.c_str()));
    }
    static_cast<void>(std::fprintf(stderr, "failed: %s\n", child.stderr_tail().c_str()));
  }
  CHECK(how.ok());
  return text;
}

std::string GitFixture::run(const std::vector<std::string>& arguments) {
  return drop_last_newline(execute(path_, arguments, {}));
}

std::string GitFixture::run_in(const std::string& directory,
                               const std::vector<std::string>& arguments) {
  return drop_last_newline(execute(directory, arguments, {}));
}

std::string GitFixture::run_with_input(const std::vector<std::string>& arguments,
                                       std::string_view input) {
  return run_in_with_input(path_, arguments, input);
}

std::string GitFixture::run_in_with_input(const std::string& directory,
                                          const std::vector<std::string>& arguments,
                                          std::string_view input) {
  return drop_last_newline(execute(directory, arguments, input));
}

void GitFixture::write(const std::string& name, std::string_view content) const {
  write_test_file(path_ + "/" + name, content);
}

GitOid GitFixture::commit(const std::string& message) {
  clock_seconds_ += 60;
  run({"add", "--all"});
  run({"commit", "--quiet", "--allow-empty", "-m", message});
  return oid("HEAD");
}

GitOid GitFixture::oid(const std::string& revision) {
  return require(GitOid::from_hex(run({"rev-parse", "--verify", revision})));
}

GitOid GitFixture::write_blob(std::string_view content) {
  return write_object("blob", content);
}

GitOid GitFixture::write_object(std::string_view type, std::string_view content) {
  return require(GitOid::from_hex(run_with_input(
      {"hash-object", "-w", "--literally", "-t", std::string(type), "--stdin"}, content)));
}

GitOid GitFixture::tag(const std::string& name, const GitOid& target) {
  run({"tag", "--annotate", "-m", "tag " + name, name, target.to_hex()});
  return oid("refs/tags/" + name);
}

GitOid GitFixture::merge(const std::vector<std::string>& branches) {
  clock_seconds_ += 60;
  std::vector<std::string> arguments = {"commit-tree", "-m", "merge", "-p", "HEAD"};
  for (const std::string& branch : branches) {
    arguments.emplace_back("-p");
    arguments.push_back(branch);
  }
  arguments.emplace_back("HEAD^{tree}");
  const std::string merged = run(arguments);
  run({"update-ref", "HEAD", merged});
  return require(GitOid::from_hex(merged));
}

GitOid GitFixture::commit_submodule(const std::string& name, const GitOid& commit) {
  clock_seconds_ += 60;
  run({"update-index", "--add", "--cacheinfo", "160000," + commit.to_hex() + "," + name});
  run({"commit", "--quiet", "-m", "add the submodule " + name});
  return oid("HEAD");
}

std::string GitFixture::clone(const std::string& name, const std::vector<std::string>& arguments) {
  run({"config", "uploadpack.allowFilter", "true"});
  std::vector<std::string> all = {"clone", "--quiet"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  all.push_back("file://" + path_);
  all.push_back(beside(name));
  run(all);
  return beside(name);
}

std::string GitFixture::add_worktree(const std::string& name) {
  run({"worktree", "add", "--quiet", "-b", name, beside(name)});
  return beside(name);
}

std::string GitFixture::loose_path(const GitOid& oid) const {
  const std::string hex = oid.to_hex();
  return git_dir() + "/objects/" + hex.substr(0, 2) + "/" + hex.substr(2);
}

void GitFixture::remove_object(const GitOid& oid) const {
  CHECK(std::filesystem::remove(loose_path(oid)));
}

}  // namespace bale
