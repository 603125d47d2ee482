// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The parts of an object directory that git reads:
//
//   00 ... ff/REST         loose objects: the first two and the other digits of the id
//   pack/NAME.pack, .idx   packs and their indexes (other suffixes can be made from these two)
//   info/alternates        further object directories, a line each: PATH (relative to this
//                          directory), or a C string in quotes; "#..." is a comment

#include "git/source/object_database.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "git/child/unique_fd.h"
#include "git/source/pack_files.h"
#include "git/source/repository.h"
#include "io/posix_file.h"

namespace bale {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kAlternatesLimitBytes = 1 << 20;
constexpr int kAlternatesDepth = 5;  // git's limit of levels below the first
constexpr int kLooks = 4;
constexpr std::chrono::milliseconds kBetweenLooks(100);
constexpr std::string_view kHexDigits = "0123456789abcdef";

Error cannot(std::string_view action, const std::string& path, int error) {
  return fail(ErrorCode::kIo, "cannot {} {}: {}", action, path,
              std::generic_category().message(error));
}

bool is_gone(int error) {
  return error == ENOENT || error == ENOTDIR;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { static_cast<void>(::closedir(directory)); }
};

// Calls `use` with each name in a directory; false if there is no such directory.
template <typename Use>
Result<bool> for_each_name(const std::string& path, Use use) {
  const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (directory == nullptr) {
    if (errno == ENOENT) return false;
    if (errno == ENOTDIR) return fail(ErrorCode::kIncomplete, "{} is not a directory", path);
    return cannot("list", path, errno);
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());  // NOLINT(concurrency-mt-unsafe): our own
    if (entry == nullptr) break;
    TRY(use(std::string_view(entry->d_name)));
  }
  if (errno != 0) return cannot("list", path, errno);
  return true;
}

bool is_hex(std::string_view name) {
  return name.find_first_not_of(kHexDigits) == std::string_view::npos;
}

// Parses a C string as git writes it, after its first quote; nullopt if malformed.
std::optional<std::string> unquoted(std::string_view text) {
  static constexpr std::string_view kEscapes = "abfnrtv\\\"";
  static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\\"";
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return plain;
    if (text[i] != '\\') {
      plain += text[i];
      continue;
    }
    if (++i == text.size()) break;
    const std::size_t escape = kEscapes.find(text[i]);
    if (escape != std::string_view::npos) {
      plain += kMeanings[escape];
      continue;
    }
    unsigned value = 0;
    if (text.size() - i < 3) break;
    for (const char digit : text.substr(i, 3)) {
      if (digit < '0' || digit > '7') return std::nullopt;
      value = value * 8 + static_cast<unsigned>(digit - '0');
    }
    plain += static_cast<char>(value);
    i += 2;
  }
  return std::nullopt;
}

// Temporary files of a running or killed git.
bool is_temporary(std::string_view name) {
  return name.starts_with(".tmp-") || name.starts_with("tmp_");
}

struct FoundPacks {
  std::vector<PackFiles> packs;
  std::vector<std::string> without_index;
  std::vector<std::string> without_pack;  // indexes

  [[nodiscard]] bool are_pairs() const { return without_index.empty() && without_pack.empty(); }
};

Result<FoundPacks> find_packs(const std::string& directory, GitHash hash) {
  std::set<std::string> packs;
  std::set<std::string> indexes;
  const std::string path = directory + "/pack";
  TRY(for_each_name(path, [&](std::string_view name) -> Result<void> {
    if (is_temporary(name)) return {};
    if (name.ends_with(".pack")) packs.emplace(name.substr(0, name.size() - 5));
    if (name.ends_with(".idx")) indexes.emplace(name.substr(0, name.size() - 4));
    return {};
  }));
  FoundPacks found;
  for (const std::string& name : packs) {
    PackFiles files{.pack = fmt::format("{}/{}.pack", path, name),
                    .index = fmt::format("{}/{}.idx", path, name)};
    if (indexes.erase(name) == 0) {
      TRY(check_readable(files.pack));
      found.without_index.push_back(std::move(files.pack));
    } else {
      TRY(check_pack_files(files, hash));
      found.packs.push_back(std::move(files));
    }
  }
  for (const std::string& name : indexes) {
    found.without_pack.push_back(fmt::format("{}/{}.idx", path, name));
    TRY(check_readable(found.without_pack.back()));
  }
  return found;
}

