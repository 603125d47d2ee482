// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Stores for tests, and descriptions of repositories by git.

#include "testing/store_fixture.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <random>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/try.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

template <typename T>
T require(Result<T> result) {
  if (!result) {
    static_cast<void>(std::fprintf(stderr, "%s\n", result.error().message.c_str()));
    CHECK(false);
  }
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

Store make_store(const std::string& path) {
  require(Store::init(path));
  return require(Store::open(path));
}

std::string sorted_lines(const std::string& text) {
  std::set<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.insert(text.substr(start, end - start));
    start = end + 1;
  }
  std::string sorted;
  for (const std::string& line : lines) sorted += line + "\n";
  return sorted;
}

}  // namespace

StoreFixture::StoreFixture() : store_(make_store(directory_ / "store")) {}

Store StoreFixture::reopened() const {
  return require(Store::open(path()));
}

Result<GitImportSummary> StoreFixture::import(const std::string& source, const std::string& name) {
  return import_with(source, {.name = name});
}

Result<GitImportSummary> StoreFixture::import_with(const std::string& source,
                                                   GitImportOptions options) {
  options.work.sync = false;
  return import_git(store_, source, options);
}

Result<std::string> StoreFixture::export_git(const std::string& name, std::uint64_t record_back) {
  std::string out = beside("export" + std::to_string(exports_++) + ".git");
  const Result<GitExportSummary> summary =
      bale::export_git(TRY(store_.fresh_snapshot()), name, out, {.record_back = record_back});
  if (!summary) return summary.error();
  return out;
}

Result<StoreReport> StoreFixture::verify(const StoreCheckOptions& options) const {
  const Result<Store> store = Store::open(path());
  if (!store) return store.error();
  return verify_store(*store, options);
}

std::shared_ptr<const PackReader> StoreFixture::newest_pack() const {
  const std::vector<std::uint32_t> numbers = store_.snapshot().pack_numbers();
  CHECK(!numbers.empty());
  Result<std::shared_ptr<const PackReader>> pack = store_.snapshot().pack(numbers.front());
  CHECK(pack.has_value());
  return *pack;
}

Record StoreFixture::record(const std::string& name, std::uint64_t back) const {
  ReadContext context;
  return require(reopened().snapshot().record(name, back, context)).record;
}

std::map<std::string, std::string> StoreFixture::files() const {
  std::map<std::string, std::string> files;
  for (const std::string directory : {"packs", "archives", "staging"}) {
    for (const auto& entry : fs::recursive_directory_iterator(path() + "/" + directory)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with('.') && name.ends_with(".lock")) continue;
      const std::string file = entry.path().string();
      files[file] = !entry.is_regular_file()  ? ""
                    : directory == "archives" ? read_test_file(file)
                                              : std::to_string(entry.file_size());
    }
  }
  return files;
}

std::string StoreFixture::pack_file(std::string_view suffix,
                                    const std::map<std::string, std::string>& but) const {
  std::vector<std::string> found;
  for (const auto& [file, size] : files()) {
    if (file.ends_with(suffix) && !but.contains(file)) found.push_back(file);
  }
  CHECK(found.size() == 1);
  return found.front();
}

void PrintTo(const RepositoryState& state, std::ostream* out) {
  *out << "objects:\n"
       << state.objects << "refs:\n"
       << state.refs << "head: " << state.head << "shallow: " << state.shallow
       << "complaints: " << state.complaints;
}

RepositoryState describe_repository(GitFixture& git, const std::string& directory) {
  RepositoryState state;
  const std::string reached =
      git.run_in(directory, {"--no-replace-objects", "rev-list", "--objects", "--no-object-names",
                             "--missing=allow-any", "--all"});
  state.objects = sorted_lines(git.run_in_with_input(
      directory, {"--no-replace-objects", "cat-file", "--batch-check"}, reached + "\n"));
  state.refs =
      git.run_in(directory, {"for-each-ref", "--format=%(refname) %(objectname) %(symref)"});
  const std::string git_dir = git.run_in(directory, {"rev-parse", "--absolute-git-dir"});
  state.head = read_test_file(git_dir + "/HEAD");
  if (fs::exists(git_dir + "/shallow")) {
    state.shallow = sorted_lines(read_test_file(git_dir + "/shallow"));
  }
  // Through an alias, since git fsck fails if it complains.
  state.complaints =
      sorted_lines(git.run_in(directory, {"-c", "alias.complain=!git fsck --full 2>&1 || true",
                                          "--no-replace-objects", "complain"}));
  return state;
}

std::string describe_database(GitFixture& git, const std::string& directory) {
  return sorted_lines(git.run_in(directory, {"cat-file", "--batch-all-objects", "--batch-check"}));
}

std::string random_text(std::size_t size, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

void flip_byte(const std::string& path, std::int64_t offset) {
  std::string content = read_test_file(path);
  const auto at = offset < 0 ? content.size() - static_cast<std::size_t>(-offset)
                             : static_cast<std::size_t>(offset);
  CHECK(at < content.size());
  content[at] = static_cast<char>(~content[at]);
  write_test_file(path, content);
}

}  // namespace bale
