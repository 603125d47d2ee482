// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/missing_notes.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/counted.h"
#include "cli/errors.h"
#include "object/printable.h"

namespace bale::cli {

void note_missing_refs(const std::string& archive, const std::vector<std::string>& refs) {
  for (std::size_t i = 0; i < std::min(refs.size(), kRefsNamed); ++i) {
    print_note(fmt::format("{}: {} leads to a missing object", archive, quoted_name(refs[i])));
  }
  if (refs.size() > kRefsNamed) {
    print_note(fmt::format("{}: {} to missing objects", archive,
                           refs.size() == kRefsNamed + 1
                               ? "1 more ref leads"
                               : fmt::format("{} more refs lead", refs.size() - kRefsNamed)));
  }
}

std::string missing_words(std::uint64_t missing) {
  return missing == 0 ? "" : fmt::format(", {} missing", missing);
}

}  // namespace bale::cli
