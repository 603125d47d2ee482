#!/usr/bin/env python3
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
"""The shared library: what it exports, its soname, and a program that uses it.

Everything that a public header declares and the library defines is exported, and nothing else.

Run by ctest as `shared_library`; by hand: test/shared_library_test.py LIBRARY COMPILER VERSION
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A function that is declared here and defined elsewhere.
DECLARED = re.compile(r"\)( const)?( noexcept)?( &&?)?;$")
CLASS = re.compile(r"(?:class|struct) (?:\[\[\w+\]\] )?(BALE_EXPORT )?(\w+)\b[^;]*\{$")
SYMBOL = re.compile(r"(?:(?:typeinfo|typeinfo name|vtable) for )?bale::(?:detail::)?(\w+)")


def statements(lines, indent):
    """The statements that begin at this indentation, each as one line."""
    statement = ""
    for line in lines:
        line = re.sub(r"\s*//.*", "", line)
        starts = len(line) - len(line.lstrip()) == indent and line.strip()
        if not statement and not starts:
            continue
        statement = f"{statement} {line.strip()}".strip()
        if line.endswith((";", "{", "}", ":")):
            yield statement
            statement = ""


def body_of(lines, name):
    """The lines of a class at the namespace's level."""
    start = next(n for n, line in enumerate(lines)
                 if re.match(rf"(class|struct) .*\b{name}\b[^;]*$", line))
    end = next(n for n in range(start, len(lines)) if lines[n] == "};")
    return lines[start + 1:end]


def declarations(lines):
    """What a header declares and the library defines: (name, is it a function, is it exported)."""
    lines = [line for line in lines if not line.startswith(("#", "template", "} "))]
    for statement in statements(lines, 0):
        found = CLASS.match(statement)
        if found:
            members = list(statements(body_of(lines, found.group(2)), 2))
            if any(DECLARED.search(member) or member.startswith("virtual ") for member in members):
                yield found.group(2), False, bool(found.group(1))
        elif DECLARED.search(statement) and not statement.startswith(("inline", "constexpr")):
            name = re.search(r"\b(\w+)\(", statement.replace("__attribute__", "")).group(1)
            yield name, True, "BALE_EXPORT " in statement


def run(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


class DeclarationsTest(unittest.TestCase):
    def test_what_needs_the_mark(self):
        header = ["enum class Kind { kA };", "inline int a() {", "  b();", "}", "int c(int a,",
                  "      int b);", "[[nodiscard]] BALE_EXPORT int d();  // text", "struct Plain {",
                  "  bool ok() const { return true; }", "};", "class E;", "class E {", " public:",
                  "  [[nodiscard]] int f() const;", "};", "class BALE_EXPORT G {",
                  "  virtual ~G() = default;", "};"]
        self.assertEqual(list(declarations(header)),
                         [("c", True, False), ("d", True, True), ("E", False, False),
                          ("G", False, True)])


class SharedLibraryTest(unittest.TestCase):
    def setUp(self):
        self.declared = {}
        for path in sorted((ROOT / "include/bale").glob("*.h")):
            for name, is_function, exported in declarations(path.read_text().splitlines()):
                self.assertTrue(exported, f"{path.name}: {name} lacks BALE_EXPORT")
                self.declared[name] = is_function
        self.assertGreater(len(self.declared), 50, "the declarations were not found")

    def test_exports_what_the_headers_declare_and_nothing_else(self):
        exported = set()
        for line in run("nm", "-DC", "--defined-only", LIBRARY).splitlines():
            symbol = line.split(maxsplit=2)[2]
            found = SYMBOL.match(symbol)
            self.assertTrue(found and found.group(1) in self.declared, f"{symbol} is not public")
            self.assertNotIn("::Impl::", symbol.split("(")[0])
            exported.add(found.group(1))
        self.assertEqual(set(self.declared) - exported, set(), "declared, but not exported")

    def test_the_soname_has_the_version(self):
        soname = re.search(r"SONAME.*\[(.*)\]", run("readelf", "-d", LIBRARY)).group(1)
        self.assertEqual(soname, "libbale.so." + ".".join(VERSION.split(".")[:2]))
        self.assertTrue((pathlib.Path(LIBRARY).parent / soname).exists())
        self.assertTrue(pathlib.Path(LIBRARY).resolve().name.endswith(f".so.{VERSION}"))

    def test_a_program_uses_it(self):
        folder = pathlib.Path(LIBRARY).parent
        with tempfile.TemporaryDirectory() as work:
            run(COMPILER, "-std=c++20", f"-I{ROOT}/include", ROOT / "test/consumer/consumer.cc",
                "-o", f"{work}/consumer", f"-L{folder}", "-Wl,-Bdynamic", "-lbale",
                f"-Wl,-rpath,{folder}")
            self.assertIn("libbale.so.", run("readelf", "-d", f"{work}/consumer"))
            self.assertRegex(run(f"{work}/consumer"), r"^[0-9a-f]{64} \d+$")


if __name__ == "__main__":
    LIBRARY, COMPILER, VERSION = sys.argv[1:4]
    del sys.argv[1:4]
    unittest.main()
