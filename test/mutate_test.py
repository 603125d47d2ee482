#!/usr/bin/env python3
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
"""The mutants that scripts/mutate.py makes, without building any."""

import importlib.util
import pathlib
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "scripts" / "mutate.py"
sys.dont_write_bytecode = True
SPEC = importlib.util.spec_from_file_location("mutate", SCRIPT)
mutate = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mutate)


class MutantsTest(unittest.TestCase):
    def expect(self, text, *results):
        found = [mutant.apply(text) for mutant in mutate.mutants_of(text)]
        self.assertEqual(sorted(found), sorted(results))

    def test_comparisons_and_connectives(self):
        self.expect("a < b", "a <= b", "a >= b")
        self.expect("a == b", "a != b")
        self.expect("a && b", "a || b")
        self.expect("a += b - c;", "a -= b - c;", "a += b + c;")

    def test_constants(self):
        self.expect("f(5u)", "f(6u)", "f(20u)", "f(0u)")
        self.expect("f(0)", "f(1)")
        self.expect("f(10'000)", "f(10001)", "f(40000)", "f(0)")
        self.expect("return true;", "return false;")

    def test_checks_are_removed(self):
        self.expect("  TRY(check(a));\n", "  \n")
        self.expect("x = TRY(check(a));\n")
        self.expect("if (bad(a)) return fail(a);", "if (false && (bad(a))) return fail(a);")
        self.expect("if (bad(a)) {\n  return fail(a);\n}",
                    "if (false && (bad(a))) {\n  return fail(a);\n}")
        self.expect("if (bad(a)) {\n  return a;\n}")

    def test_what_is_not_code_is_left_alone(self):
        self.expect(textwrap.dedent("""\
            #include <a1> // 5 < 6
            // a < b && true
            /* 1 +
               2 */
            static_assert(sizeof(int) == 4);
            std::vector<std::uint64_t> list(std::move(other));
            template <typename T>
            char c = '7', d = "1 < \\" 2"[i];
            float f = 0.5 * 0x10 * i1 * a.b2;
            """))

    def test_a_mutant_is_described_by_its_line(self):
        text = "// one\nif (a < b) go();\n"
        self.assertEqual(mutate.mutants_of(text)[0].describe(text),
                         "2: < -> <=    if (a < b) go();")


class RestoredTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name) / "a.cc"
        self.path.write_bytes(b"before\n")

    def test_the_file_is_restored_after_an_exception(self):
        with self.assertRaises(KeyboardInterrupt):
            with mutate.Restored(self.path):
                self.path.write_bytes(b"after\n")
                raise KeyboardInterrupt
        self.assertEqual(self.path.read_bytes(), b"before\n")

    def test_signals_restore_it_too(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            program = textwrap.dedent(f"""\
                import os, pathlib, sys
                sys.path.insert(0, {str(SCRIPT.parent)!r})
                sys.dont_write_bytecode = True
                import mutate
                mutate.heed_signals()
                path = pathlib.Path({str(self.path)!r})
                with mutate.Restored(path):
                    path.write_bytes(b"after")
                    os.kill(os.getpid(), {int(number)})
                    while True:
                        pass
                """)
            done = subprocess.run([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(self.path.read_bytes(), b"before\n")


class ArgumentsTest(unittest.TestCase):
    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)

    def test_a_file_outside_of_the_rooms_is_refused(self):
        for name in ["nowhere.cc", SCRIPT]:
            done = self.run_script(name)
            self.assertEqual(done.returncode, 2)
            self.assertIn("not a file in a room", done.stderr)

    def test_a_seed_chooses_the_same_mutants_again(self):
        file = SCRIPT.parent.parent / "src" / "store" / "maintain" / "repack.cc"
        first = self.run_script(file, "--list", "--limit", "5", "--seed", "3").stdout
        self.assertEqual(len(first.splitlines()), 5)
        self.assertEqual(self.run_script(file, "--list", "--limit", "5", "--seed", "3").stdout,
                         first)
        self.assertNotEqual(self.run_script(file, "--list", "--limit", "5", "--seed", "4").stdout,
                            first)


if __name__ == "__main__":
    unittest.main()
