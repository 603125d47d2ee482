#!/usr/bin/env python3
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
"""Checks the source tree: which room may use which, and the style of files.

Rooms are the folders of src/, in the order of the loop in CMakeLists.txt. A file may include what
is in its own room or in one before it; git and dir may not see each other. Large rooms have parts,
folders with the same rule among them. A public header
belongs to the room that defines what it declares, and only public headers and the standard library
may stand in it. Tests, fuzzers and benchmarks may moreover use testing/.

Run by ctest as `rooms`; alone: test/rooms_test.py [ROOT]
"""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent

SIBLINGS = {frozenset({"git", "dir"})}

# The parts of a room, from the ground up.
PARTS = {
    "pack": ["read", "deltas", "build", "check", "salvage"],
    "store": ["core", "verify", "maintain", "repair"],
    "git": ["child", "source", "import", "export"],
}
SIBLING_PARTS = {frozenset({"git/import", "git/export"}), frozenset({"pack/read", "pack/deltas"})}

# The lowest room that may include a public header. The test fails for headers not listed here.
PUBLIC_HEADERS = {
    "archive_changes.h": "store",
    "archive_name.h": "object",
    "bytes.h": "base",
    "directory_export.h": "dir",
    "export.h": "base",
    "file_system.h": "io",
    "git_export.h": "git",
    "git_import.h": "git",
    "git_object_source.h": "git",
    "git_oid.h": "hash",
    "object.h": "base",
    "pack_builder.h": "pack",
    "pack_reader.h": "pack",
    "pack_verifier.h": "pack",
    "progress.h": "base",
    "record.h": "object",
    "ref_list.h": "store",
    "result.h": "base",
    "snapshot.h": "store",
    "store.h": "store",
    "store_collect.h": "store",
    "store_repack.h": "store",
    "store_repair.h": "store",
    "store_statistics.h": "store",
    "store_verifier.h": "store",
    "tree.h": "store",
    "work_options.h": "io",
}

# Restricted includes, by patterns of whole names, and the rooms that may use them. Tests may use
# all; fmt and the rest of the standard library are unrestricted.
KEPT_INCLUDES = {
    r"CLI/.*": {"cli"},
    r"blake3.*\.h": {"hash"},
    r"libdeflate\.h": {"git"},
    r"nlohmann/.*": {"object", "cli"},
    r"openssl/.*": {"hash"},
    r"zlib\.h": {"git"},
    r"zstd.*\.h": {"codec"},
    r"thread": {"base", "io", "store", "git", "cli"},
    r"fstream": set(),
}

# format uses no files and no threads; the table above restricts zstd.
FORMAT_MAY_NOT = {"cstdio", "filesystem", "fcntl.h", "mutex", "thread", "unistd.h"}

# Verbs that show what users can do with the public headers.
PUBLIC_ONLY = {"src/cli/list.cc", "src/cli/log.cc"}

MAX_COLUMNS = 100
MAX_LINES = 1000

# Longer files, their most lines, and the reason for not splitting them.
LONG_FILES = {}