class Inspection {
 public:
  Inspection(GitHash hash, const Operation& operation) : operation_(operation) {
    database_.hash = hash;
  }

  Result<ObjectDatabase> run(const std::string& objects) {
    TRY(add_directory(objects, 0));
    for (const std::string& directory : database_.directories) {
      const FoundPacks found = TRY(find_steady_packs(directory));
      const auto append = [](auto& all, const auto& more) {
        all.insert(all.end(), more.begin(), more.end());
      };
      append(database_.packs, found.packs);
      append(database_.packs_without_index, found.without_index);
      append(database_.indexes_without_pack, found.without_pack);
      TRY(look_at_loose(directory));
    }
    return std::move(database_);
  }

 private:
  Result<void> add_directory(const std::string& path, int depth) {
    database_.directories.push_back(path);
    const std::string file = path + "/info/alternates";
    const Result<std::string> content = read_small_file(file, kAlternatesLimitBytes);
    if (!content && content.error().code == ErrorCode::kNotFound) return {};
    if (!content) return content.error();
    std::string_view rest = *content;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (line.empty() || line.starts_with('#')) continue;
      std::optional<std::string> name;
      if (line.starts_with('"')) name = unquoted(line.substr(1));
      TRY(add_alternate(fs::path(path) / name.value_or(std::string(line)), file, depth));
    }
    return {};
  }

  Result<void> add_alternate(const fs::path& path, const std::string& file, int depth) {
    const auto ignore = [&](std::string_view why) {
      database_.ignored_alternates.push_back(
          fmt::format("{} names {}, {}", file, path.string(), why));
    };
    std::error_code error;
    const std::string real = fs::canonical(path, error).string();
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
      ignore("which does not exist");
      return {};
    }
    if (error) {
      return fail(ErrorCode::kIo, "cannot look at {}, which {} names: {}", path.string(), file,
                  error.message());
    }
    if (!fs::is_directory(real, error)) {
      ignore("which is not a directory");
      return {};
    }
    const auto& known = database_.directories;
    if (std::find(known.begin(), known.end(), real) != known.end()) return {};
    if (depth > kAlternatesDepth) {
      ignore("at a depth at which git ignores it");
      return {};
    }
    return add_directory(real, depth + 1);
  }

  // While a pack is installed or removed, only one of its files exists.
  Result<FoundPacks> find_steady_packs(const std::string& directory) {
    for (int look = 1;; ++look) {
      if (operation_.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
      Result<FoundPacks> found = find_packs(directory, database_.hash);
      const bool is_steady =
          found ? found->are_pairs() : found.error().code != ErrorCode::kIncomplete;
      if (is_steady || look == kLooks) return found;
      std::this_thread::sleep_for(kBetweenLooks);
    }
  }

  Result<void> look_at_loose(const std::string& directory) {
    for (const char first : kHexDigits) {
      if (operation_.cancelled()) return fail(ErrorCode::kInterrupted, "interrupted");
      for (const char second : kHexDigits) {
        TRY(look_at_fanout(fmt::format("{}/{}{}", directory, first, second)));
      }
    }
    return {};
  }

  Result<void> look_at_fanout(const std::string& path) {
    std::uint64_t empty = 0;
    TRY(for_each_name(path, [&](std::string_view name) -> Result<void> {
      if (!is_hex(name)) return {};
      const std::string file = fmt::format("{}/{}", path, name);

      struct stat info {};

      if (::stat(file.c_str(), &info) != 0) {
        return is_gone(errno) ? Result<void>() : cannot("look at", file, errno);
      }
      if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        // git would wait for the other end of a pipe.
        return fail(ErrorCode::kIncomplete, "{} is not a regular file (remove it)", file);
      }
      if (S_ISREG(info.st_mode) && info.st_size == 0) ++empty;
      return {};
    }));
    if (empty > 0) database_.fanouts_with_empty_files.push_back(path);
    database_.empty_files += empty;
    return {};
  }

  const Operation& operation_;
  ObjectDatabase database_;
};

