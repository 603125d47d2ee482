// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checks and parses names. An archive's name contains neither '@' nor ':', so the first of them
// ends it at the latest, and nothing needs quoting. It may also end at any earlier '/'.

#include "bale/archive_name.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/try.h"
#include "object/percent.h"
#include "object/printable.h"

namespace bale {
namespace {

// Messages truncate names to this: a hostile one may be as long as its record.

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

// U+0080 to U+009F, which a terminal may interpret as control characters. Requires valid UTF-8.
bool holds_c1_control(std::string_view text) {
  for (std::size_t i = text.find('\xC2'); i != std::string_view::npos;
       i = text.find('\xC2', i + 1)) {
    if (static_cast<unsigned char>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

// Calls `visit` with each piece between slashes until it returns an Error; "" has one piece.
template <typename Visit>
Result<void> for_each_component(std::string_view path, Visit visit) {
  while (true) {
    const std::size_t slash = path.find('/');
    TRY(visit(path.substr(0, slash)));
    if (slash == std::string_view::npos) return {};
    path.remove_prefix(slash + 1);
  }
}

Result<std::string> normalized_path(std::string_view path) {
  std::string normal;
  TRY(for_each_component(path, [&](std::string_view component) -> Result<void> {
    if (component.empty()) return {};
    if (component == "." || component == "..") {
      return fail(ErrorCode::kInvalidArgument, "the path '{}' has a component '{}'", escaped(path),
                  component);
    }
    if (!normal.empty()) normal.push_back('/');
    normal.append(component);
    return {};
  }));
  return normal;
}

Result<std::uint64_t> record_number(std::string_view digits) {
  std::uint64_t number = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc() || stop != end) {
    return fail(ErrorCode::kInvalidArgument,
                "'{}' is not the number of a record (NAME@0 is the newest, NAME@1 the one before)",
                escaped(digits));
  }
  return number;
}

// One way to read the text before the ':': the name ends at `end`, which is a '/', the '@' or the
// end of the text.
Result<ArchivePath> read_with_name(std::string_view text, std::size_t end) {
  ArchivePath place;
  TRY(check_archive_name(text.substr(0, end)));
  place.name = text.substr(0, end);
  std::string_view rest = text.substr(end);
  if (rest.starts_with('@')) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    place.record_back = TRY(record_number(rest.substr(1, slash - 1)));
    rest.remove_prefix(slash);
  }
  if (rest.empty()) return place;
  place.ref = rest.substr(1);
  if (!place.ref->empty()) return place;
  return fail(ErrorCode::kInvalidArgument, "'{}' names no ref after the '/'", escaped(text));
}

}  // namespace

Result<void> check_archive_name(std::string_view name) {
  const auto refuse = [name](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument, "'{}' cannot be the name of an archive: {}",
                escaped(name.substr(0, kMaxQuotedBytes)), why);
  };
  if (name.empty()) return refuse("it is empty");
  if (name.size() > kMaxArchiveNameBytes) return refuse("it has more than 200 bytes");
  if (!is_valid_utf8(name)) return refuse("it is not UTF-8");
  if (name.find_first_of("@:") != std::string_view::npos) return refuse("it holds '@' or ':'");
  if (std::any_of(name.begin(), name.end(), is_control) || holds_c1_control(name)) {
    return refuse("it holds a control character");
  }
  return for_each_component(name, [&](std::string_view part) -> Result<void> {
    if (part.empty()) return refuse("it has an empty part before or after a '/'");
    if (part.front() != '-' && part.front() != '.') return {};
    return refuse("it, or a part of it after a '/', starts with '-' or '.'");
  });
}

Result<std::vector<ArchivePath>> parse_archive_path(std::string_view text) {
  std::optional<std::string> path;
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    path = TRY(normalized_path(text.substr(colon + 1)));
    text = text.substr(0, colon);
  }
  const std::size_t longest = std::min(text.find('@'), text.size());
  std::vector<ArchivePath> readings;
  Result<ArchivePath> reading = read_with_name(text, longest);
  for (std::size_t end = longest;;) {
    if (reading) {
      reading->path = path;
      readings.push_back(std::move(*reading));
    }
    end = end == 0 ? std::string_view::npos : text.rfind('/', end - 1);
    if (end == std::string_view::npos) break;
    reading = read_with_name(text, end);
  }
  if (readings.empty()) return reading.error();  // of the shortest name
  return readings;
}

Result<void> check_ref_name(std::string_view name) {
  const auto refuse = [name](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument, "'{}' is not a valid ref name: {}",
                escaped(name.substr(0, kMaxQuotedBytes)), why);
  };
  if (!name.starts_with("refs/")) return refuse("it does not start with 'refs/'");
  if (std::any_of(name.begin(), name.end(), is_control) ||
      name.find_first_of(" ~^:?*[\\") != std::string_view::npos) {
    return refuse("it holds a control character, a space, or one of ~^:?*[\\");
  }
  if (name.find("..") != std::string_view::npos || name.find("@{") != std::string_view::npos) {
    return refuse("it holds '..' or '@{'");
  }
  if (name.back() == '.') return refuse("it ends with '.'");
  return for_each_component(name, [&](std::string_view component) -> Result<void> {
    if (component.empty()) return refuse("it has an empty component");
    if (component.front() == '.') return refuse("a component starts with '.'");
    if (component.ends_with(".lock")) return refuse("a component ends with '.lock'");
    return {};
  });
}

}  // namespace bale
