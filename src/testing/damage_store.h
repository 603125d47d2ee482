// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A store for tests of damage: every object is in its own pack, so that each can be lost or damaged
// separately.
//
//   DamageStore store;
//   const GitOid file = store.blob("text");
//   const GitOid root = store.tree({{"dir/", store.tree({{"file", file}})}});
//   store.record("a", {{"refs/heads/main", store.commit(root, {})}});
//   store.lose(file);
//
// Failures end the program. Not thread-safe.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bale/git_oid.h"
#include "bale/object.h"
#include "bale/store_verifier.h"
#include "store/core/layout.h"
#include "testing/store_fixture.h"

namespace bale {

class DamageStore {
 public:
  DamageStore() : layout_{fixture_.path()} {}

  [[nodiscard]] Store& store() { return fixture_.store(); }

  [[nodiscard]] const StoreLayout& layout() const { return layout_; }

  GitOid blob(std::string_view text) { return add(ObjectType::kBlob, text); }

  /// Names in order; those of directories end with a slash.
  GitOid tree(const std::vector<std::pair<std::string, GitOid>>& entries);

  GitOid commit(const GitOid& tree, const std::vector<GitOid>& parents);

  /// The id of a blob that is not stored.
  [[nodiscard]] static GitOid unstored(std::string_view text);

  struct Absence {
    std::vector<GitOid> missing;
    std::vector<GitOid> shallow;
    std::vector<GitOid> unreached;  ///< objects without a ref
  };

  /// Adds a record to the archive.
  void record(const std::string& archive, const std::map<std::string, GitOid>& refs,
              const Absence& absence = {});

  /// The pack's path.
  [[nodiscard]] std::string pack_of(const GitOid& oid) const;

  /// Removes the object's pack.
  void lose(const GitOid& oid) const;

  /// Changes the object's last byte.
  void damage(const GitOid& oid) const;

  void make_catalog();

  /// Reopens and verifies the store.
  [[nodiscard]] Result<StoreReport> verify(const StoreCheckOptions& options = {}) const {
    return fixture_.verify(options);
  }

 private:
  GitOid add(ObjectType type, std::string_view payload);

  StoreFixture fixture_;
  StoreLayout layout_;
  std::map<GitOid, std::string> packs_;  // their names
};

}  // namespace bale
