// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// What was measured, as a table for people and as JSON for programs.

#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/sample.h"

namespace bale::bench {

/// What several runs gave.
struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};

[[nodiscard]] Spread spread_of(std::vector<double> values);

/// All runs of one contender at one work.
struct Row {
  std::string contender;
  std::string manner;
  std::vector<Sample> samples;

  [[nodiscard]] Spread seconds() const;

  [[nodiscard]] double median_seconds() const { return seconds().median; }
};

/// What is wanted of bale, and what was measured.
struct Target {
  std::string what;
  double have = 0;
  double want = 0;
  bool at_most = false;  ///< want is an upper bound

  [[nodiscard]] bool met() const { return at_most ? have <= want : have >= want; }
};

/// One work: what was done, by whom, how fast.
struct Work {
  std::string name;
  std::string title;
  std::uint64_t operations = 0;  ///< objects that were stored or read
  std::uint64_t bytes = 0;       ///< of their payloads; 0 where that means nothing
  std::vector<Row> rows;
  std::vector<Target> targets;

  [[nodiscard]] const Row* find(const std::string& contender) const;

  /// How many times faster bale is than `contender`, by medians: below 1, it is slower. 0 if either
  /// is missing.
  [[nodiscard]] double times(const std::string& contender) const;

  /// The fastest of the rows that are neither bale nor a limit; nullptr if there are none.
  [[nodiscard]] const Row* best_peer() const;
};

/// Prints the work's table on standard output.
void print(const Work& work);

[[nodiscard]] nlohmann::json to_json(const Work& work);

/// What the figures depend on: processor, cores, memory, kernel, compiler, versions.
[[nodiscard]] nlohmann::json machine_json();

}  // namespace bale::bench
