// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "git/source/ref_names.h"

#include "bale/archive_name.h"
#include "base/error.h"

namespace bale {

Result<void> check_symref_target(std::string_view target) {
  if (target.starts_with("refs/")) return check_ref_name(target);
  // Standard files of a git directory are not refs.
  const std::string_view first = target.substr(0, target.find('/'));
  for (const std::string_view taken : {"config", "objects", "packed-refs", "refs", "shallow"}) {
    if (first == taken) {
      return fail(ErrorCode::kInvalidArgument, "'{}' is not a valid target for a symbolic ref",
                  target);
    }
  }
  return check_ref_name(fmt::format("refs/{}", target));
}

std::string ref_component(const std::string& name) {
  if (check_ref_name("refs/" + name)) return name;
  std::string encoded;
  for (const char c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '_';
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

}  // namespace bale
