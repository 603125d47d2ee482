// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "testing/budget_faults.h"

#include <atomic>

#include "base/budget.h"
#include "base/check.h"

namespace bale {
namespace {

// The hook is a plain function, so its state is global.
std::atomic<std::uint64_t> charges = 0;
std::atomic<std::uint64_t> refused_charge = 0;
std::atomic<bool> forever = false;
std::atomic<bool> refused = false;

bool refuse(std::uint64_t /*bytes*/) {
  const std::uint64_t number = charges++;
  if (number != refused_charge && !(forever && number > refused_charge)) return false;
  refused = true;
  return true;
}

}  // namespace

BudgetFaults::BudgetFaults(const BudgetFault& fault) {
  charges = 0;
  refused_charge = fault.charge;
  forever = fault.forever;
  refused = false;
  const ChargeRefuser before = set_charge_refuser(refuse);
  CHECK(before == nullptr);
}

BudgetFaults::~BudgetFaults() {
  set_charge_refuser(nullptr);
}

bool BudgetFaults::fired() {
  return refused;
}

}  // namespace bale
