// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// A Git repository as a source of objects for repairing a store.
//
//   const auto source = bale::open_git_object_source("/srv/linux.git", operation);
//   if (!source) return source.error();
//   const auto summary = bale::repair_store("archive.bale", {.from = source->get()});

#pragma once

#include <memory>
#include <string>

#include "bale/export.h"
#include "bale/progress.h"
#include "bale/result.h"
#include "bale/store_repair.h"

namespace bale {

/// Opens the repository at `path`, by the rules of import_git(). A damaged one gives the objects
/// that can be read. Its configuration is ignored. One `git` child runs at a time. `operation` and
/// the calling thread must outlive the source.
[[nodiscard]] BALE_EXPORT Result<std::unique_ptr<ObjectSource>> open_git_object_source(
    const std::string& path, const Operation& operation);

}  // namespace bale
