// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Bringing lost objects back from another place. What comes is believed only where its id, computed
// anew, is the one that was asked for.
//
// Memory: RepairOptions::memory_bytes, half of it for the pack that is built. Not thread-safe.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "bale/git_oid.h"
#include "bale/store.h"
#include "bale/store_repair.h"
#include "store/core/staged_pack.h"
#include "store/repair/repair_lost.h"
#include "store/repair/repair_work.h"

namespace bale {

class LostFetcher {
 public:
  /// Requires options.from. `work` and `store` must outlive it.
  LostFetcher(RepairWork& work, const Store& store) : work_(work), store_(store) {}

  /// Fetches what was found lost, and what the objects that come lead to. Whether anything came,
  /// and is installed now: then the store must be refreshed and searched again.
  Result<bool> fetch(const LostSearch& search);

  /// The same for these alone: records that pointers lead to.
  Result<bool> fetch(const std::set<ObjectId>& records);

 private:
  // An object on its way. What is larger than `most_bytes` is hashed and not kept.
  struct Arrival {
    ObjectType type = ObjectType::kBlob;
    std::uint64_t size = 0;
    std::uint64_t received = 0;
    bool kept = false;
    std::string payload;
  };

  Result<void> fetch_of_hash(const LostSearch& search, GitHash hash);
  Result<void> fetch_by_oid(const LostSearch& search, const GitOid& oid);
  Result<void> fetch_own(const ObjectId& id, std::optional<GitHash> hash);
  Result<void> fetch_large(const GitOid& oid, const Arrival& known);
  Result<void> follow(const LostSearch& search, const GitOid& oid, const Arrival& arrival);
  Result<StagedPack*> staged(GitHash hash);
  Result<bool> install();
  void refuse(const std::string& id);

  [[nodiscard]] std::uint64_t most_kept_bytes() const {
    return work_.options.work.memory_bytes / 8;
  }

  RepairWork& work_;
  const Store& store_;
  std::unique_ptr<StagedPack> staged_;
  std::uint64_t staged_count_ = 0;
  std::deque<GitOid> waiting_;
  std::set<GitOid> asked_;
  std::set<std::string> refused_;  // that were told of
};

}  // namespace bale
