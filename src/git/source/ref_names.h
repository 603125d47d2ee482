// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// Checks of names in refs, beyond check_ref_name(). All functions are thread-safe.

#pragma once

#include <string>
#include <string_view>

#include "bale/result.h"

namespace bale {

/// kInvalidArgument unless `target` is valid for a symbolic ref other than HEAD: a full ref name,
/// HEAD, or a name outside refs/ that git would look up in the git directory.
[[nodiscard]] Result<void> check_symref_target(std::string_view target);

/// A work tree's name as a component of a ref name: unchanged if it can be one, else with %XX for
/// all but letters, digits, '-' and '_'.
[[nodiscard]] std::string ref_component(const std::string& name);

}  // namespace bale
