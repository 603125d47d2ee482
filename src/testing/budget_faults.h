// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Refuses a chosen charge, as a budget does that is full.
//
//   for (std::uint64_t n = 0;; ++n) {
//     BudgetFaults faults({.charge = n});
//     const bool ok = import().has_value();
//     if (!faults.fired()) break;    // every charge was refused once
//   }

#pragma once

#include <cstdint>

namespace bale {

struct BudgetFault {
  /// Which one, counted from 0, among all charges of the process.
  std::uint64_t charge = 0;
  /// All after it too.
  bool forever = false;
};

/// In force as long as it lives; one at a time. Charges may come from any thread.
class BudgetFaults {
 public:
  explicit BudgetFaults(const BudgetFault& fault);
  BudgetFaults(const BudgetFaults&) = delete;
  BudgetFaults& operator=(const BudgetFaults&) = delete;
  ~BudgetFaults();

  /// Whether a charge was refused.
  [[nodiscard]] static bool fired();
};

}  // namespace bale
