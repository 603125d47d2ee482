// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Refuses a chosen charge, like a full budget.
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
  /// Its number among all charges of the process, from 0.
  std::uint64_t charge = 0;
  /// Also refuse all later ones.
  bool forever = false;
};

/// Active until destroyed; one at a time. Charges may be made by any thread.
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
