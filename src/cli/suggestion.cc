// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The nearest word by Levenshtein distance, with two swapped letters as one edit.

#include "cli/suggestion.h"

#include <algorithm>
#include <vector>

namespace bale::cli {
namespace {

std::size_t distance(std::string_view a, std::string_view b) {
  // Rows of the usual table: the last but one, the last, the current one.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view typed, std::span<const std::string_view> known) {
  // A longer word is far from all others, and costs time.
  constexpr std::size_t kLongestTyped = 40;
  std::string_view best;
  if (typed.size() > kLongestTyped) return best;
  std::size_t best_distance = std::max<std::size_t>(typed.size() / 3, 1) + 1;
  for (const std::string_view word : known) {
    const std::size_t slips = distance(typed, word);
    if (slips >= best_distance) continue;
    best = word;
    best_distance = slips;
  }
  return best;
}

}  // namespace bale::cli
