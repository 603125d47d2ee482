// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Formats errors for people and for scripts.

#include "cli/errors.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "base/memory_size.h"
#include "cli/json_line.h"
#include "cli/sizes.h"
#include "io/stream.h"
#include "object/printable.h"

namespace bale::cli {
namespace {

// Enough for every read-only verb: two objects of any size (kAnyObjectBytes), and index pages.
constexpr std::uint64_t kEnoughToRead = 24 << 20;

// The code's part of the message.
std::string_view heading(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCorrupt:
      return "corrupt data: ";
    case ErrorCode::kNotFound:
      return "not found: ";
    case ErrorCode::kIncomplete:
      return "incomplete source: ";
    case ErrorCode::kIo:
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported:
    case ErrorCode::kLimitExceeded:
    case ErrorCode::kInterrupted:
      return "";
  }
  CHECK(false);
}

}  // namespace

int exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kIo:
    case ErrorCode::kUnsupported:
    case ErrorCode::kLimitExceeded:
      return 1;
    case ErrorCode::kInvalidArgument:
      return kStatusUsage;
    case ErrorCode::kCorrupt:
      return kStatusCorrupt;
    case ErrorCode::kNotFound:
      return 4;
    case ErrorCode::kIncomplete:
      return kStatusIncomplete;
    case ErrorCode::kInterrupted:
      return 130;
  }
  CHECK(false);
}

int status_of(const std::vector<Error>& errors) {
  if (errors.empty()) return kStatusDone;
  const bool only_unread = std::all_of(errors.begin(), errors.end(), [](const Error& error) {
    return error.code == ErrorCode::kIo;
  });
  return only_unread ? exit_status(ErrorCode::kIo) : kStatusCorrupt;
}

std::string error_line(const Error& error) {
  std::string line = "bale: ";
  line += heading(error.code);
  line += escaped(error.message);
  line += '\n';
  return line;
}

Error advised(Error error, std::uint64_t memory_bytes) {
  if (error.code != ErrorCode::kLimitExceeded) return error;
  const std::size_t at = error.message.rfind(kMemoryAdvice);
  if (at == std::string::npos) return error;
  const std::string_view advice = std::string_view(error.message).substr(at + kMemoryAdvice.size());
  const std::size_t middle = advice.find(kMemoryAllowed);
  if (middle == std::string_view::npos) return error;
  const std::string_view allowed = advice.substr(middle + kMemoryAllowed.size());
  const auto needed_bytes = parse_size(advice.substr(0, middle));
  const auto allowed_bytes = parse_size(allowed.substr(0, allowed.find(' ')));
  if (!needed_bytes || !allowed_bytes || *allowed_bytes == 0) return error;
  // An eighth more: sizes in messages are rounded. And at least enough for any object: the part may
  // need more later.
  const double growth = static_cast<double>(*needed_bytes) / static_cast<double>(*allowed_bytes);
  const double enough = std::max(static_cast<double>(kEnoughToRead),
                                 static_cast<double>(memory_bytes) * std::max(growth, 1.0) * 1.125);
  error.message.resize(at);
  error.message += fmt::format("(give --memory {} or more)",
                               memory_size(static_cast<std::uint64_t>(std::min(enough, 1e18))));
  return error;
}

void print_line(std::string_view line) {
  FdOutputStream standard_error(STDERR_FILENO, "standard error");
  static_cast<void>(standard_error.write(as_bytes(line)).has_value());
}

void print_note(std::string_view text) {
  print_line("bale: " + escaped(text) + "\n");
}

std::string error_object(const Error& error) {
  JsonLine line;
  line.text("code", to_string(error.code)).text("message", escaped(error.message));
  return line.object();
}

std::string error_objects(const std::vector<Error>& errors) {
  std::string array;
  for (const Error& error : errors) array += (array.empty() ? "" : ",") + error_object(error);
  return "[" + array + "]";
}

std::string error_json(const Error& error) {
  JsonLine line;
  line.value("error", error_object(error));
  return line.object();
}

}  // namespace bale::cli
