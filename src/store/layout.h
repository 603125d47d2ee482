// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Where the pieces of a store lie, and what their names look like.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bale/object.h"
#include "bale/result.h"

namespace bale {

/// The file that says that a directory is a store, and its whole content. Stores with the old mark
/// know their records by another rule: see record_mark.h. Both marks are of one length.
inline constexpr std::string_view kStoreMarkName = "bale-store";
inline constexpr std::string_view kStoreMark = "bale store 2\n";
inline constexpr std::string_view kOldStoreMark = "bale store 1\n";

/// A damaged pack keeps this name in packs/ from the moment in which its new one is about to come,
/// which may have the same name, until that is there: NAME.damaged.pack.
inline constexpr std::string_view kDamagedMark = ".damaged";

/// Of the files in packs/ that are packs.
inline constexpr std::string_view kPackSuffix = ".pack";

struct StoreLayout {
  std::string root;

  [[nodiscard]] std::string mark() const { return root + "/" + std::string(kStoreMarkName); }

  [[nodiscard]] std::string packs() const { return root + "/packs"; }

  [[nodiscard]] std::string archives() const { return root + "/archives"; }

  [[nodiscard]] std::string staging() const { return root + "/staging"; }

  [[nodiscard]] std::string lock() const { return root + "/lock"; }

  /// Derived from the packs' indexes; may be absent, or behind.
  [[nodiscard]] std::string catalog() const { return root + "/catalog"; }

  /// Where repair puts files that are damaged.
  [[nodiscard]] std::string damaged() const { return root + "/damaged"; }

  /// Which objects the last repair could not restore: see known_losses.h.
  [[nodiscard]] std::string lost() const { return root + "/lost"; }

  /// The file of the archive a/b/c is archives/a@/b@/c. An archive name holds no '@', so the
  /// directory of a/... is never the file of an archive `a` that was removed; and no part of one
  /// begins with a dot, so what does is ours.
  [[nodiscard]] std::string archive(std::string_view name) const {
    return archive_file(name, "", "");
  }

  [[nodiscard]] std::string archive_lock(std::string_view name) const {
    return archive_file(name, ".", ".lock");
  }

  /// A pointer on its way to archive(name).
  [[nodiscard]] std::string new_archive(std::string_view name) const {
    return archive_file(name, ".", ".new");
  }

  /// The directories that archive(name) lies in below archives(), outermost first.
  [[nodiscard]] std::vector<std::string> archive_directories(std::string_view name) const;

  [[nodiscard]] std::string pack(std::string_view name) const {
    return packs() + "/" + std::string(name) + ".pack";
  }

  [[nodiscard]] std::string index(std::string_view name) const {
    return packs() + "/" + std::string(name) + ".idx";
  }

  [[nodiscard]] std::string git_index(std::string_view name) const {
    return packs() + "/" + std::string(name) + ".gitidx";
  }

 private:
  [[nodiscard]] std::string archive_file(std::string_view name, std::string_view before,
                                         std::string_view after) const;
};

/// What a directory in archives/ has behind the part of the name that it stands for.
inline constexpr char kArchiveDirectorySuffix = '@';

/// The path prefixes of an archive's name, shortest first: of a/b/c, a and a/b.
[[nodiscard]] std::vector<std::string> archive_name_prefixes(std::string_view name);

/// Whether a name in archives/ is that of a lock.
[[nodiscard]] constexpr bool is_archive_lock_name(std::string_view name) {
  return name.starts_with('.') && name.ends_with(".lock");
}

/// What an archive's file holds: a record's id in hex and a newline. kCorrupt otherwise.
Result<ObjectId> decode_archive_pointer(std::string_view content, const std::string& path);
[[nodiscard]] std::string encode_archive_pointer(const ObjectId& record);

}  // namespace bale
