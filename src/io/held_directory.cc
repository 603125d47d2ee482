// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "io/held_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "io/path.h"

namespace bale {
namespace {

constexpr std::string_view kPattern = "XXXXXX";
constexpr int kAttempts = 100;

bool is_random(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool is_of_prefix(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || name.size() != prefix.size() + kPattern.size()) return false;
  name.remove_prefix(prefix.size());
  return std::all_of(name.begin(), name.end(), is_random);
}

// Keeps only these names: the directory may be a large /tmp.
std::vector<std::string> names_of_prefix(const std::string& directory, std::string_view prefix) {
  const auto close = [](DIR* stream) { static_cast<void>(::closedir(stream)); };
  const std::unique_ptr<DIR, decltype(close)> stream(::opendir(directory.c_str()), close);
  std::vector<std::string> names;
  if (stream == nullptr) return names;
  // Unsafe only where threads share a stream. NOLINTNEXTLINE(concurrency-mt-unsafe)
  while (const dirent* entry = ::readdir(stream.get())) {
    if (is_of_prefix(entry->d_name, prefix)) names.emplace_back(entry->d_name);
  }
  return names;
}

enum class Hold : std::uint8_t { kHeld, kTaken, kGone, kUnknown };

// Opens the directory of this path, which must be this user's and no link, and locks it.
Hold try_hold(const std::string& path, Descriptor& lock) {
  Descriptor opened(retry_interrupted(
      [&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
  if (opened.get() < 0) return errno == ENOENT ? Hold::kGone : Hold::kUnknown;

  struct stat held = {};
  struct stat now = {};

  if (::fstat(opened.get(), &held) != 0 || held.st_uid != ::geteuid()) return Hold::kUnknown;
  if (retry_interrupted([&] { return ::flock(opened.get(), LOCK_EX | LOCK_NB); }) != 0) {
    return errno == EWOULDBLOCK ? Hold::kTaken : Hold::kUnknown;
  }
  // A previous holder may have removed it.
  if (::lstat(path.c_str(), &now) != 0) return errno == ENOENT ? Hold::kGone : Hold::kUnknown;
  if (now.st_dev != held.st_dev || now.st_ino != held.st_ino) return Hold::kGone;
  lock = std::move(opened);
  return Hold::kHeld;
}

void remove_tree(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

void remove_abandoned(const std::string& directory, std::string_view prefix) {
  for (const std::string& name : names_of_prefix(directory, prefix)) {
    const std::string path = join_path(directory, name);
    Descriptor lock;
    if (try_hold(path, lock) == Hold::kHeld) remove_tree(path);
  }
}

}  // namespace

Result<HeldDirectory> HeldDirectory::create(const std::string& prefix) {
  const std::string directory = parent_directory(prefix);
  remove_abandoned(directory, std::string_view(prefix).substr(prefix.rfind('/') + 1));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string path = prefix + std::string(kPattern);
    if (::mkdtemp(path.data()) == nullptr) {
      return system_error(errno, "make a directory in", directory);
    }
    Descriptor lock;
    const Hold hold = try_hold(path, lock);
    if (hold == Hold::kHeld || hold == Hold::kUnknown) {
      return HeldDirectory(std::move(path), std::move(lock));
    }
    // Before it was locked, another process considered it abandoned.
  }
  return fail(ErrorCode::kIo, "cannot keep a directory in {}", directory);
}

HeldDirectory::HeldDirectory(HeldDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

HeldDirectory::~HeldDirectory() {
  if (!path_.empty()) remove_tree(path_);
}

void HeldDirectory::keep() {
  path_.clear();
  lock_ = Descriptor();
}

}  // namespace bale
