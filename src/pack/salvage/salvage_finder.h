// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// SalvageFinder: walks over a damaged pack and finds the entries that are left.
//
// Where an entry ends the next one should begin. Where none does, one is searched for: first where
// an index says that there is one, if that index is whole and this pack's; then byte by byte. After
// too much was tried in vain it gives up searching, and looks only where an index says.
//
// Time: linear in the file's bytes, whatever they are. Memory: kWindowBytes, charged, and the
// hints'. Not thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bale/progress.h"
#include "base/budget.h"
#include "pack/salvage/salvage_hints.h"
#include "pack/salvage/salvage_prover.h"

namespace bale {

/// Bytes of a damaged pack in which no whole entry was found.
struct SalvageGap {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;

  bool operator==(const SalvageGap&) const = default;
};

class SalvageFinder {
 public:
  static constexpr std::size_t kWindowBytes = 256 << 10;
  static constexpr std::size_t kMostGaps = 1000;

  /// What is referred to must outlive the finder. `more_vain_bytes`: what the prover may try in
  /// vain once more where an index leads, after it has run out.
  [[nodiscard]] static Result<SalvageFinder> create(const PackBytes& pack, SalvageProver& prover,
                                                    SalvageHints& hints, Budget& budget,
                                                    const Operation& operation,
                                                    std::uint64_t more_vain_bytes);

  /// The next entry in the file; nullopt at its end.
  Result<std::optional<SalvageProver::Found>> next();

  /// What the header says, if it is whole.
  [[nodiscard]] std::optional<std::uint64_t> declared_count() const { return declared_count_; }

  /// Of all gaps so far, the first kMostGaps.
  [[nodiscard]] const std::vector<SalvageGap>& gaps() const { return gaps_; }

  [[nodiscard]] std::uint64_t gap_bytes() const { return gap_bytes_; }

  [[nodiscard]] bool gave_up() const { return gave_up_; }

 private:
  using Found = SalvageProver::Found;

  SalvageFinder(const PackBytes& pack, SalvageProver& prover, SalvageHints& hints,
                const Operation& operation, std::uint64_t more_vain_bytes)
      : pack_(&pack),
        prover_(&prover),
        hints_(&hints),
        operation_(&operation),
        more_vain_bytes_(more_vain_bytes) {}

  Result<void> read_pack_header();
  Result<std::optional<Found>> find_next(const Found* delta_before);
  Result<std::optional<Found>> find_across(const Found& delta);
  void accept(const Found& found);
  void note_gap(std::uint64_t end);
  Result<std::optional<Found>> try_hint(const SalvageHints::Hint& hint);
  Result<std::optional<Found>> search();
  Result<std::optional<Found>> search_bytes(std::uint64_t from);
  Result<std::optional<Found>> search_hints(std::uint64_t from);
  Result<std::optional<std::uint64_t>> next_plausible(std::uint64_t from);
  Result<Bytes> window_from(std::uint64_t offset);

  const PackBytes* pack_;
  SalvageProver* prover_;
  SalvageHints* hints_;
  const Operation* operation_;
  std::uint64_t more_vain_bytes_;
  Buffer window_;
  std::uint64_t window_offset_ = 0;
  std::size_t window_bytes_ = 0;
  std::uint64_t position_ = 0;  // where the last entry ends, and the next should begin
  std::optional<Found> ahead_;  // what comes after that is known already
  bool is_ahead_ = false;
  std::uint64_t found_count_ = 0;
  std::optional<std::uint64_t> declared_count_;
  std::vector<SalvageGap> gaps_;
  std::uint64_t gap_bytes_ = 0;
  bool gave_up_ = false;
};

}  // namespace bale
