// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "bench/disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "bench/die.h"
#include "bench/stopwatch.h"

namespace bale::bench {

namespace fs = std::filesystem;

namespace {

// What a program that dies removes, and whose it is: children die too, and must leave it alone.
std::string dying_removes;
pid_t dying_owner = 0;

void remove_when_dying() {
  std::error_code ignored;
  if (::getpid() == dying_owner) fs::remove_all(dying_removes, ignored);
}

}  // namespace

WorkDirectory::WorkDirectory(const std::string& parent) : path_(parent + "/bale-compare-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) die_of_errno(path_);
  dying_removes = path_;
  dying_owner = ::getpid();
  if (std::at_quick_exit(remove_when_dying) != 0) die("there are too many exit handlers");
}

WorkDirectory::~WorkDirectory() {
  dying_owner = 0;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string WorkDirectory::fresh(const std::string& name) const {
  remove(name);
  std::string made = path(name);
  if (::mkdir(made.c_str(), 0777) != 0) die_of_errno(made);
  return made;
}

void WorkDirectory::remove(const std::string& name) const {
  std::error_code failure;
  fs::remove_all(path(name), failure);
  if (failure) die("{}: {}", path(name), failure.message());
}

void WorkDirectory::settle() const {
  const int descriptor = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0 || ::syncfs(descriptor) != 0) die_of_errno(path_);
  ::close(descriptor);
}

double sync_tree(const std::string& directory) {
  const Stopwatch watch;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const int descriptor = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || ::fsync(descriptor) != 0) die_of_errno(entry.path().string());
    ::close(descriptor);
  }
  return watch.seconds();
}

std::uint64_t bytes_under(const std::string& directory) {
  std::uint64_t sum = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    struct stat info {};

    if (!entry.is_regular_file()) continue;
    if (::stat(entry.path().c_str(), &info) != 0) die_of_errno(entry.path().string());
    sum += static_cast<std::uint64_t>(info.st_blocks) * 512;
  }
  return sum;
}

SequentialFile::SequentialFile(const std::string& path)
    : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) die_of_errno(path);
}

SequentialFile::~SequentialFile() {
  ::close(descriptor_);
}

void SequentialFile::write(Bytes data) const {
  while (!data.empty()) {
    const ssize_t written = ::write(descriptor_, data.data(), data.size());
    if (written < 0) die_of_errno("write");
    data = data.subspan(static_cast<std::size_t>(written));
  }
}

}  // namespace bale::bench