Result<void> link_to(const std::string& target, const std::string& path) {
  if (::symlink(target.c_str(), path.c_str()) == 0) return {};
  return cannot("write", path, errno);
}

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  return cannot("write", path, errno);
}

Result<void> link_files_with_content(const std::string& fanout, const std::string& path) {
  TRY(make_directory(path));
  TRY(for_each_name(fanout, [&](std::string_view name) -> Result<void> {
    const std::string file = fmt::format("{}/{}", fanout, name);

    struct stat info {};

    if (!is_hex(name) || ::stat(file.c_str(), &info) != 0 || info.st_size == 0) return {};
    return link_to(file, fmt::format("{}/{}", path, name));
  }));
  return {};
}

}  // namespace

Result<ObjectDatabase> inspect_object_database(const std::string& objects, GitHash hash,
                                               const Operation& operation) {
  return Inspection(hash, operation).run(objects);
}

Result<std::string> make_database_without_empty_files(const ObjectDatabase& database,
                                                      const std::string& scratch) {
  const std::set<std::string> with_empty(database.fanouts_with_empty_files.begin(),
                                         database.fanouts_with_empty_files.end());
  std::string alternates;
  std::string first;
  for (std::size_t i = 0; i < database.directories.size(); ++i) {
    const std::string& directory = database.directories[i];
    const std::string path = fmt::format("{}/objects-{}", scratch, i);
    TRY(make_directory(path));
    TRY(link_to(directory + "/pack", path + "/pack"));
    // All of them: a missing one may be created later.
    for (const char high : kHexDigits) {
      for (const char low : kHexDigits) {
        const std::string fanout = fmt::format("{}/{}{}", directory, high, low);
        const std::string own = fmt::format("{}/{}{}", path, high, low);
        TRY(with_empty.contains(fanout) ? link_files_with_content(fanout, own)
                                        : link_to(fanout, own));
      }
    }
    if (i == 0) {
      first = path;
    } else {
      alternates += path + "\n";
    }
  }
  TRY(make_directory(first + "/info"));
  const UniqueFd file(retry_interrupted([&] {
    return ::open((first + "/info/alternates").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  }));
  std::string_view rest = alternates;
  while (file.is_open() && !rest.empty()) {
    const ssize_t put =
        retry_interrupted([&] { return ::write(file.get(), rest.data(), rest.size()); });
    if (put < 0) break;
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  if (!file.is_open() || !rest.empty()) return cannot("write", first + "/info/alternates", errno);
  return first;
}

Result<std::vector<GitOid>> empty_files_in(const std::string& fanout, GitHash hash) {
  std::vector<GitOid> oids;
  const std::string first = fs::path(fanout).filename().string();
  TRY(for_each_name(fanout, [&](std::string_view name) -> Result<void> {
    struct stat info {};

    if (::stat(fmt::format("{}/{}", fanout, name).c_str(), &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_size != 0) {
      return {};
    }
    const Result<GitOid> oid = GitOid::from_hex(fmt::format("{}{}", first, name));
    if (oid && oid->hash() == hash) oids.push_back(*oid);
    return {};
  }));
  return oids;
}

std::string loose_name(const GitOid& oid) {
  const std::string hex = oid.to_hex();
  return fmt::format("{}/{}", hex.substr(0, 2), hex.substr(2));
}

}  // namespace bale
