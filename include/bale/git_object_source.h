// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A Git repository as a source of objects that a store has lost.
//
//   const auto source = bale::open_git_object_source("/srv/linux.git", operation);
//   if (!source) return source.error();
//   bale::repair_store("archive.bale", {.from = source->get()});

#pragma once

#include <memory>
#include <string>

#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store_repair.h"

namespace bale {

/// The repository that `path` means, as import_git() takes it: also one that is damaged, of which
/// what can be read is given. Nothing of its configuration is obeyed. Of git's own children one
/// runs at a time. `operation` must outlive the source, and so must the calling thread.
[[nodiscard]] Result<std::unique_ptr<ObjectSource>> open_git_object_source(
    const std::string& path, const Operation& operation);

}  // namespace bale
