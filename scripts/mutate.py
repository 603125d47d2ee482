#!/usr/bin/env python3
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
"""Shows which parts of a source file its tests do not test.

Changes one small thing in FILE at a time (a comparison, a constant, a check), builds the tests of
FILE's room and runs them. A change that passes all tests has survived: either a test is missing, or
the change makes no difference that counts (a buffer's size, an optimization). FILE is restored in
every case, also after Ctrl-C.

    scripts/mutate.py src/store/maintain/repack.cc --filter 'RepackTest*'
    scripts/mutate.py src/object/record.cc --limit 20 --seed 7
    scripts/mutate.py src/object/record.cc --list

Exit status: 0 if every mutant that could be built was killed, 1 if any survived, 2 if there was
nothing to test or the tests fail without any change.
"""

import argparse
import dataclasses
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Parts that stay unchanged: comments, strings, characters, preprocessor lines and static_assert.
NOT_CODE = re.compile(r"//[^\n]*|/\*.*?\*/|^[ \t]*#[^\n]*|^[ \t]*static_assert\([^;]*;|"
                      r'"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
                      re.DOTALL | re.MULTILINE)

# clang-format puts spaces around binary operators, and none into template brackets.
OPERATORS = {
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"],
    "==": ["!="], "!=": ["=="], "&&": ["||"], "||": ["&&"],
    "+": ["-"], "-": ["+"], "+=": ["-="], "-=": ["+="],
}
OPERATOR = re.compile(r"(?<=\s)(<=|>=|==|!=|&&|\|\||\+=|-=|<|>|\+|-)(?=\s)")
INTEGER = re.compile(r"(?<![\w.'])(\d[\d']*)([uU]?)(?![\w.'])")
BOOLEAN = re.compile(r"\b(true|false)\b")
TRY_STATEMENT = re.compile(r"^[ \t]*(TRY\([^\n]*\);)[ \t]*$", re.MULTILINE)
REFUSAL = re.compile(r"\bif \(([^;{}]*?)\)\s*\{?\s*return fail\(")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change: text[start:end] becomes `new`."""
    start: int
    end: int
    new: str

    def apply(self, text):
        return text[:self.start] + self.new + text[self.end:]

    def describe(self, text):
        line_start = text.rfind("\n", 0, self.start) + 1
        line_end = text.find("\n", self.end)
        line = text[line_start:line_end if line_end >= 0 else len(text)]
        number = text.count("\n", 0, self.start) + 1
        old = " ".join(text[self.start:self.end].split())
        return f"{number}: {old} -> {self.new or '(nothing)'}    {' '.join(line.split())}"


def code_of(text):
    """`text` with everything that is not code replaced by blanks, so that offsets stay."""
    return NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def other_integers(value):
    return [other for other in dict.fromkeys([value + 1, value * 4, 0]) if other != value]


def mutants_of(text):
    """All mutants of a source file, in the order of their positions."""
    code = code_of(text)
    found = []
    for match in OPERATOR.finditer(code):
        found += [Mutant(match.start(), match.end(), new) for new in OPERATORS[match.group()]]
    for match in INTEGER.finditer(code):
        digits = match.group(1).replace("'", "")
        value = int(digits, 8 if re.fullmatch(r"0[0-7]+", digits) else 10)
        found += [Mutant(match.start(), match.end(), str(other) + match.group(2))
                  for other in other_integers(value)]
    for match in BOOLEAN.finditer(code):
        found.append(Mutant(match.start(), match.end(),
                            "false" if match.group() == "true" else "true"))
    for match in TRY_STATEMENT.finditer(code):
        found.append(Mutant(match.start(1), match.end(1), ""))
    for match in REFUSAL.finditer(code):
        condition = text[match.start(1):match.end(1)]
        found.append(Mutant(match.start(1), match.end(1), f"false && ({condition})"))
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.new))


class Restored:
    """Restores a file's content when the block ends, in whatever way."""

    def __init__(self, path):
        self.path = path
        self.content = path.read_bytes()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.path.read_bytes() != self.content:
            self.path.write_bytes(self.content)


