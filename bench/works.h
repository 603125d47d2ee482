// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The works: what is done, by whom, and what is asked of bale.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/contender.h"
#include "bench/disk.h"
#include "bench/report.h"

namespace bale::bench {

/// What the command line says.
struct Settings {
  const WorkDirectory* directory = nullptr;
  int runs = 5;
  double scale = 1;                ///< of the number of objects
  std::vector<std::string> peers;  ///< those that take part

  /// `count` scaled, at least 10.
  [[nodiscard]] std::size_t scaled(std::size_t count) const;
};

/// The peers of these names that this program was built with.
[[nodiscard]] std::vector<std::unique_ptr<Contender>> make_peers(
    const std::vector<std::string>& names);

// Building packs of small (s), medium (m) and large (l) objects.
[[nodiscard]] Work build_small(const Settings& settings);
[[nodiscard]] Work build_medium(const Settings& settings);
[[nodiscard]] Work build_large(const Settings& settings);

}  // namespace bale::bench
