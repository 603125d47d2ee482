// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The verbs of the program. Each has its own file, with one function that declares its options and
// returns the function to run after parsing.

#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "bale/result.h"
#include "cli/arguments.h"
#include "cli/session.h"

namespace bale::cli {

/// Runs a verb; returns the exit status, or an Error, which becomes one.
using VerbRun = std::function<Result<int>(Session&)>;

struct Verb {
  std::string_view group;     ///< "pack" for `bale pack build`; empty for most
  std::string_view name;      ///< "build"
  std::string_view summary;   ///< one line
  std::string_view examples;  ///< lines, after two spaces each
  VerbRun (*declare)(Arguments& arguments);
};

/// In the order of the help. Lives as long as the program.
[[nodiscard]] std::span<const Verb> all_verbs();

/// One line on the verbs of a group.
[[nodiscard]] std::string_view group_summary(std::string_view group);

VerbRun declare_init(Arguments& arguments);
VerbRun declare_import_git(Arguments& arguments);
VerbRun declare_list(Arguments& arguments);
VerbRun declare_log(Arguments& arguments);
VerbRun declare_refs(Arguments& arguments);
VerbRun declare_ls(Arguments& arguments);
VerbRun declare_cat(Arguments& arguments);
VerbRun declare_show(Arguments& arguments);
VerbRun declare_export_git(Arguments& arguments);
VerbRun declare_export_dir(Arguments& arguments);
VerbRun declare_verify(Arguments& arguments);
VerbRun declare_stats(Arguments& arguments);
VerbRun declare_repack(Arguments& arguments);
VerbRun declare_gc(Arguments& arguments);
VerbRun declare_repair(Arguments& arguments);
VerbRun declare_archive_rm(Arguments& arguments);
VerbRun declare_archive_prune(Arguments& arguments);
VerbRun declare_archive_undo(Arguments& arguments);
VerbRun declare_pack_build(Arguments& arguments);
VerbRun declare_pack_list(Arguments& arguments);
VerbRun declare_pack_dump(Arguments& arguments);
VerbRun declare_pack_cat(Arguments& arguments);
VerbRun declare_pack_verify(Arguments& arguments);
VerbRun declare_pack_index(Arguments& arguments);

}  // namespace bale::cli
