#!/usr/bin/env python3
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
"""Compiles the examples in the comments of the public headers.

An example is a paragraph of indented comment lines with code in it. Paragraphs that follow each
other are one example, which becomes the body of a function. What an example takes for granted is
declared in GIVEN.

Run by ctest as `header_examples`; by hand: test/header_examples_test.py COMPILER
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMPILER = "c++"
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-unused",
         "-Wunused-result", f"-I{ROOT}/include"]

# The variables and functions of the caller.
GIVEN = """
extern bale::Store store;
extern const bale::Snapshot snapshot;
extern bale::ReadContext context;
extern std::atomic<bool> stop;
extern const bale::Operation operation;
extern const bale::ObjectId id;
extern const bale::Bytes payload;
extern const std::vector<bale::Bytes> pieces;
extern const std::uint64_t size;
void draw(const bale::Progress& at);
void print(const std::string& text);
void use(const bale::PackReader& reader);
void use(const bale::Record& record);
void use(bale::ObjectType type, bale::Bytes payload);
"""

COMMENT = re.compile(r"\s*///?(.*)$")
CODE = re.compile(r"bale::|;\s*(//.*)?$")


def examples(lines):
    """The examples in a header: lists of (line number, text), one list an example."""
    found = []
    paragraph = []
    goes_on = False

    def end_paragraph():
        nonlocal paragraph, goes_on
        if not paragraph:
            return
        if any(CODE.search(text) for _, text in paragraph):
            if goes_on:
                found[-1] += paragraph
            else:
                found.append(paragraph)
            goes_on = True
        paragraph = []

    for number, line in enumerate(lines, 1):
        comment = COMMENT.match(line)
        if comment and comment.group(1).startswith("   "):
            paragraph.append((number, comment.group(1)))
            continue
        end_paragraph()
        if not comment or comment.group(1).strip():
            goes_on = False
    end_paragraph()
    return found


def source(headers):
    """One source with the examples of all headers, and how many there are."""
    parts = [f'#include "{name}"' for name in headers] + [GIVEN]
    count = 0
    for name, lines in headers.items():
        for example in examples(lines):
            parts += [f"bale::Result<void> example_{count}();",
                      f"bale::Result<void> example_{count}() {{"]
            for number, text in example:
                parts += [f'#line {number} "{name}"', text]
            parts += ["return {};", "}"]
            count += 1
    return "\n".join(parts), count


def compile_errors(text):
    done = subprocess.run([COMPILER, *FLAGS, "-x", "c++", "-"], input=text, text=True,
                          capture_output=True)
    return done.stderr if done.returncode else ""


class HeaderExamplesTest(unittest.TestCase):
    def test_they_compile(self):
        headers = {f"bale/{path.name}": path.read_text(encoding="utf-8").splitlines()
                   for path in sorted((ROOT / "include/bale").glob("*.h"))}
        text, count = source(headers)
        self.assertGreater(count, 10, "the examples were not found")
        errors = compile_errors(text)
        self.assertFalse(errors, "\n" + errors)

    def test_a_broken_example_is_found(self):
        for broken in ["bale::Bytes payload = 1;", "bale::Bytes payload", "unknown();"]:
            text, count = source({"bale/bytes.h": ["// As in", "//", f"//   {broken}"]})
            text = text.replace(GIVEN, '#include "bale/result.h"')
            self.assertEqual(count, 1)
            self.assertRegex(compile_errors(text), r"bale/bytes\.h:[34]:.*error")

    def test_paragraphs_that_follow_each_other_are_one_example(self):
        header = ["//   a();", "//", "//   b();  // c", "//", "//   DIRECTORY/   no code;  here",
                  "// text", "  ///   c();"]
        self.assertEqual([[number for number, _ in example] for example in examples(header)],
                         [[1, 3], [7]])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        COMPILER = sys.argv.pop(1)
    unittest.main()
