// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "store/verify/debris.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "bale/archive_name.h"
#include "base/error.h"
#include "base/try.h"
#include "store/core/archive_files.h"

namespace bale {
namespace {

constexpr std::string_view kPart = ".part";
constexpr std::string_view kNew = ".new";

class FileLook {
 public:
  FileLook(FileSystem& file_system, const StoreLayout& layout)
      : files_(file_system), layout_(layout) {}

  Result<StoreFiles> run() {
    TRY(look_at_root());
    TRY(look_at_packs());
    TRY(look_at_archives());
    TRY(look_at_staging());
    TRY(look_at_damaged());
    return std::move(found_);
  }

 private:
  [[nodiscard]] bool is_there(const std::string& path) const {
    return files_.stat(path).has_value();
  }

  void debris(const std::string& path, std::string_view what) {
    found_.debris.push_back(fmt::format("{}: {}", path, what));
  }

  void unknown(const std::string& path, std::string_view name) {
    debris(path, name.ends_with(kPart) ? "unfinished, and given up" : "not a file of bale's");
  }

  // Nothing where the directory is missing.
  Result<std::optional<std::vector<DirectoryEntry>>> list(const std::string& directory) {
    Result<std::vector<DirectoryEntry>> entries = files_.list(directory);
    if (entries) return std::move(*entries);
    if (entries.error().code == ErrorCode::kNotFound) {
      return std::nullopt;
    }
    return entries.error();
  }

  // Nothing also where it may not be read, and nothing in it matters to a reader.
  Result<std::optional<std::vector<DirectoryEntry>>> list_if_allowed(const std::string& directory) {
    auto entries = list(directory);
    if (entries || entries.error().code != ErrorCode::kIo) return entries;
    return std::nullopt;
  }

  Result<void> look_at_root();
  Result<void> look_at_packs();
  Result<void> look_at_archives();
  Result<void> look_at_staging();
  Result<void> look_at_damaged();

  FileSystem& files_;
  const StoreLayout& layout_;
  StoreFiles found_;
};

// staging/ and the lock are made by whoever needs them.
Result<void> FileLook::look_at_root() {
  const std::array directories{layout_.packs(), layout_.archives(), layout_.staging()};
  for (const std::string& path : directories) {
    const Result<FileInfo> info = files_.stat(path);
    if (!info && info.error().code != ErrorCode::kNotFound) return info.error();
    if (!info && path != layout_.staging()) {
      found_.damage.push_back(
          fail(ErrorCode::kCorrupt, {HintKind::kRepair}, "{}: the directory is missing", path));
    } else if (info && info->kind != FileKind::kDirectory && info->kind != FileKind::kSymlink) {
      found_.damage.push_back(fail(ErrorCode::kCorrupt,
                                   {path == layout_.packs() ? HintKind::kNone : HintKind::kRepair},
                                   "{}: it is not a directory", path));
    }
  }
  const std::array known{layout_.mark(), layout_.lock(), layout_.catalog(), layout_.lost()};
  for (const DirectoryEntry& entry : TRY(files_.list(layout_.root))) {
    const std::string path = layout_.root + "/" + entry.name;
    const auto is_path = [&](const std::string& other) { return other == path; };
    const bool is_directory = entry.kind == FileKind::kDirectory;
    if (std::any_of(known.begin(), known.end(), is_path) && !is_directory) continue;
    if (path == layout_.damaged()) continue;
    if (std::any_of(directories.begin(), directories.end(), is_path)) continue;
    unknown(path, entry.name);
  }
  return {};
}

// An import that ends while this looks puts a pack there file by file, the .pack last: what seems
// to be half a pack is looked at once more.
Result<void> FileLook::look_at_packs() {
  const auto entries = TRY(list(layout_.packs()));
  if (!entries) return {};
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = layout_.packs() + "/" + entry.name;
    const std::size_t dot = entry.name.rfind('.');
    const std::string suffix = dot == std::string::npos ? "" : entry.name.substr(dot);
    const std::string stem = entry.name.substr(0, dot);
    // A pack may be a link to where there is room for it.
    const bool regular =
        (entry.kind == FileKind::kRegular || entry.kind == FileKind::kSymlink) && !stem.empty();
    if (regular && suffix == ".pack") continue;
    if (regular && (suffix == ".idx" || suffix == ".gitidx")) {
      if (!is_there(layout_.pack(stem)) && is_there(path)) {
        debris(path, "an index without its pack");
      }
    } else {
      unknown(path, entry.name);
    }
  }
  return {};
}

Result<void> FileLook::look_at_archives() {
  const auto look = [&](const ArchiveFile& file) -> Result<void> {
    const bool regular = file.kind == FileKind::kRegular;
    if (regular && (is_archive_lock_name(file.file) || check_archive_name(file.name))) return {};
    if (regular && file.file.starts_with('.') && file.file.ends_with(kNew)) {
      debris(file.path, "unfinished, and given up");
    } else {
      unknown(file.path, file.file);
    }
    return {};
  };
  const Result<void> looked = for_each_archive_file(files_, layout_, look);
  const bool missing = !looked && looked.error().code == ErrorCode::kNotFound;
  return missing ? Result<void>() : looked;
}

Result<void> FileLook::look_at_staging() {
  const auto entries = TRY(list_if_allowed(layout_.staging()));
  if (!entries) return {};
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = layout_.staging() + "/" + entry.name;
    if (entry.kind != FileKind::kDirectory) {
      unknown(path, entry.name);
      continue;
    }
    const Result<std::unique_ptr<FileLock>> lock = files_.try_lock(path, LockMode::kExclusive);
    // What cannot be locked is gone, or another user's: whether it is in use is unknown.
    const bool in_use = !lock || *lock == nullptr;
    if (!in_use) debris(path, "left by a process that ended (the next import removes it)");
  }
  return {};
}

Result<void> FileLook::look_at_damaged() {
  const auto entries = TRY(list_if_allowed(layout_.damaged()));
  if (!entries) return {};
  for (const DirectoryEntry& entry : *entries) {
    debris(layout_.damaged() + "/" + entry.name, "damaged, and put aside by a repair");
  }
  return {};
}

}  // namespace

Result<StoreFiles> look_at_files(FileSystem& file_system, const StoreLayout& layout) {
  return FileLook(file_system, layout).run();
}

}  // namespace bale
