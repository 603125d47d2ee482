#!/usr/bin/env python3
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
"""Compares the pages of doc/help/ and the README with the program: every JSON key, column and exit
code; runs every script and command on them.

Called by ctest: pages_test.py PROGRAM [unittest arguments]
"""

import collections
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test" / "trust"))
import program as p  # noqa: E402

PROGRAM = None  # absolute

# A row of a table: a key or option, its type or version, optionally a meaning.
JSON_TYPE = (r"(?:list of (?:text|bytes|id|count)|list|object|count|seconds|ratio|flag|"
             r"(?:text|bytes|id|time|count)(?: or null)?)")
JSON_ROW = re.compile(rf"    ([a-zT][\w.\[\]]*\??)  +({JSON_TYPE})(?:  +\S.*)?$", re.MULTILINE)

SCALARS = {
    "text": lambda value: isinstance(value, str),
    "bytes": lambda value: isinstance(value, str),
    "id": lambda value: isinstance(value, str) and re.fullmatch("[0-9a-f]{6,64}", value),
    "time": lambda value: isinstance(value, str) and re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value),
    "count": lambda value: isinstance(value, int) and value >= 0,
    "seconds": lambda value: isinstance(value, (int, float)),
    "ratio": lambda value: isinstance(value, (int, float)),
    "flag": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
}


def page(name):
    return (ROOT / "doc" / "help" / (name + ".md")).read_text(encoding="utf-8")


