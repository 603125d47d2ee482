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

std::string advice_of(const Hint& hint) {
  const std::string archive = shell_word(hint.archive);
  switch (hint.kind) {
    case HintKind::kNone:
      break;
    case HintKind::kNeedsMemory:
      return fmt::format("give --memory {} or more", memory_size(hint.needed_bytes));
    case HintKind::kRebuildIndex:
      return "bale pack index rebuilds it from the pack";
    case HintKind::kRepair:
      return "bale repair restores it";
    case HintKind::kRepairWithSource:
      return "bale repair restores missing objects, with --from its source if need be" +
             (hint.archive.empty() ? "" : "; bale archive rm " + archive + " removes the archive");
    case HintKind::kRepairOrRemove:
      return fmt::format("bale repair restores it; if it cannot, bale archive rm {} gives it up",
                         archive);
    case HintKind::kRepairOrPrune:
      return fmt::format(
          "bale repair restores it, with --from another store that has the record if need be; bale "
          "archive prune {} --keep {} drops it and the older ones",
          archive, hint.keep);
    case HintKind::kRestoreBackup:
      return "restore it from a backup; bale repair makes an empty one";
    case HintKind::kPreviewRepair:
      return "bale repair --dry-run names the lost objects";
    case HintKind::kVerify:
      return "bale verify names all that is damaged";
    case HintKind::kRemoved:
      return "bale gc removes it; bale repair keeps no damaged object";
    case HintKind::kCreateStore:
      return "bale init makes one";
    case HintKind::kListArchives:
      return "bale list names the archives";
    case HintKind::kListRefs:
      return fmt::format("bale refs {} names them all", archive);
    case HintKind::kRemoveArchive:
      return "bale archive rm removes an archive";
    case HintKind::kReadFile:
      return "bale cat writes it";
    case HintKind::kExportDirectory:
      return "bale export dir writes its files";
    case HintKind::kAllowMissing:
      return "--allow-missing archives it without them and records which they were";
    case HintKind::kSkipBadRefs:
      return "repair or remove what is named, or import without it: --skip-bad-refs";
    case HintKind::kNameOrNewSource:
      return "--name archives it under another name; --new-source goes on with it under this one";
  }
  return "";
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
  line += escaped(with_advice(error));
  line += '\n';
  return line;
}

std::string with_advice(const Error& error) {
  const std::string advice = advice_of(error.hint);
  return advice.empty() ? error.message : fmt::format("{} ({})", error.message, advice);
}

std::vector<std::string> with_advice(const std::vector<Error>& errors) {
  std::vector<std::string> texts;
  texts.reserve(errors.size());
  for (const Error& error : errors) texts.push_back(with_advice(error));
  return texts;
}

Error advised(Error error, std::uint64_t memory_bytes) {
  Hint& hint = error.hint;
  if (hint.kind != HintKind::kNeedsMemory) return error;
  // An eighth more, and what is enough for any object of a store: the part may need more after
  // that.
  const double growth = static_cast<double>(hint.needed_bytes) /
                        static_cast<double>(std::max<std::uint64_t>(hint.allowed_bytes, 1));
  const double enough = std::max(static_cast<double>(kEnoughToRead),
                                 static_cast<double>(memory_bytes) * std::max(growth, 1.0) * 1.125);
  hint.needed_bytes = static_cast<std::uint64_t>(std::min(enough, 1e18));
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
  line.text("code", to_string(error.code)).text("message", escaped(with_advice(error)));
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