def heed_signals():
    """Signals that would end this process raise an exception, as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(2))


class Tests:
    """The test program of a room, in a build directory in which FILE is compiled by itself."""

    def __init__(self, build, file, gtest_filter):
        self.build = build
        self.room = file.relative_to(ROOT).parts[1]
        self.program = build / "src" / self.room / f"{self.room}_tests"
        self.command = [self.program, "--gtest_brief=1", f"--gtest_filter={gtest_filter}"]
        self.seconds = 0.0
        configure = ["cmake", "--preset", "dev", "-B", build, "-DBALE_BENCH=OFF",
                     f"-DBALE_UNITY_APART={file}"]
        if shutil.which("ccache"):
            configure += [f"-DCMAKE_{language}_COMPILER_LAUNCHER=ccache"
                          for language in ("C", "CXX")]
        subprocess.run(configure, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)

    def make(self):
        """The compiler's errors; empty if there are none."""
        done = subprocess.run(["cmake", "--build", self.build, "--target", f"{self.room}_tests"],
                              cwd=ROOT, capture_output=True, text=True, errors="replace")
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def measure(self):
        """Runs the tests without any change. Returns their output; empty if they pass."""
        start = time.monotonic()
        done = subprocess.run(self.command, cwd=ROOT, capture_output=True, text=True,
                              errors="replace")
        self.seconds = time.monotonic() - start
        listed = subprocess.run(self.command + ["--gtest_list_tests"], capture_output=True,
                                text=True).stdout
        if not listed.strip():
            return f"{self.room}_tests has no test of this name\n"
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def run(self):
        """A short reason why the tests fail; None if they pass."""
        try:
            done = subprocess.run(self.command + ["--gtest_fail_fast"], cwd=ROOT,
                                  capture_output=True, text=True, errors="replace",
                                  timeout=30 + 10 * self.seconds)
        except subprocess.TimeoutExpired:
            return "the tests do not end"
        if done.returncode == 0:
            return None
        failed = re.search(r"\[  FAILED  \] ([\w/.]+)", done.stdout)
        return failed.group(1) if failed else f"exit status {done.returncode}"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE", type=pathlib.Path, help="a source in src/ROOM")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "mutate",
                        help="the build directory, configured if needed (default: build/mutate)")
    parser.add_argument("--limit", type=int, metavar="N", help="try N mutants, chosen at random")
    parser.add_argument("--seed", type=int, default=1, help="of that choice (default: 1)")
    parser.add_argument("--lines", metavar="A-B", help="only mutants in these lines")
    parser.add_argument("--filter", default="*", metavar="GTEST_FILTER", help="tests to run")
    parser.add_argument("--list", action="store_true", help="print the mutants, and try none")
    return parser.parse_args()


def chosen_mutants(text, arguments):
    mutants = mutants_of(text)
    if arguments.lines:
        first, _, last = arguments.lines.partition("-")
        lines = range(int(first), int(last or first) + 1)
        mutants = [mutant for mutant in mutants if text.count("\n", 0, mutant.start) + 1 in lines]
    if arguments.limit is not None and arguments.limit < len(mutants):
        picked = random.Random(arguments.seed).sample(mutants, arguments.limit)
        mutants = [mutant for mutant in mutants if mutant in picked]
    return mutants


def stop(message):
    print(f"mutate: {message}", file=sys.stderr)
    sys.exit(2)


def main():
    arguments = parse_arguments()
    file = arguments.file.resolve()
    source = ROOT / "src"
    if not file.is_file() or not file.is_relative_to(source) or len(file.parts) < len(
            source.parts) + 2:
        stop(f"{arguments.file}: not a file in a room of {source}")
    text = file.read_text(encoding="utf-8")
    mutants = chosen_mutants(text, arguments)
    if arguments.list:
        for mutant in mutants:
            print(mutant.describe(text))
        return 0
    if not mutants:
        stop(f"{arguments.file}: no mutants")
    heed_signals()
    tests = Tests(arguments.build.resolve(), file, arguments.filter)
    trouble = tests.make() or tests.measure()
    if trouble:
        stop(f"the tests fail without any change:\n{trouble}")
    count = {"killed": 0, "SURVIVED": 0, "not built": 0}
    with Restored(file):
        for mutant in mutants:
            file.write_text(mutant.apply(text), encoding="utf-8")
            why = None
            verdict = "not built" if tests.make() else None
            if not verdict:
                why = tests.run()
                verdict = "killed" if why else "SURVIVED"
            count[verdict] += 1
            by = f"    ({why})" if why else ""
            print(f"{verdict:9} {arguments.file}:{mutant.describe(text)}{by}", flush=True)
    print(", ".join(f"{number} {verdict.lower()}" for verdict, number in count.items()))
    return 1 if count["SURVIVED"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