def blocks(text, language):
    """The fenced blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def indented(text):
    """The indented blocks, each a list of its lines without the indent."""
    found = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    return [[line[4:] for line in block.splitlines()] for block in found]


def is_of_type(value, name):
    if name.endswith(" or null"):
        return value is None or is_of_type(value, name[:-len(" or null")])
    if name.startswith("list of "):
        return isinstance(value, list) and all(SCALARS[name[8:]](item) for item in value)
    return SCALARS[name](value)


class Verb:
    """A verb on the page: its keys in order, each with a type, and its columns."""

    def __init__(self, text):
        rows = JSON_ROW.findall(text)
        self.types = {key.rstrip("?"): kind for key, kind in rows}
        self.optional = {key.rstrip("?") for key, _ in rows if key.endswith("?")}
        self.absent = set()
        found = re.search(r"^Columns: (.*)$", text, re.MULTILINE)
        self.columns = found.group(1).split(", ") if found else None
        self.seen = set()

    def check(self, value, where, prefix=""):
        """Raises unless the value has exactly the keys of the page."""
        if not isinstance(value, dict):
            raise AssertionError(f"{where}: {prefix or 'the line'} is no object: {value!r}")
        for key, inner in value.items():
            name = prefix + ("TYPE" if prefix == "types." else key)
            if name not in self.types:
                plain = name.removesuffix("_hex")
                if name == plain or "bytes" not in self.types.get(plain, ""):
                    raise AssertionError(f"{where}: the key {name} is not on the page")
                continue
            self.seen.add(name)
            if not is_of_type(inner, self.types[name]):
                raise AssertionError(f"{where}: {name} is {inner!r}, no {self.types[name]}")
            if self.types[name] == "object":
                self.check(inner, where, name + ".")
            elif self.types[name] == "list":
                for item in inner:
                    self.check(item, where, name + "[].")
        for name in self.types:
            left = name.removeprefix(prefix)
            if not name.startswith(prefix) or "." in left or left in value or left == "TYPE":
                continue
            self.absent.add(name)
            if name not in self.optional:
                raise AssertionError(f"{where}: the key {name} is missing")


def unquoted(column):
    """The bytes of a name in text output."""
    if not column.startswith('"'):
        return column.encode()
    plain = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "r": "\r", "a": "\a", "b": "\b",
             "f": "\f", "v": "\v"}
    out = b""
    for octal, letter, other in re.findall(r"\\([0-7]{3})|\\(.)|(.)", column[1:-1]):
        out += bytes([int(octal, 8)]) if octal else plain.get(letter, other).encode()
    return out


class Page(unittest.TestCase):
    """One temporary directory a class, and the program in it."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="bale-pages-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.directory, name)

    @classmethod
    def execute(cls, command, **options):
        """Runs it here, with `bale` on PATH."""
        environment = {**p.GIT_ENVIRONMENT, **options.pop("environment", {})}
        environment["PATH"] = os.path.dirname(PROGRAM) + ":" + environment["PATH"]
        return subprocess.run(command, cwd=cls.directory, env=environment, check=False, timeout=100,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    @classmethod
    def bale(cls, *words, **options):
        return cls.execute([PROGRAM, *words], **options)

    @classmethod
    def must(cls, *words, status=0, **options):
        done = cls.bale(*words, **options)
        if done.returncode != status:
            raise AssertionError(f"bale {words}: {done.returncode}, not {status}: "
                                 f"{done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode()

    @classmethod
    def shell(cls, script, status=0, environment=None, shell="sh"):
        done = cls.execute([shell, "-c", script], environment=environment or {})
        if done.returncode != status:
            raise AssertionError(f"{script}: {done.returncode}, not {status}: "
                                 f"{done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode() + done.stderr.decode()

    @classmethod
    def repository(cls, name, commits=1):
        return p.Repository(cls.path(name), os.path.basename(name)).grow(commits)


class TopicsTest(Page):
    def test_every_page_is_a_topic_that_help_lists_and_the_readme_links(self):
        overview = self.must("help")
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        for file in (ROOT / "doc" / "help").iterdir():
            text = file.read_text(encoding="utf-8")
            self.assertEqual(self.must("help", file.stem), text)
            title = text.splitlines()[0].removeprefix("# ")
            self.assertRegex(overview, rf"\n  {file.stem} +{re.escape(title)}\n")
            self.assertIn(f"](doc/help/{file.name})", readme)
            for line in text.splitlines():
                self.assertLessEqual(len(line), 79, f"{file.name}: {line}")

    def test_an_unknown_topic_names_the_nearest(self):
        done = self.bale("help", "exitcodes")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean 'exit-codes'?", done.stderr.decode())


class JsonTest(Page):
    """Runs every verb in every state of a store that changes what it prints."""

    # These print a payload and nothing else.
    WITHOUT_JSON = {"cat", "pack cat"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        sections = re.split(r"^## (?:bale )?(.*)$", page("json"), flags=re.MULTILINE)[1:]
        cls.verbs = {name: Verb(text) for name, text in zip(sections[::2], sections[1::2])}
        cls.store = cls.path("store")

    def run_verb(self, name, *words, status=0, store=None, **options):
        """Runs it with --json and checks each line; the objects."""
        command = [*name.split(), *words, "--json"]
        if not name.startswith("pack "):
            command += ["--store", store or self.store]
        lines = self.must(*command, status=status, **options).splitlines()
        objects = [json.loads(line) for line in lines]
        verb = self.verbs[name]
        for value in objects:
            (self.verbs["errors"] if list(value) == ["error"] else verb).check(value, command)
        if verb.columns and status == 0:
            self.check_columns(name, [word for word in command if word != "--json"], objects)
        return objects

    def check_columns(self, name, command, objects):
        columns = self.verbs[name].columns
        lines = [line.split("\t") for line in self.must(*command).splitlines()]
        if columns[0] == "KEY":
            self.assertEqual([line[0] for line in lines], list(objects[0]))
            lines, columns = [[line[1] for line in lines]], list(objects[0])
        self.assertEqual(len(lines), len(objects))
        for line, value in zip(lines, objects):
            self.assertEqual(len(line), len(columns), (name, line))
            for text, key in zip(line, columns):
                inner = value[key]
                if key == "id_kind":
                    inner = {"hash": "h", "change": "c"}[inner]
                wanted = b"-" if inner is None else str(inner).encode()
                if key + "_hex" in value:
                    wanted = bytes.fromhex(value[key + "_hex"])
                self.assertEqual(unquoted(text), wanted, (name, key))

    def copy_store(self, name):
        shutil.copytree(self.store, self.path(name))
        return self.path(name)

    def pack_paths(self, store):
        return sorted(str(path) for path in pathlib.Path(store, "packs").glob("*.pack"))

    def lose_pack(self, store, name):
        for path in pathlib.Path(store, "packs").glob(name + ".*"):
            path.unlink()

    def test_every_key_is_on_the_page_and_every_key_of_the_page_is_printed(self):
        self.ordinary_verbs()
        self.odd_sources()
        self.damaged_stores()
        self.packs()
        self.failing_verbs()
        self.released_archives()
        for name, verb in self.verbs.items():
            self.assertEqual(set(verb.types) - verb.seen, set(), f"{name}: never printed")
            self.assertEqual(verb.optional - verb.absent, set(), f"{name}: never absent")

    def test_the_page_has_every_verb(self):
        overview = self.must("help").split("Every verb")[0]
        listed = set(re.findall(r"^  ((?:(?:import|export|archive|pack) )?[a-z]+) ", overview,
                                re.MULTILINE))
        self.assertEqual(set(self.verbs) - {"errors"}, listed - self.WITHOUT_JSON)

    def ordinary_verbs(self):
        source = self.repository("source", 2)
        file = os.path.join(self.directory.encode(), b"source", b"caf\xe9")
        with open(file, "wb") as content:
            content.write(b"coffee\n")
        source.grow(1)
        p.git(source.path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/main")
        p.git(source.path, "symbolic-ref", "refs/remotes/origin/none", "refs/heads/none")
        p.git(source.path, "update-ref", b"refs/heads/caf\xe9", "HEAD")
        os.mkdir(self.path("source/directory"))
        self.run_verb("init")
        self.run_verb("init", store=os.path.join(self.directory.encode(), b"caf\xe9"))
        shutil.rmtree(os.path.join(self.directory.encode(), b"caf\xe9"))
        for commits in (0, 2):
            self.run_verb("import git", source.grow(commits).path, "--name", "a")
        self.assertTrue(self.run_verb("import git", source.path, "--name", "a")[0]["unchanged"])
        odd = os.path.join(self.directory.encode(), b"source \xe9.git")
        shutil.copytree(os.path.join(source.path, ".git").encode(), odd)
        self.run_verb("import git", odd, "--name", "b")
        self.run_verb("list")
        self.run_verb("log", "a")
        self.run_verb("log", "b")
        self.run_verb("refs", "a")
        self.run_verb("ls", "a")
        self.run_verb("ls", "a@1:1")
        self.run_verb("show", "a:a")
        self.run_verb("show", "a@1:a")
        self.run_verb("show", self.run_verb("log", "a")[0]["record"])
        self.run_verb("export git", "a", self.path("a.git"))
        self.run_verb("export dir", "a", self.path("a.dir"))
        for words in ((), ("--quick",), ("--sample", "50%"), ("a",), ("a", "--quick")):
            self.run_verb("verify", *words)
        self.run_verb("stats")
        self.run_verb("repair")
        for words in (("--dry-run", "--delta"), ("--dry-run",)):
            self.run_verb("repack", *words)
        self.run_verb("gc", "--dry-run")

    def odd_sources(self):
        """Archives that lack objects, or whose objects contradict each other."""
        partial = self.repository("partial", 1).path
        blob = p.git(partial, "rev-parse", "HEAD:a").strip()
        p.git(partial, "update-ref", b"refs/tags/caf\xe9", blob)
        os.unlink(os.path.join(partial, ".git", "objects", blob[:2], blob[2:]))
        with open(os.path.join(partial, ".git", "refs", "heads", "bad"), "w",
                  encoding="ascii") as ref:
            ref.write("bad\n")
        words = ("import git", partial, "--name", "partial", "--skip-bad-refs")
        self.run_verb(*words, status=5)
        summary = self.run_verb(*words, "--allow-missing")[0]
        self.assertEqual(summary["missing"], 1)
        self.assertIn("missing_refs_hex", summary)
        self.assertEqual(len(summary["bad_refs"]), 1)
        self.run_verb("export git", "partial", self.path("partial.git"))
        self.assertEqual(self.run_verb("export dir", "partial", self.path("partial.dir"),
                                       status=5)[0]["skipped"], 1)

        odd = self.repository("odd", 1).path
        p.git(odd, "tag", "-d", "v1")
        tree = p.git(odd, "rev-parse", "HEAD^{tree}").strip()
        # Git treats the entry as a file, and does not read the object.
        malformed = self.write_object(odd, "tree", b"this is no tree")
        outer = self.write_object(odd, "tree", b"100644 directory\0" + bytes.fromhex(tree) +
                                  b"100644 malformed\0" + bytes.fromhex(malformed))
        commit = p.git(odd, "commit-tree", "-m", "odd", outer).strip()
        p.git(odd, "update-ref", "refs/heads/main", commit)
        self.run_verb("import git", odd, "--name", "b")
        self.run_verb("list")
        self.run_verb("log", "a")
        self.run_verb("log", "b")
        self.run_verb("refs", "a")
        self.run_verb("ls", "a")
        self.run_verb("ls", "a@1:1")
        self.run_verb("show", "a:a")
        self.run_verb("show", "a@1:a")
        self.run_verb("show", self.run_verb("log", "a")[0]["record"])
        self.run_verb("export git", "a", self.path("a.git"))
        self.run_verb("export dir", "a", self.path("a.dir"))
        for words in ((), ("--quick",), ("--sample", "50%"), ("a",), ("a", "--quick")):
            self.run_verb("verify", *words)
        self.run_verb("stats")
        self.run_verb("repair")
        for words in (("--dry-run", "--delta"), ("--dry-run",)):
            self.run_verb("repack", *words)
        self.run_verb("gc", "--dry-run")

    def odd_sources(self):
        """Archives that lack objects, or whose objects contradict each other."""
        partial = self.repository("partial", 1).path
        blob = p.git(partial, "rev-parse", "HEAD:a").strip()
        p.git(partial, "update-ref", b"refs/tags/caf\xe9", blob)
        os.unlink(os.path.join(partial, ".git", "objects", blob[:2], blob[2:]))
        with open(os.path.join(partial, ".git", "refs", "heads", "bad"), "w",
                  encoding="ascii") as ref:
            ref.write("bad\n")
        words = ("import git", partial, "--name", "partial", "--skip-bad-refs")
        self.run_verb(*words, status=5)
        summary = self.run_verb(*words, "--allow-missing")[0]
        self.assertEqual(summary["missing"], 1)
        self.assertIn("missing_refs_hex", summary)
        self.assertEqual(len(summary["bad_refs"]), 1)
        self.run_verb("export git", "partial", self.path("partial.git"))
        self.assertEqual(self.run_verb("export dir", "partial", self.path("partial.dir"),
                                       status=5)[0]["skipped"], 1)

        odd = self.repository("odd", 1).path
        p.git(odd, "tag", "-d", "v1")
        tree = p.git(odd, "rev-parse", "HEAD^{tree}").strip()
        # Git treats the entry as a file, and does not read the object.
        malformed = self.write_object(odd, "tree", b"this is no tree")
        outer = self.write_object(odd, "tree", b"100644 directory\0" + bytes.fromhex(tree) +
                                  b"100644 malformed\0" + bytes.fromhex(malformed))
        commit = p.git(odd, "commit-tree", "-m", "odd", outer).strip()
        p.git(odd, "update-ref", "refs/heads/main", commit)
        # Git fails at a malformed tree, so no ref may reach it.
        with open(self.path("object"), "wb") as file:
            file.write(b"this is no tree")
        p.git(odd, "hash-object", "--literally", "-t", "tree", "-w", self.path("object"))
        self.run_verb("import git", odd, "--name", "odd")
        self.run_verb("export dir", "odd", self.path("odd.dir"), status=5)
        report = self.run_verb("verify")[0]
        for key in ("odd_links", "malformed", "missing_in"):
            self.assertNotEqual(report[key], [], key)

    def write_object(self, repository, kind, content):
        with open(self.path("object"), "wb") as file:
            file.write(content)
        return p.git(repository, "hash-object", "--literally", "-t", kind, "-w",
                     self.path("object")).strip()

    def damaged_stores(self):
        # The first import adds 300 files, the second the commit and tree that need them.
        many = self.repository("many").path
        os.mkdir(os.path.join(many, "files"))
        for i in range(300):
            with open(os.path.join(many, "files", str(i)), "w", encoding="ascii") as file:
                file.write(f"{i}\n")
        p.git(many, "add", "-A")
        p.git(many, "commit", "-q", "-m", "files")
        store = self.path("lost")
        first = self.run_verb("import git", many, "--name", "many", store=store)[0]
        os.unlink(os.path.join(many, "files", "0"))
        p.git(many, "commit", "-q", "-a", "-m", "one less")
        second = self.run_verb("import git", many, "--name", "many", store=store)[0]
        whole = self.path("whole")
        shutil.copytree(store, whole)
        self.lose_pack(store, first["pack"])
        for words in ((), ("--quick",)):
            self.run_verb("verify", *words, store=store, status=3)
        self.assertNotEqual(self.run_verb("verify", store=store, status=3)[0]["others_touch"], [])
        self.run_verb("list", store=store)
        self.run_verb("log", "many", store=store, status=3)
        self.run_verb("stats", store=store, status=3)
        self.run_verb("gc", store=store, status=3)
        self.run_verb("repair", "--dry-run", store=store, status=3)
        self.run_verb("repair", store=store, status=3)
        self.run_verb("repair", "--from", whole, store=store)

        gone_back = self.path("gone-back")
        shutil.copytree(whole, gone_back)
        self.lose_pack(gone_back, second["pack"])
        self.assertNotIn("kind", self.run_verb("list", store=gone_back, status=3)[0])
        self.run_verb("repair", store=gone_back, status=3)

        damaged = self.path("damaged")
        shutil.copytree(whole, damaged)
        pack = self.damage_pack(damaged, first["pack"])
        self.run_verb("repack", store=damaged, status=3)
        self.run_verb("pack verify", pack, status=3)
        self.run_verb("verify", store=damaged, status=3)

        unnamed = self.path("unnamed")
        shutil.copytree(whole, unnamed)
        os.unlink(os.path.join(unnamed, "archives", "many"))
        self.assertNotEqual(
            self.run_verb("verify", store=unnamed)[0]["archives_without_file"], [])
        self.assertEqual(self.run_verb("gc", store=unnamed)[0]["lost_archives"], ["many"])
        self.run_verb("repair", store=unnamed)

        # An archive whose only pack is damaged: gc keeps that pack.
        lone = self.repository("lone", 1).path
        imported = self.run_verb("import git", lone, "--name", "lone", store=whole)[0]
        shown = self.run_verb("show", p.git(lone, "rev-parse", "HEAD").strip(), store=whole)[0]
        self.damage_pack(whole, imported["pack"], shown["offset"] + 60)
        self.run_verb("gc", store=whole, status=3)

    def damage_pack(self, store, name, offset=-1):
        """Changes a byte; the pack's path."""
        pack = pathlib.Path(store, "packs", name + ".pack")
        content = bytearray(pack.read_bytes())
        content[offset] ^= 1
        pack.write_bytes(content)
        return str(pack)

    def packs(self):
        frame = bytes([1]) + bytes(16) + bytes([0]) + (5).to_bytes(8, "little") + b"hello"
        pack = self.path("built.pack")
        self.run_verb("pack build", pack, input=frame)
        self.run_verb("pack build", self.path("other.pack"), "--count", "2", input=frame, status=5)
        for path in [pack, *self.pack_paths(self.store)]:
            self.run_verb("pack list", path)
            self.run_verb("pack dump", path)
            self.run_verb("pack verify", path)
            self.run_verb("pack index", path, self.path("index"))

    def failing_verbs(self):
        for name in self.verbs:
            if name in ("errors", "init") or name.startswith("pack "):
                continue
            words = {"import git": ["/nonexistent"], "export git": ["a", "/nonexistent/x"],
                     "export dir": ["a", "/nonexistent/x"], "archive prune": ["a", "--keep", "1"],
                     "show": ["a:a"]}
            given = ["a"] if name.split()[0] in ("log", "refs", "ls", "archive") else []
            done = self.bale(*name.split(), *words.get(name, given), "--json",
                             "--store", self.path("nonexistent"))
            self.verbs["errors"].check(json.loads(done.stdout.splitlines()[-1]), name)
        for name in ("pack list", "pack dump", "pack verify"):
            self.run_verb(name, self.path("nonexistent"), status=4)
        self.run_verb("pack index", self.path("nonexistent"), self.path("index"), status=4)

    def released_archives(self):
        for words in (("--dry-run",), (), ()):
            self.run_verb("archive prune", "a", "--keep", "1", *words)
        self.run_verb("archive undo", "a")
        self.run_verb("archive rm", "b")
        self.run_verb("archive undo", "b")
        self.run_verb("archive rm", "b")
        self.run_verb("repack")
        self.run_verb("gc")


class ExitCodesTest(Page):
    def test_every_code_is_on_the_page(self):
        errors = re.findall(r'return "(\w+)";',
                            (ROOT / "src/base/result.cc").read_text(encoding="utf-8"))
        statuses = collections.defaultdict(set)
        for status, error in re.findall(r"^    (\d+) +([a-z_]+)  ", page("exit-codes"),
                                        re.MULTILINE):
            statuses[error].add(int(status))
        self.assertEqual(set(statuses), set(errors))
        store = self.path("store")
        self.must("init", "--store", store)
        p.git(self.repository("r").path, "config", "extensions.unknown", "1")
        p.git(self.path("r"), "config", "core.repositoryformatversion", "1")
        self.repository("incomplete")
        shutil.rmtree(self.path("incomplete/.git/objects"))
        os.mkdir(self.path("incomplete/.git/objects"))
        with open(self.path("x.pack"), "wb") as file:
            file.write(bytes(100))
        for error, words in {
                "unsupported": ("import", "git", self.path("r")),
                "invalid_argument": ("log",),
                "not_found": ("log", "none"),
                "corrupt": ("pack", "list", self.path("x.pack")),
                "incomplete": ("import", "git", self.path("incomplete")),
        }.items():
            done = self.bale("--store", store, *words, "--json")
            found = json.loads(done.stdout)["error"]["code"]
            self.assertEqual(found, error, done.stderr)
            self.assertIn(done.returncode, statuses[error])
        done = subprocess.run([PROGRAM, "import", "git", self.path("r"), "--store", store,
                               "--json"], env={"PATH": "/nonexistent"}, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "io")
        self.assertIn(done.returncode, statuses["io"])


class NamesTest(Page):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.store = cls.path("store")
        cls.source = cls.repository("source", 1)
        p.git(cls.source.path, "branch", "old")
        p.git(cls.source.path, "update-ref", "refs/pull/7/head", "HEAD")
        cls.source.grow(1)

    def read(self, place):
        return self.must("cat", place, "--store", self.store)

    def test_the_grammar_is_that_of_the_program(self):
        def imports(name):
            store = self.path("of-names")
            done = self.bale("import", "git", self.source.path, "--name", name, "--store", store)
            shutil.rmtree(store, ignore_errors=True)
            return done.returncode
        for name in ("a", "a/b/c", "github.com/owner/repo", "a.b-c+d e", "\u00e9" * 100, "a" * 200):
            self.assertEqual(imports(name), 0, name)
        for name in ("", "/a", "a/", "a//b", ".a", "-a", "a/.b", "a/-b", "a@b", "a:b", "a\nb",
                     "a" * 201, b"caf\xe9"):
            self.assertEqual(imports(name), 2, name)

    def test_every_form_names_what_the_page_says(self):
        for name in ("a/b", "other"):
            self.must("import", "git", self.source.path, "--name", name, "--store", self.store)
        new, old = (p.git(self.source.path, "show", ref + ":a") for ref in ("main", "old"))
        self.source.grow(1)
        self.must("import", "git", self.source.path, "--name", "a/b", "--store", self.store)
        newest = p.git(self.source.path, "show", "main:a")
        for place, content in (("a/b:a", newest), ("a/b@0:/a/", newest), ("a/b@1:a", new),
                               ("a/b/old:a", old), ("a/b/v1:a", old), ("a/b/v2:a", new),
                               ("a/b/pull/7/head:a", old), ("a/b/refs/heads/old:a", old),
                               ("a/b@1/main:a", new)):
            self.assertEqual(self.read(place), content, place)
        oid = p.git(self.source.path, "rev-parse", "main:a").strip()
        for digits in (6, 39, 40):
            self.assertEqual(self.read(oid[:digits]), newest)
        refused = self.bale("import", "git", self.source.path, "--name", "a", "--store", self.store)
        self.assertEqual(refused.returncode, 2)


class ScopeTest(Page):
    def test_what_an_import_archives_and_what_it_does_not(self):
        source = self.repository("source", 2)
        path = source.path
        p.git(path, "notes", "add", "-m", "a note")
        p.git(path, "replace", "HEAD", "HEAD~")
        p.git(path, "update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",submodule")
        p.git(path, "commit", "-q", "-m", "a submodule")
        for word in ("older", "newest"):
            with open(os.path.join(path, "a"), "w", encoding="ascii") as file:
                file.write(f"a stash, the {word}\n")
            p.git(path, "stash")
        p.git(path, "config", "remote.origin.url", "https://example.org/")
        p.git(path, "checkout", "-q", "--detach", "HEAD~")
        p.git(path, "worktree", "add", "-q", "--detach", self.path("linked"), "main")
        with open(os.path.join(path, "never-added"), "w", encoding="ascii") as file:
            file.write("x")
        blob = p.git(path, "hash-object", "-w", "never-added").strip()
        store = self.path("store")
        self.must("import", "git", path, "--name", "a", "--store", store)
        self.must("show", blob, "--store", store, status=4)
        out = self.path("out.git")
        self.must("export", "git", "a", out, "--store", store)

        def refs(repository):
            return p.git(repository, "for-each-ref",
                         "--format=%(refname) %(objectname)").splitlines()
        extra = set(refs(out)) - set(refs(path))
        self.assertEqual(set(refs(path)) - set(refs(out)), set())
        self.assertEqual([ref.split()[0] for ref in extra], ["refs/worktrees/linked/HEAD"])
        self.assertEqual(p.git(out, "rev-parse", "HEAD"), p.git(path, "rev-parse", "HEAD"))
        self.assertIn("a stash, the newest", p.git(out, "show", "refs/stash:a"))
        self.assertFalse(os.path.exists(os.path.join(out, "logs")))
        self.assertNotIn("example.org", p.git(out, "config", "--list", "--local"))
        self.must("import", "git", path, "--name", "a", "--all-objects", "--store", store)
        self.must("show", blob, "--store", store)


class EnvironmentTest(Page):
    def test_the_options_of_git_are_those_on_the_page(self):
        listed, command = set(), None
        for word, version in re.findall(r"^    ( *\S+) +(\d+\.\d+)$", page("environment"),
                                        re.MULTILINE):
            command = command if word.startswith("  ") else word
            listed.add((command, word.strip()) if word.startswith("  ") else (word,))
            self.assertLessEqual(tuple(map(int, version.split("."))), (2, 36))
        used = set()
        for source in (ROOT / "src" / "git").rglob("*.cc"):
            if source.name.endswith(("_test.cc", "_bench.cc", "_fuzz.cc")):
                continue
            text = source.read_text(encoding="utf-8")
            for arguments in re.findall(r"\bstart\(\s*\{([^}]*)\}", text):
                words = re.findall(r'"([a-z-]+)', arguments)
                used.add((words[0],))
                used.update((words[0], word) for word in words if word.startswith("--"))
        self.assertEqual(used, listed)

    def test_verify_needs_no_git(self):
        self.must("import", "git", self.repository("r").path, "--store", self.path("s"))
        done = subprocess.run([PROGRAM, "verify", "--store", self.path("s")], check=False,
                              env={"PATH": "/nonexistent"}, stdout=subprocess.PIPE)
        self.assertEqual(done.returncode, 0)


class MirrorTest(Page):
    def setUp(self):
        self.bin = self.path("bin")
        os.makedirs(self.bin, exist_ok=True)
        (script,) = blocks(page("mirror"), "sh")
        with open(self.path("bin/bale-mirror"), "w", encoding="utf-8") as file:
            file.write(script)
        os.chmod(self.path("bin/bale-mirror"), 0o755)

    def test_the_crontab_does_what_the_page_says(self):
        root, store = self.path("srv/git"), self.path("srv/archive.bale")
        sources, mirrors = [], []
        for name in ("github.com/o/one", "github.com/o/two words", "gitlab.com/g/s/three"):
            sources.append(self.repository("upstream/" + name, 2))
            mirrors.append(f"{root}/{name}.git")
            p.git(self.directory, "clone", "--mirror", sources[-1].path, mirrors[-1])
        (crontab,) = blocks(page("mirror"), "crontab")
        lines = crontab.replace("/srv/", self.path("srv/")).splitlines()
        environment = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
        self.assertEqual(environment["BALE_STORE"], store)
        path = f"{self.bin}:{os.path.dirname(PROGRAM)}:"
        commands = [re.fullmatch(r"(?:\S+ +){5}(.*)", line).group(1) for line in lines
                    if line[:1].isdigit()]
        self.assertTrue(commands[0].startswith("flock") and "%" not in crontab)

        def night(command, status=0):
            environment["PATH"] = path + p.GIT_ENVIRONMENT["PATH"]
            done = subprocess.run(["sh", "-c", command], env=environment, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(done.returncode, status, done.stdout)
            return done.stdout

        for command in commands:
            self.assertEqual(night(command), "")
        names = [json.loads(line)["name"]
                 for line in self.must("list", "--json", "--store", store).splitlines()]
        self.assertEqual(names,
                         ["github.com/o/one", "github.com/o/two words", "gitlab.com/g/s/three"])
        # Unchanged sources get no new record; a failing one does not stop the others.
        sources[2].grow(1)
        self.assertEqual(night(commands[0]), "")
        shutil.rmtree(sources[1].path)
        with open(os.path.join(mirrors[0], "refs", "heads", "lost"), "w",
                  encoding="ascii") as ref:
            ref.write("1" * 40 + "\n")
        shutil.rmtree(sources[0].path)
        self.repository("srv/git/a@b.git")
        said = night(commands[0], status=1)
        self.assertIn(f"bale-mirror: {mirrors[0]}: status 5\n", said)
        self.assertIn(f"bale-mirror: {mirrors[1]}: not updated\n", said)
        self.assertNotIn(f"bale-mirror: {mirrors[1]}: status", said)
        self.assertIn(f"bale-mirror: {root}/a@b.git: status 2\n", said)
        records = {}
        for line in self.must("list", "--json", "--store", store).splitlines():
            entry = json.loads(line)
            records[entry["name"]] = entry["records"]
        self.assertEqual(list(records.values()), [1, 1, 2])
        os.makedirs(self.path("empty"))
        self.assertIn("no *.git below", night(f"bale-mirror '{self.path('empty')}/'", status=1))
        self.assertNotEqual(night(f"bale-mirror '{self.path('none')}'", status=1), "")
        shutil.rmtree(root)
        p.git(self.directory, "clone", "--mirror", sources[2].path, root + "/new.git")
        self.assertEqual(night(f"bale-mirror '{root}/'"), "")
        self.must("log", "new", "--store", store)


class BackupTest(Page):
    """The copies, while imports run and without, and what is restored from them."""

    def script(self):
        (script,) = blocks(page("backup"), "sh")
        with open(self.path("bale-backup"), "w", encoding="utf-8") as file:
            file.write(script)
        os.chmod(self.path("bale-backup"), 0o755)
        return self.path("bale-backup")

    def fresh(self):
        """archive.bale with two archives, and nothing else."""
        for name in ("archive.bale", "copy.bale", "NAME", "NAME.git"):
            shutil.rmtree(self.path(name), ignore_errors=True)
        source = self.repository("NAME", 3)
        for _ in range(2):
            self.must("import", "git", source.grow(1).path, "--store", self.path("archive.bale"))
        return source

    def commands(self, section):
        text = page("backup").split(section, 1)[1].split("\n## ", 1)[0]
        return [line for block in indented(text) for line in block]

    def test_a_copy_under_the_lock_is_whole_and_restores_all(self):
        source = self.fresh()
        for command in self.commands("## A copy while nothing writes"):
            self.shell(command)
        back, check, repair, export, undo = self.commands("## Restoring")
        shutil.rmtree(self.path("archive.bale"))
        self.shell(back)
        self.shell(check)
        pack = next(pathlib.Path(self.path("archive.bale"), "packs").glob("*.pack"))
        pack.unlink()
        self.shell(check, status=3)
        self.shell(repair)
        self.shell(check)
        self.shell(export)
        self.assertEqual(p.repository_state(self.path("NAME.git")), source.state())
        self.must("archive", "rm", "NAME", "--store", self.path("archive.bale"))
        self.shell(undo)
        self.shell(check)

    def expect_waits(self, mode, *words):
        """It says that it waits, and is done once the lock is free."""
        store = self.path("archive.bale")
        with open(store + "/lock", "rb") as lock:
            fcntl.flock(lock, mode)
            with subprocess.Popen([PROGRAM, *words, "--store", store, "--progress", "always"],
                                  env=p.GIT_ENVIRONMENT, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE) as waiting:
                said = b""
                while b"waiting for" not in said:
                    piece = os.read(waiting.stderr.fileno(), 4096)
                    self.assertTrue(piece, f"{words} does not wait: {said}")
                    said += piece
                fcntl.flock(lock, fcntl.LOCK_UN)
                waiting.communicate()
                self.assertEqual(waiting.returncode, 0, words)

    def test_who_waits_for_whom_is_as_the_page_says(self):
        source = self.fresh().grow(1)
        with open(self.path("archive.bale/lock"), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.must("verify", "--store", self.path("archive.bale"))
        self.expect_waits(fcntl.LOCK_EX, "import", "git", source.path)
        self.expect_waits(fcntl.LOCK_EX, "archive", "prune", "NAME", "--keep", "1")
        self.expect_waits(fcntl.LOCK_SH, "repair")
        self.expect_waits(fcntl.LOCK_SH, "gc")
        self.must("import", "git", source.grow(1).path, "--store", self.path("archive.bale"))
        self.expect_waits(fcntl.LOCK_SH, "repack")

    @unittest.skipUnless(shutil.which("rsync"), "rsync is not installed")
    def test_a_copy_beside_imports_is_always_whole(self):
        source = self.fresh()
        script, copy = self.script(), self.path("copy.bale")
        store = self.path("archive.bale")
        for round_number in range(4):
            source.grow(1)
            running = subprocess.Popen(
                ["sh", "-c", f"for i in 1 2 3; do '{PROGRAM}' import git NAME --quiet "
                 f"--name beside{round_number}.$i --store archive.bale || exit; done"],
                cwd=self.directory, env=p.GIT_ENVIRONMENT)
            self.shell(f"sh {script} archive.bale copy.bale")
            self.assertEqual(running.wait(), 0)
            p.Bale(PROGRAM, copy).verify()
            # Packs removed from the store are removed from the copy.
            self.must("repack", "--store", store)
        self.shell(f"sh {script} archive.bale copy.bale")
        self.assertEqual(set(os.listdir(copy + "/packs")), set(os.listdir(store + "/packs")))
        p.Bale(PROGRAM, copy).verify()
        self.assertEqual(self.must("list", "--store", copy), self.must("list", "--store", store))

    @unittest.skipUnless(shutil.which("rsync"), "rsync is not installed")
    def test_a_copy_is_whole_at_every_step(self):
        """Imports come between any two commands, and the script ends after any."""
        source = self.fresh()
        script = pathlib.Path(self.script()).read_text(encoding="utf-8")
        steps = [line for line in script.splitlines() if line.startswith(("cp ", "rsync "))]
        self.assertEqual(len(steps), 4)
        count = 0
        for last in range(1, len(steps) + 1):
            changed = script
            for number, step in enumerate(steps):
                count += 1
                grown = (f"{step}\n'{PROGRAM}' import git NAME --quiet --name n{count} "
                         f"--store archive.bale")
                changed = changed.replace(step, grown + ("\nexit 0" if number + 1 == last else ""))
            source.grow(1)
            self.shell(f"set -- archive.bale copy.bale\n{changed}")
            if last > 2:
                p.Bale(PROGRAM, self.path("copy.bale")).verify()


class TroubleshootingTest(Page):
    def test_the_messages_are_those_of_the_program(self):
        store = self.path("s")
        self.must("import", "git", self.repository("a/b").path, "--name", "a/b", "--store", store)
        other = self.repository("other").path
        said = ""
        for words in (("list",), ("import", "git", other, "--name", "a", "--store", store),
                      ("import", "git", other, "--name", "a/b", "--store", store)):
            said += self.bale(*words).stderr.decode()
        said += subprocess.run([PROGRAM, "import", "git", other, "--store", store], check=False,
                               env={"PATH": "/nonexistent"}, stderr=subprocess.PIPE,
                               text=True).stderr
        shutil.rmtree(self.path("other/.git/objects"))
        os.mkdir(self.path("other/.git/objects"))
        said += self.bale("import", "git", other, "--store", store).stderr.decode()
        said += (ROOT / "src/base/check.cc").read_text(encoding="utf-8")
        messages = re.findall(r'^\*\*"(.*?)"', page("troubleshooting"), re.MULTILINE)
        self.assertGreater(len(messages), 5)
        for message in messages:
            self.assertIn(message, said)

    def test_a_message_about_memory_names_a_value_that_suffices(self):
        store, source = self.path("memory.bale"), self.repository("memory", 2).path
        self.must("import", "git", source, "--store", store)
        for words in (("import", "git", source, "--name", "b"), ("verify",), ("gc",), ("repack",),
                      ("repair",), ("stats",), ("list",), ("cat", "memory:a"),
                      ("export", "git", "memory", self.path("memory.git"))):
            command = [*words, "--store", store, "--memory"]
            said = self.bale(*command, "1K").stderr.decode()
            needed = re.search(r"(?:at least|--memory) (\d+[KMG])", said)
            self.assertTrue(needed, said)
            self.must(*command, needed.group(1))

    def test_the_commands_work(self):
        environment = {"BALE_STORE": self.path("archive.bale")}
        source = self.repository("linux.git", 2)
        for name in ("linux", "NAME"):
            for _ in range(2):
                self.must("import", "git", source.grow(1).path, "--name", name,
                          environment=environment)
        self.shell(f"cp -a {environment['BALE_STORE']} copy.bale")
        packs = pathlib.Path(environment["BALE_STORE"], "packs")
        space, repair, again = indented(page("troubleshooting"))
        for command in space:
            self.shell(command, environment=environment)
        # The plain repair restores from the store itself; the others, lost objects.
        self.lose_index(environment, packs)
        self.expect_repair(repair[:1], environment)
        for commands in (repair[1:2], repair[2:], again):
            self.damage_blob(environment, packs)
            self.expect_repair(commands, environment)

    def expect_repair(self, commands, environment):
        self.shell("bale verify", status=3, environment=environment)
        self.shell("bale repair --dry-run || true", environment=environment)
        for command in commands:
            self.shell(command, environment=environment)
        self.shell("bale verify", environment=environment)

    def lose_index(self, environment, packs):
        shown = json.loads(self.must("show", "linux:a", "--json", environment=environment))
        (packs / (shown["pack"] + ".idx")).unlink()

    def damage_blob(self, environment, packs):
        """Damages a payload that a repository can give back."""
        shown = json.loads(self.must("show", "linux:a", "--json", environment=environment))
        path = packs / (shown["pack"] + ".pack")
        data = bytearray(path.read_bytes())
        data[shown["offset"] + 60] ^= 1
        os.chmod(path, 0o644)
        path.write_bytes(data)


class ReadmeTest(Page):
    """The session is pasted into a shell. Lines that begin with '# ' are what the command before
    them prints; '...' stands for any text within a line."""

    def test_the_session_prints_what_it_says(self):
        (session,) = blocks((ROOT / "README.md").read_text(encoding="utf-8"), "bash")
        chunks, command = [], ""
        for line in session.splitlines():
            if line.startswith("# "):
                if command:
                    chunks.append((command, []))
                    command = ""
                chunks[-1][1].append(line[2:])
            else:
                command += line + "\n"
        self.assertEqual(command, "", "the last command prints something")
        script = "".join(f"{{ {text}}} 2>&1\necho '== end'\n" for text, _ in chunks)
        printed = self.shell(script, shell="bash",
                             environment={"TMPDIR": self.directory}).split("== end\n")[:-1]
        self.assertEqual(len(printed), len(chunks))
        for (text, wanted), output in zip(chunks, printed):
            pattern = "".join(re.escape(line).replace(r"\.\.\.", ".*") + "\n" for line in wanted)
            self.assertRegex(output, re.compile("^" + pattern + "$"), text)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
