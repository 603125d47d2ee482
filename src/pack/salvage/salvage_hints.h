// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// SalvageHints: where entries of a damaged pack may lie, as an index says that may be damaged
// itself, or be another pack's. Nothing is believed: an offset is worth a look, no more.
//
// Memory: what create() is given, while it runs and after. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/budget.h"
#include "pack/read/pack_bytes.h"
#include "scratch/external_sorter.h"

namespace bale {

class SalvageHints {
 public:
  struct Hint {
    std::uint64_t offset = 0;
    std::uint64_t id_start = 0;  ///< the first 8 bytes of the id
  };

  /// The first bytes of an id, as in a Hint.
  [[nodiscard]] static std::uint64_t start_of(const ObjectId& id);

  /// An empty path, an index that is not there and one that cannot be read give no hints.
  [[nodiscard]] static Result<SalvageHints> create(const PackBytes& pack,
                                                   const std::string& index_path, Budget& budget,
                                                   const SorterOptions& options);

  /// The first one at `offset` or behind; nullopt if there is none. Offsets must not fall.
  Result<std::optional<Hint>> first_from(std::uint64_t offset);

  /// Whether the index is whole, and the one that was made of this pack.
  [[nodiscard]] bool trusted() const { return trusted_; }

 private:
  SalvageHints() = default;

  std::optional<ExternalSorter<16>> sorter_;
  std::optional<Hint> next_;
  bool trusted_ = false;
};

}  // namespace bale
