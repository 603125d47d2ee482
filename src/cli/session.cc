// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// One run of one verb.

#include "cli/session.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "base/memory_size.h"
#include "cli/errors.h"
#include "object/printable.h"

namespace bale::cli {

Session::Session(CommonOptions options, const std::atomic<bool>& cancel)
    : options_(std::move(options)),
      cancel_(cancel),
      out_(STDOUT_FILENO, &cancel),
      progress_(STDERR_FILENO, wants_progress(options_.progress, options_.quiet)) {}

Operation Session::operation() {
  Operation operation;
  operation.cancel = &cancel_;
  if (progress_.enabled()) {
    operation.report = [this](const Progress& progress) { progress_.report(progress); };
  }
  return operation;
}

Result<void> Session::go_on() const {
  if (cancel_.load(std::memory_order_relaxed)) return fail(ErrorCode::kInterrupted, "interrupted");
  return {};
}

Result<void> Session::summary(const std::string& json_object, std::string_view sentence) {
  progress_.clear();
  if (json()) return out_.line(json_object);
  if (options_.quiet) return {};
  return out_.line(escaped(sentence));
}

void Session::warn_of_few_deltas(std::uint64_t memory_bytes, std::uint64_t enough_bytes) {
  if (options_.quiet || memory_bytes >= enough_bytes) return;
  progress_.clear();
  print_note(
      fmt::format("with --memory {}, objects above 256K are stored without deltas, and packs can "
                  "be several times larger (give --memory {} or more)",
                  memory_size(memory_bytes), memory_size(enough_bytes)));
}

Result<std::string> Session::store_path() const {
  if (!options_.store.empty()) return options_.store;
  // No other thread exists yet that could change the environment.
  const char* const variable = std::getenv("BALE_STORE");  // NOLINT(concurrency-mt-unsafe)
  if (variable != nullptr && *variable != '\0') return std::string(variable);
  return fail(ErrorCode::kInvalidArgument, "no store given (give --store DIR or set BALE_STORE)");
}

}  // namespace bale::cli
