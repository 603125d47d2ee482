// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The list of verbs: what the help says of each, and where it is declared.

#include "cli/verbs.h"

#include "base/check.h"

namespace bale::cli {
namespace {

constexpr Verb kVerbs[] = {
    {"", "init", "make an empty store", "  bale init --store archive.bale\n", declare_init},
    {"import", "git", "archive a Git repository",
     "  bale import git /srv/linux.git --store archive.bale\n"
     "  bale import git . --name my-work --all-objects\n",
     declare_import_git},
    {"", "list", "list the archives of a store",
     "  bale list --store archive.bale\n  bale list --json\n", declare_list},
    {"", "log", "list the records of an archive, newest first",
     "  bale log linux\n  bale log linux@3     # from the third record before the newest\n",
     declare_log},
    {"", "refs", "list the refs of an archive", "  bale refs linux\n  bale refs linux@1 --json\n",
     declare_refs},
    {"", "ls", "list a directory of an archive",
     "  bale ls linux\n  bale ls linux:drivers/net\n  bale ls linux/v6.1:\n  bale ls "
     "linux@1:README\n",
     declare_ls},
    {"", "cat", "print the bytes of an object",
     "  bale cat 3b18e512dba79e4c8300dd08aeb37f8e728b8dad\n  bale cat 3b18e5 > file\n",
     declare_cat},
    {"", "show", "print what is known of an object", "  bale show 3b18e5\n", declare_show},
    {"export", "git", "write an archive as a bare Git repository",
     "  bale export git linux linux.git\n  bale export git linux@1 as-it-was.git\n",
     declare_export_git},
    {"export", "dir", "write the files of an archive",
     "  bale export dir linux/v6.1 linux-6.1\n  bale export dir linux:Documentation docs\n",
     declare_export_dir},
    {"", "verify", "check the store, or what one archive reaches",
     "  bale verify\n  bale verify linux\n  bale verify --quick --json\n", declare_verify},
    {"", "stats", "show what the store holds, in numbers", "  bale stats --store archive.bale\n",
     declare_stats},
    {"pack", "build", "pack an object stream from standard input",
     "  bale pack build objects.pack < objects.frames\n"
     "  producer | bale pack build objects.pack --level 19 --json\n",
     declare_pack_build},
    {"pack", "list", "list the entries of a pack", "  bale pack list objects.pack\n",
     declare_pack_list},
    {"pack", "dump", "list the objects of a pack with the BLAKE3 of each payload",
     "  bale pack dump objects.pack > manifest.tsv\n", declare_pack_dump},
    {"pack", "cat", "print one payload of a pack", "  bale pack cat objects.pack 4f21aa > file\n",
     declare_pack_cat},
    {"pack", "verify", "check everything in a pack and its index",
     "  bale pack verify objects.pack\n  bale pack verify objects.pack --json\n",
     declare_pack_verify},
    {"pack", "index", "make the index from the pack alone",
     "  bale pack index objects.pack objects.idx\n", declare_pack_index},
};

}  // namespace

std::span<const Verb> all_verbs() {
  return kVerbs;
}

std::string_view group_summary(std::string_view group) {
  if (group == "import") return "archive something into a store";
  if (group == "export") return "write out what a store holds";
  CHECK(group == "pack");
  return "verbs on single packs";
}

}  // namespace bale::cli
