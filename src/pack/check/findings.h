// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Findings: what a check found wrong, in the order of offsets: the first thousand of it, and how
// much more there was. So a pack that is nothing but damage takes no more memory than another.
//
// Several threads each keep their own, which are put together in the end. Not thread-safe.

#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "bale/result.h"

namespace bale {

class Findings {
 public:
  static constexpr std::size_t kMost = 1'000;

  /// Requires an offset that is not below those before it.
  void note(std::uint64_t offset, Error error) {
    if (found_.size() < kMost) {
      found_.push_back({offset, std::move(error)});
    } else {
      ++omitted_;
    }
  }

  /// Adds what another check found, at any offsets.
  void merge(Findings&& other) {
    std::vector<Found> both;
    both.reserve(found_.size() + other.found_.size());
    std::merge(std::make_move_iterator(found_.begin()), std::make_move_iterator(found_.end()),
               std::make_move_iterator(other.found_.begin()),
               std::make_move_iterator(other.found_.end()), std::back_inserter(both),
               [](const Found& a, const Found& b) { return a.offset < b.offset; });
    omitted_ += other.omitted_;
    if (both.size() > kMost) {
      omitted_ += both.size() - kMost;
      both.resize(kMost);
    }
    found_ = std::move(both);
    other = Findings();
  }

  /// Puts them behind `errors`, up to kMost in all.
  void append_to(std::vector<Error>& errors, std::uint64_t& omitted) && {
    omitted += omitted_;
    for (Found& found : found_) {
      if (errors.size() < kMost) {
        errors.push_back(std::move(found.error));
      } else {
        ++omitted;
      }
    }
  }

 private:
  struct Found {
    std::uint64_t offset = 0;
    Error error{};
  };

  std::vector<Found> found_;
  std::uint64_t omitted_ = 0;
};

}  // namespace bale
