// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The packs' part of a repair: afterwards each pack in packs/ is sound and has both its indexes.

#pragma once

#include <optional>
#include <string>

#include "bale/git_oid.h"
#include "bale/pack_reader.h"
#include "bale/store.h"
#include "store/repair/repair_work.h"

namespace bale {

class PackRepair {
 public:
  /// `store` may know packs that are damaged; it must be opened anew after run().
  PackRepair(RepairWork& work, const Snapshot& store) : work_(work), store_(store) {}

  /// Whether anything was found to be done.
  Result<bool> run();

 private:
  Result<void> repair_pack(const std::string& name);
  [[nodiscard]] Result<bool> is_unreadable(const Error& error, const std::string& name) const;
  [[nodiscard]] std::optional<Error> refusal(const std::string& name) const;
  Result<bool> is_sound(const std::string& name, const std::string& index_path,
                        const std::string& scratch) const;
  Result<void> repair_git_index(const std::string& name, const std::string& index_path,
                                const std::string& scratch);
  Result<void> foretell(const PackReader& pack, ReadContext& context);
  Result<void> put(const std::string& made, const std::string& path, const std::string& name);
  static Result<std::optional<GitHash>> hash_by_commit(const PackReader& pack,
                                                       ReadContext& context);
  Result<std::optional<GitHash>> hash_in_header(const std::string& name) const;
  Result<std::optional<GitHash>> hash_of_others() const;
  Result<std::optional<GitHash>> hash_without_record(const std::string& name) const;

  RepairWork& work_;
  const Snapshot store_;
  bool changed_ = false;
};

}  // namespace bale
