// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Parses the lines that git prints about objects. They depend on an untrusted repository, so a line
// may be anything.
//
// All functions are thread-safe.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "bale/git_oid.h"
#include "bale/object.h"

namespace bale {

/// An answer of `git cat-file --batch-command`: "OID TYPE SIZE" or "OID missing".
struct BatchAnswer {
  bool missing = false;
  ObjectType type = ObjectType::kBlob;
  std::uint64_t size = 0;
};

/// nullopt for any other line, and for one about another object.
[[nodiscard]] std::optional<BatchAnswer> parse_batch_answer(std::string_view line,
                                                            const GitOid& oid);

/// A line of `git rev-list --objects --missing=print`: "OID", "OID PATH" or "?OID".
struct ListedLine {
  GitOid oid;
  bool missing = false;
  std::optional<std::string_view> path;  ///< in the line; may be empty
};

/// nullopt for any other line.
[[nodiscard]] std::optional<ListedLine> parse_listed_line(std::string_view line);

}  // namespace bale
