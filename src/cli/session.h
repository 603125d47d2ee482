// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The context of a verb: common options, standard output, progress, cancellation.

#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bale/progress.h"
#include "bale/result.h"
#include "cli/output.h"
#include "cli/progress_line.h"

namespace bale::cli {

/// The default of --memory.
inline constexpr std::uint64_t kPackMemoryBytes = 16 << 20;   ///< for `pack` verbs
inline constexpr std::uint64_t kStoreMemoryBytes = 64 << 20;  ///< for all others

struct CommonOptions {
  std::string store;  ///< as given; empty: $BALE_STORE
  bool json = false;
  bool quiet = false;
  ProgressMode progress = ProgressMode::kAuto;
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::uint64_t> threads;
};

/// One run of one verb. Not thread-safe.
class Session {
 public:
  /// `cancel` must outlive it.
  Session(CommonOptions options, const std::atomic<bool>& cancel);

  [[nodiscard]] const CommonOptions& options() const { return options_; }

  [[nodiscard]] bool json() const { return options_.json; }

  /// The value of --memory (default: `otherwise`).
  [[nodiscard]] std::uint64_t memory_bytes(std::uint64_t otherwise) const {
    memory_bytes_ = options_.memory_bytes.value_or(otherwise);
    return memory_bytes_;
  }

  /// The last value returned above, which the verb uses.
  [[nodiscard]] std::uint64_t memory_bytes() const { return memory_bytes_; }

  /// The value of --threads, the number of lanes; 0: one per processor.
  [[nodiscard]] std::size_t lanes() const { return options_.threads.value_or(0); }

  [[nodiscard]] Output& out() { return out_; }

  [[nodiscard]] ProgressLine& progress() { return progress_; }

  [[nodiscard]] const std::atomic<bool>& cancel() const { return cancel_; }

  /// For the library: draws progress, and is cancelled by Ctrl-C. Valid during the session.
  [[nodiscard]] Operation operation();

  /// kInterrupted once cancelled. For loops outside the library.
  [[nodiscard]] Result<void> go_on() const;

  /// Prints a verb's result: the JSON object with --json, else the sentence, unless --quiet.
  Result<void> summary(const std::string& json_object, std::string_view sentence);

  /// Warns on standard error, unless --quiet, that deltas are found for small objects only, if
  /// `memory_bytes` is below `enough_bytes`.
  void warn_of_few_deltas(std::uint64_t memory_bytes, std::uint64_t enough_bytes);

  /// The store's directory: --store (default: $BALE_STORE). kInvalidArgument without either.
  [[nodiscard]] Result<std::string> store_path() const;

 private:
  CommonOptions options_;
  const std::atomic<bool>& cancel_;
  Output out_;
  ProgressLine progress_;
  mutable std::uint64_t memory_bytes_ = kStoreMemoryBytes;
};

}  // namespace bale::cli
