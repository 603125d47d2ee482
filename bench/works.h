// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The works: what is done, by whom, and what is asked of bale.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
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
  double scale = 1;                     ///< of the number of objects
  std::vector<std::string> peers;       ///< those that take part
  std::vector<std::string> peers_at_x;  ///< and where that takes an hour

  /// `count` scaled, at least 2.
  [[nodiscard]] std::size_t scaled(std::size_t count) const {
    return std::max<std::size_t>(
        2, static_cast<std::size_t>(std::llround(scale * static_cast<double>(count))));
  }
};

/// The peers of these names that this program was built with.
[[nodiscard]] std::vector<std::unique_ptr<Contender>> make_peers(
    const std::vector<std::string>& names);

// Building packs of small (s), medium (m) and large (l) objects.
[[nodiscard]] std::vector<Work> build_small(const Settings& settings);
[[nodiscard]] std::vector<Work> build_medium(const Settings& settings);
[[nodiscard]] std::vector<Work> build_large(const Settings& settings);

/// Building a pack of very many (x), and opening it.
[[nodiscard]] std::vector<Work> build_huge(const Settings& settings);

/// Only opening it.
[[nodiscard]] std::vector<Work> open_huge(const Settings& settings);

// Reading at random: ids, and small and medium objects.
[[nodiscard]] std::vector<Work> look_up_ids(const Settings& settings);
[[nodiscard]] std::vector<Work> get_objects(const Settings& settings);

// Whole packs.
[[nodiscard]] std::vector<Work> verify_packs(const Settings& settings);
[[nodiscard]] std::vector<Work> index_packs(const Settings& settings);

/// Opening a pack that is there.
[[nodiscard]] Work open_pack(const Settings& settings, const std::string& pack_path,
                             std::uint64_t object_count);

}  // namespace bale::bench
