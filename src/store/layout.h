// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Where the pieces of a store lie, and what their names look like.

#pragma once

#include <string>
#include <string_view>

#include "bale/object.h"
#include "bale/result.h"

namespace bale {

/// The file that says that a directory is a store, and its whole content.
inline constexpr std::string_view kStoreMarkName = "bale-store";
inline constexpr std::string_view kStoreMark = "bale store 1\n";

/// A damaged pack keeps this name in packs/ from the moment in which its new one is about to come,
/// which may have the same name, until that is there: NAME.damaged.pack.
inline constexpr std::string_view kDamagedMark = ".damaged";

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

  /// Archive names cannot begin with a dot, so what does is ours.
  [[nodiscard]] std::string archive(std::string_view name) const {
    return archives() + "/" + std::string(name);
  }

  [[nodiscard]] std::string archive_lock(std::string_view name) const {
    return archives() + "/." + std::string(name) + ".lock";
  }

  [[nodiscard]] std::string pack(std::string_view name) const {
    return packs() + "/" + std::string(name) + ".pack";
  }

  [[nodiscard]] std::string index(std::string_view name) const {
    return packs() + "/" + std::string(name) + ".idx";
  }

  [[nodiscard]] std::string git_index(std::string_view name) const {
    return packs() + "/" + std::string(name) + ".gitidx";
  }
};

/// Whether a name in archives/ is that of a lock.
[[nodiscard]] constexpr bool is_archive_lock_name(std::string_view name) {
  return name.starts_with('.') && name.ends_with(".lock");
}

/// What an archive's file holds: a record's content hash in hex and a newline. kCorrupt otherwise.
Result<ObjectId> decode_archive_pointer(std::string_view content, const std::string& path);
[[nodiscard]] std::string encode_archive_pointer(const ObjectId& record);

}  // namespace bale
