// SPDX-FileCopyrightText: The bale authors
// SPDX-License-Identifier: Apache-2.0

// The list of verbs, with help and declaration.

#include "cli/verbs.h"

#include "base/check.h"

namespace bale::cli {
namespace {

constexpr Verb kVerbs[] = {
    {"", "init", "make an empty store", "  bale init --store archive.bale\n", declare_init},
    {"import", "git", "archive a Git repository",
     "  bale import git /srv/linux.git\n  bale import git . --name bale --store archive.bale\n"
     "  bale import git owner/repo.git --name github.com/owner/repo\n",
     declare_import_git},
    {"", "list", "list the archives of a store",
     "  bale list --store archive.bale\n  bale list --json\n", declare_list},
    {"", "log", "list the records of an archive, newest first",
     "  bale log linux\n  bale log linux@3     # from the third record before the newest\n",
     declare_log},
    {"", "refs", "list the refs of an archive", "  bale refs linux\n  bale refs linux@1 --json\n",
     declare_refs},
    {"", "ls", "list a tree in an archive",
     "  bale ls linux\n  bale ls linux@1:drivers/net\n  bale ls linux/v6.1:Documentation\n",
     declare_ls},
    {"", "cat", "print the content of an object",
     "  bale cat 3b18e512dba79e4c8300dd08aeb37f8e728b8dad\n  bale cat linux:README > file\n",
     declare_cat},
    {"", "show", "print an object's ids, type, sizes and place", "  bale show 3b18e5\n",
     declare_show},
    {"export", "git", "make a bare Git repository from an archive",
     "  bale export git linux linux.git\n  bale export git linux@1 before.git\n",
     declare_export_git},
    {"export", "dir", "write the files of an archive into a directory",
     "  bale export dir linux:scripts out\n", declare_export_dir},
    {"", "verify", "check a store or one archive; name lost objects",
     "  bale verify\n  bale verify linux --json\n  bale verify --quick\n", declare_verify},
    {"", "stats", "print statistics of a store", "  bale stats --json\n", declare_stats},
    {"archive", "rm", "remove an archive; 'bale gc' frees its space",
     "  bale archive rm linux\n  bale archive rm linux --json && bale gc\n", declare_archive_rm},
    {"archive", "prune", "drop an archive's older records; 'bale gc' frees their space",
     "  bale archive prune linux --keep 3     # linux@0, linux@1 and linux@2 stay\n"
     "  bale archive prune linux --keep 3 --dry-run\n"
     "  bale archive prune linux --keep 1 --json && bale gc\n",
     declare_archive_prune},
    {"archive", "undo", "undo the last rm or prune of an archive, until 'bale gc' runs",
     "  bale archive undo linux\n", declare_archive_undo},
    {"", "repack", "merge packs into one",
     "  bale repack\n  bale repack --dry-run\n  bale repack --delta --level 9\n", declare_repack},
    {"", "gc", "remove objects that no archive reaches", "  bale gc --dry-run\n  bale gc --json\n",
     declare_gc},
    {"", "repair", "repair a damaged store, also from another store or repository",
     "  bale repair --dry-run\n  bale repair --from /srv/linux.git\n"
     "  bale repair --from backup.bale --json\n",
     declare_repair},
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
    {"pack", "index", "rebuild the index from the pack",
     "  bale pack index objects.pack objects.idx\n", declare_pack_index},
};

}  // namespace

std::span<const Verb> all_verbs() {
  return kVerbs;
}

std::string_view group_summary(std::string_view group) {
  if (group == "import") return "import into a store";
  if (group == "export") return "export an archive";
  if (group == "archive") return "change the archives of a store";
  CHECK(group == "pack");
  return "verbs on single packs";
}

}  // namespace bale::cli