SOURCE_FOLDERS = ["include", "src", "test", "bench", "cmake", "scripts", "examples"]
SOURCE_SUFFIXES = {".h", ".cc", ".py", ".sh", ".cmake"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
TEST_NAME = re.compile(r"_(test|fuzz|bench)\.(cc|h)$")
# Calls of C++ and Python, and the program in scripts that tests run.
SLEEP = re.compile(r"\b(sleep_for|sleep_until|u?sleep|nanosleep|clock_nanosleep)\s*\(|"
                   r"\bsleep\s+[0-9$]")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
# The command line in a message: only the program may speak of it (src/cli/errors.cc, HintKind).
COMMAND = re.compile(r"\bbale (init|import|list|log|refs|ls|cat|show|export|verify|stats|repack|gc|"
                     r"repair|archive|pack)\b|[(]--[a-z]")
SPDX = ["SPDX-FileCopyrightText: The bale authors", "SPDX-License-Identifier: Apache-2.0"]


def rooms_in_order(cmake_text):
    """The rooms from the lowest up, as listed in the top CMakeLists.txt."""
    found = re.search(r"foreach\(room ([^)]*)\)", cmake_text)
    if not found:
        raise ValueError("CMakeLists.txt: no `foreach(room ...)` that names the rooms")
    return found.group(1).split()


class Rules:
    """Checks one include at a time; each check returns None or a sentence with the error."""

    def __init__(self, order):
        self.order = order

    def may_use(self, room, other):
        if frozenset({room, other}) in SIBLINGS:
            return False
        return self.order.index(other) <= self.order.index(room)

    def judge(self, path, quote, name):
        if path.startswith("include/"):
            return self.judge_public(quote, name)
        parts = path.split("/")
        if parts[0] != "src" or len(parts) < 3:
            return None  # test/, bench/ and examples/ may use everything
        room = parts[1]
        if room == "testing":
            return None  # not part of the library, so may use all of it
        if room not in self.order:
            return f"the room {room} is not named in CMakeLists.txt"
        is_test = TEST_NAME.search(path) is not None
        if quote == "<" or "/" not in name:
            return None if is_test else self.judge_foreign(room, name)
        first, rest = name.split("/", 1)
        if first == "testing":
            return None if is_test else "only tests, fuzzers and benchmarks may use testing/"
        if first == "bale":
            if rest not in PUBLIC_HEADERS:
                return f"{name} is in no room (add it to PUBLIC_HEADERS)"
            first = PUBLIC_HEADERS[rest]
        if first not in self.order:
            return None if is_test else self.judge_foreign(room, name)
        if path in PUBLIC_ONLY and name.split("/")[0] in {"pack", "store", "git", "dir"}:
            return f"{name} is not public, and this verb must be writable with public headers"
        if not self.may_use(room, first):
            return f"{room} may not use {name}: {first} is not below it"
        if name.startswith(room + "/") and room in PARTS and not is_test:
            return self.judge_part(room, parts[2], rest.split("/")[0])
        return None

    @staticmethod
    def judge_part(room, part, other):
        order = PARTS[room]
        for name in (part, other):
            if name not in order:
                return f"{room}/{name} is no part of {room} (add it to PARTS)"
        if frozenset({f"{room}/{part}", f"{room}/{other}"}) in SIBLING_PARTS:
            return f"{room}/{part} and {room}/{other} may not see each other"
        if order.index(other) > order.index(part):
            return f"{room}/{part} may not use {room}/{other}: it is not below it"
        return None

    @staticmethod
    def judge_foreign(room, name):
        if room == "format" and name in FORMAT_MAY_NOT:
            return f"format may not include <{name}>: it turns bytes into structs, nothing else"
        for pattern, rooms in KEPT_INCLUDES.items():
            if re.fullmatch(pattern, name) and room not in rooms:
                return f"{room} may not include {name}: that is for {sorted(rooms) or 'nobody'}"
        return None

    @staticmethod
    def judge_public(quote, name):
        if quote == '"':
            return None if name.startswith("bale/") else f"a public header includes {name}"
        is_standard = re.fullmatch(r"[a-z_0-9]+", name) is not None
        return None if is_standard else f"a public header includes <{name}>"


def source_files(root):
    """All files with rules of style, as paths relative to `root`, in order."""
    found = [path for path in [root / "CMakeLists.txt"] if path.exists()]
    for folder in SOURCE_FOLDERS:
        for path in (root / folder).rglob("*"):
            if path.is_file() and (path.suffix in SOURCE_SUFFIXES or
                                   path.name == "CMakeLists.txt"):
                found.append(path)
    names = sorted(str(path.relative_to(root)) for path in found)
    return [name for name in names if not name.startswith(("test/corpus/", "test/golden/"))]


def judge_look(name, lines):
    """The style errors of a file; a list of sentences."""
    wrong = []
    start = 1 if lines and lines[0].startswith("#!") else 0
    for line, text in zip(range(start, start + 2), SPDX):
        if line >= len(lines) or not lines[line].endswith(text):
            wrong.append(f"{name}:{line + 1}: here should stand `{text}`")
            break
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            wrong.append(f"{name}:{number}: {len(line)} columns; {MAX_COLUMNS} are the most")
    most = LONG_FILES.get(name, (MAX_LINES, ""))[0]
    if len(lines) > most:
        wrong.append(f"{name}: {len(lines)} lines; past {most}, look for the second idea")
    if name in LONG_FILES and len(lines) <= MAX_LINES:
        wrong.append(f"{name}: has become short; take it out of LONG_FILES")
    return wrong


def judge_waits(name, lines):
    """Where a test sleeps: too short on a slow machine, and too long on all others."""
    if not (name.startswith(("test/", "src/testing/")) or TEST_NAME.search(name)):
        return []
    return [f"{name}:{number}: a test sleeps; wait for a condition instead (a pipe, an atomic's "
            "wait(), testing/watched_thread.h)"
            for number, line in enumerate(lines, 1) if SLEEP.search(line)]


def judge_words(name, lines):
    """Where a message of the library names a verb or an option of the program."""
    if not name.startswith("src/") or name.startswith(("src/cli/", "src/testing/")):
        return []
    if TEST_NAME.search(name):
        return []
    return [f"{name}:{number}: a message of the library names the command line; give a Hint instead"
            for number, line in enumerate(lines, 1) if not line.lstrip().startswith("//")
            for literal in LITERAL.findall(line) if COMMAND.search(literal)]


class RulesTest(unittest.TestCase):
    """Each rule can fail."""

    rules = Rules(["base", "io", "scratch", "hash", "format", "codec", "pack", "object", "store",
                   "git", "dir", "cli"])

    def allowed(self, path, name, quote='"'):
        self.assertIsNone(self.rules.judge(path, quote, name), f"{path} -> {name}")

    def refused(self, path, name, quote='"'):
        self.assertIsNotNone(self.rules.judge(path, quote, name), f"{path} -> {name}")

    def test_arrows_run_down(self):
        self.allowed("src/store/a.cc", "pack/read/index_view.h")
        self.refused("src/pack/a.cc", "store/core/layout.h")
        self.refused("src/base/a.h", "io/path.h")

    def test_siblings_do_not_see_each_other(self):
        self.refused("src/git/a.cc", "dir/a.h")
        self.refused("src/dir/a.cc", "git/a.h")
        self.allowed("src/cli/a.cc", "git/a.h")
        self.allowed("src/cli/a.cc", "dir/a.h")

    def test_arrows_between_parts_run_down(self):
        self.allowed("src/store/repair/a.cc", "store/core/layout.h")
        self.allowed("src/store/core/a.cc", "store/core/layout.h")
        self.refused("src/store/core/a.cc", "store/repair/repair.h")
        self.refused("src/git/import/a.cc", "git/export/export.h")
        self.refused("src/store/a.cc", "store/core/layout.h")
        self.refused("src/store/core/a.cc", "store/elsewhere/layout.h")

    def test_public_headers_count_as_their_room(self):
        self.refused("src/pack/a.cc", "bale/store.h")
        self.refused("src/git/a.cc", "bale/directory_export.h")
        self.allowed("src/dir/a.cc", "bale/store.h")
        self.refused("src/cli/a.cc", "bale/unheard_of.h")

    def test_some_verbs_use_public_headers_only(self):
        self.allowed("src/cli/log.cc", "bale/snapshot.h")
        self.refused("src/cli/log.cc", "store/core/layout.h")
        self.allowed("src/cli/verify.cc", "store/core/layout.h")

    def test_only_tests_use_testing(self):
        self.allowed("src/base/a_test.cc", "testing/matchers.h")
        self.refused("src/base/a.cc", "testing/matchers.h")
        self.refused("src/store/a_test.cc", "git/source/source.h")

    def test_public_headers_include_public_ones_and_std(self):
        self.allowed("include/bale/a.h", "bale/bytes.h")
        self.allowed("include/bale/a.h", "string_view", "<")
        self.refused("include/bale/a.h", "base/hex.h")
        self.refused("include/bale/a.h", "fmt/core.h", "<")
        self.refused("include/bale/a.h", "zstd.h", "<")

    def test_libraries_stay_in_their_rooms(self):
        self.refused("src/store/a.cc", "zstd.h", "<")
        self.allowed("src/codec/a.cc", "zstd_errors.h", "<")
        self.allowed("src/pack/a_test.cc", "zstd.h", "<")
        self.refused("src/format/a.cc", "thread", "<")
        self.refused("src/format/a.cc", "filesystem", "<")
        self.allowed("src/git/a.cc", "thread", "<")
        self.refused("src/pack/a.cc", "fstream", "<")

    def test_looks_are_judged(self):
        good = ["// " + line for line in SPDX]
        self.assertEqual(judge_look("a.cc", good), [])
        self.assertEqual(judge_look("a.sh", ["#!/bin/sh"] + good), [])
        self.assertEqual(len(judge_look("a.cc", good[1:])), 1)
        self.assertEqual(len(judge_look("a.cc", good + ["x" * 101])), 1)
        self.assertEqual(len(judge_look("a.cc", good + [""] * 999)), 1)

    def test_sleeping_tests_are_refused(self):
        call = "sl" + "eep"  # so that this file passes
        sleeping = [f"std::this_thread::{call}_for(pause);", f"{call}_until(end);", f"u{call}(5);",
                    f"  time.{call}(0.1)", f"nano{call} (&t, nullptr);", f"{call}(1)",
                    f'shell("{call} 60 & wait")', f"{call} $seconds"]
        for line in sleeping:
            for name in ["src/io/a_test.cc", "src/testing/a.h", "test/a.py", "test/trust/a.sh"]:
                self.assertEqual(len(judge_waits(name, ["", line])), 1, f"{name}: {line}")
            self.assertEqual(judge_waits("src/io/a.cc", [line]), [])
        self.assertEqual(judge_waits("src/io/a_test.cc", ["// no sleeping", "asleep(1);"]), [])

    def test_messages_of_the_library_name_no_verbs(self):
        for line in ['"{}: damaged (bale repair mends it)"', '"too small (--memory 4M)"']:
            self.assertEqual(len(judge_words("src/store/a.cc", [line])), 1, line)
            self.assertEqual(judge_words("src/cli/a.cc", [line]), [])
            self.assertEqual(judge_words("src/store/a_test.cc", [line]), [])
            self.assertEqual(judge_words("src/store/a.cc", ["// " + line]), [])
        self.assertEqual(judge_words("src/git/a.cc", ['{"rev-list", "--all", "--not"}']), [])


class TreeTest(unittest.TestCase):
    """This source tree follows the rules."""

    def read(self, name):
        return (ROOT / name).read_text(encoding="utf-8")

    def setUp(self):
        self.names = source_files(ROOT)
        self.order = rooms_in_order(self.read("CMakeLists.txt"))

    def test_every_folder_of_src_is_a_room(self):
        folders = {name.split("/")[1] for name in self.names if name.startswith("src/")}
        self.assertEqual(folders - {"testing"}, set(self.order))

    def test_rooms_with_parts_have_no_other_sources(self):
        for room, parts in PARTS.items():
            found = {name.split("/")[2] for name in self.names
                     if name.startswith(f"src/{room}/") and name.endswith((".h", ".cc"))}
            self.assertEqual(found, set(parts))

    def test_every_public_header_has_a_room(self):
        headers = {name[len("include/bale/"):] for name in self.names
                   if name.startswith("include/bale/")}
        self.assertEqual(headers, set(PUBLIC_HEADERS))

    def test_no_arrow_runs_up(self):
        rules = Rules(self.order)
        wrong = []
        includes = 0
        for name in self.names:
            if not name.endswith((".h", ".cc")):
                continue
            for number, line in enumerate(self.read(name).splitlines(), 1):
                found = INCLUDE.match(line)
                if not found:
                    continue
                includes += 1
                verdict = rules.judge(name, found.group(1), found.group(2))
                if verdict:
                    wrong.append(f"{name}:{number}: {verdict}")
        self.assertGreater(includes, 100, "the includes were not found at all")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_files_look_as_they_should(self):
        wrong = []
        for name in self.names:
            lines = self.read(name).splitlines()
            wrong += judge_look(name, lines) + judge_waits(name, lines)
            wrong += judge_words(name, lines)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_long_files_are_there(self):
        self.assertEqual(set(LONG_FILES) - set(self.names), set())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ROOT = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
