#!/usr/bin/env python3
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
"""Makes calls of the real program fail as the operating system may, in all its threads.

system_faults.cc stands between the program and the C library. Each verb runs with one fault:

  eintr, short   at the Nth call that can be interrupted or move fewer bytes than it was asked for,
                 and at all such calls: the verb does all its work all the same
  eio, enospc    the Nth call fails, or it and all that come after it: the verb fails with status 1
                 and one line that says why, or has done its work; nothing is lost either way
  kill           the program dies before its Nth call: nothing is lost

What must hold then is in scene.py. N is spread over all the calls that a run without faults makes.

  system_faults_test.py BALE LIBRARY                     about 300 faults
  SYSTEM_FAULTS=5000 system_faults_test.py BALE LIBRARY  as many
"""

import collections
import concurrent.futures
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import typing

import program as p
import scene

DEFAULT_FAULTS = 300
STATUS_FAILED = 1

# Kind, whether it lasts, and how many shares of the trials it gets.
MODES = [("eintr", "once", 1), ("short", "once", 1), ("eio", "once", 2), ("eio", "always", 1),
         ("enospc", "once", 1), ("enospc", "always", 1), ("kill", "once", 2)]

# These have one trial per verb, from the first call on, since they hit every call.
EVERY_CALL = ("eintr", "short")

# How few bytes a short transfer moves, in turn.
MOST_BYTES = (7, 1, 100, 4096)

MISSING = scene.Verb("cat what is not there", ("cat", "a:missing"))


class Case(typing.NamedTuple):
    verb: scene.Verb
    kind: str
    lasts: str
    at: int
    most_bytes: int

    def __str__(self):
        return f"{self.verb.name}, {self.kind} {self.lasts} at call {self.at}"


class Outcome(typing.NamedTuple):
    """A verb's result, compared with that of a run without faults."""
    stdout: str
    archives: dict
    files: dict  # how many of each suffix
    exported: str


def outcome(bale, verb, done):
    """Of a run with status 0. A writer's output has times and memory, which vary."""
    packs = os.listdir(os.path.join(bale.store, "packs"))
    out = bale.store + ".out"
    exported = p.repository_state(out) if os.path.isdir(out) else ""
    return Outcome(done.stdout if verb.reads else "", bale.archives(),
                   collections.Counter(name.split(".")[-1] for name in packs), exported)


def bytes_of(store):
    """A hash of the store without staging/, as a name for its state."""
    state = hashlib.sha256()
    for directory, directories, files in sorted(os.walk(store)):
        directories[:] = [name for name in directories if name != "staging"]
        for name in sorted(files):
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                state.update(os.path.relpath(path, store).encode() + b"\0" + file.read())
    return state.digest()


class SystemFaultsTest:
    def __init__(self, program, library, directory):
        self.library = library
        self.scene = scene.Scene(program, directory)
        self.before = p.Bale(program, self.scene.base).archives()
        self.clean = {}  # verb -> (calls of each kind, outcome)
        self.hits = collections.Counter()
        self.lock = threading.Lock()
        self.lost_index = self.an_index()

    def an_index(self):
        packs = os.path.join(self.scene.base, "packs")
        return min(name for name in os.listdir(packs) if name.endswith(".idx"))

    def verbs(self):
        return [
            *self.scene.writers(),
            scene.Verb("repair", ("repair",), mends=True),
            scene.Verb("verify", ("verify",), reads=True),
            scene.Verb("cat", ("cat", "a:a"), reads=True),
            scene.Verb("export git", ("export", "git", "a", scene.OUT), 2, reads=True),
        ]

    def copy(self, verb):
        """This thread's own store, in the state before the verb."""
        bale = self.scene.copy(f"store{threading.get_ident()}")
        shutil.rmtree(bale.store + ".out", ignore_errors=True)
        if verb.mends:
            os.remove(os.path.join(bale.store, "packs", self.lost_index))
        return bale

    def run_with(self, bale, verb, kind="none", lasts="once", at=0, most_bytes=1):
        """The finished process, and the library's log."""
        log = self.log_of(bale)
        if os.path.exists(log):
            os.remove(log)
        done = bale.run(*verb.on(bale), "--quiet", environment={
            "LD_PRELOAD": self.library, "SYSTEM_FAULT_KIND": kind, "SYSTEM_FAULT_LASTS": lasts,
            "SYSTEM_FAULT_AT": str(at), "SYSTEM_FAULT_MOST": str(most_bytes),
            "SYSTEM_FAULT_LOG": log, "TMPDIR": self.scene.directory})
        return done, self.read_log(bale)

    @staticmethod
    def log_of(bale):
        return bale.store + ".log"

    def read_log(self, bale):
        if not os.path.exists(self.log_of(bale)):
            return {}
        with open(self.log_of(bale), encoding="ascii") as file:
            return dict(map(str.split, file))

    def run_clean(self, verb):
        bale = self.copy(verb)
        done, calls = self.run_with(bale, verb)
        if done.returncode != 0 or "hit" not in calls:
            raise p.Failed(f"{verb.name}, without faults: status {done.returncode}: {done.stderr}")
        self.clean[verb] = (calls, outcome(bale, verb, done))

    def try_case(self, case):
        bale = self.copy(case.verb)
        try:
            done, calls = self.run_with(bale, *case)
            killed = case.kind == "kill" and done.returncode == -9
            if "hit" not in calls and not killed:
                raise p.Failed(f"it did not end well: status {done.returncode}: {done.stderr}")
            self.judge(case, bale, done, killed)
        except (p.Failed, subprocess.TimeoutExpired) as failure:
            return f"{case} ({self.read_log(bale).get('first')}): {failure}"
        with self.lock:
            self.hits[case.kind, case.lasts] += 1 if killed else int(calls["hit"])
        return None

    def judge(self, case, bale, done, killed):
        expected = self.clean[case.verb][1]
        if done.returncode == 0:
            found = outcome(bale, case.verb, done)
            if found != expected or done.stderr:
                raise p.Failed(f"it came to {found} {done.stderr}, not to {expected}")
            if case.verb.reads or case.kind in ("eintr", "short"):
                return
        elif not killed:
            self.expect_error(case, done)
            self.expect_nothing_half_exported(bale, expected)
        if case.verb.reads and bytes_of(bale.store) != bytes_of(self.scene.base):
            raise p.Failed("it has changed the store")
        self.scene.expect_recovery(bale, case.verb, [self.before, expected.archives])

    def expect_error(self, case, done):
        if case.kind in ("eintr", "short") or done.returncode != STATUS_FAILED:
            raise p.Failed(f"status {done.returncode}: {done.stderr}{done.stdout}")
        lines = done.stderr.splitlines()
        # verify continues after a read error, and names each; repack names each pack.
        names_each = case.verb.name == "verify" or case.verb.name.startswith("repack")
        too_many = len(lines) > 1 and not names_each
        if not lines or too_many or not all(line.startswith("bale: ") for line in lines):
            raise p.Failed(f"no error in one line: {done.stderr}")

    @staticmethod
    def expect_nothing_half_exported(bale, expected):
        out = bale.store + ".out"
        if os.path.exists(out) and p.repository_state(out) != expected.exported:
            raise p.Failed("a part was exported")

    def cases(self, wanted):
        """Each mode's share of N, spread over all the calls; the last call is among them."""
        verbs = self.verbs()
        shares = sum(share for _, _, share in MODES)
        for verb in verbs:
            calls = self.clean[verb][0]
            for kind, lasts, share in MODES:
                count = int(calls[kind])
                trials = min(count, max(1, wanted * share // (shares * len(verbs))))
                for i in range(trials):
                    yield Case(verb, kind, lasts, count - i * count // trials,
                               MOST_BYTES[i % len(MOST_BYTES)])
            for kind in EVERY_CALL:
                yield Case(verb, kind, "always", 1, MOST_BYTES[0])

    def expect_whole_messages(self):
        """A verb's error message is complete, however it must be written."""
        bale = self.copy(MISSING)
        said = bale.run(*MISSING.on(bale)).stderr
        for kind in EVERY_CALL:
            done, _ = self.run_with(bale, MISSING, kind, "always", 1)
            if done.stderr != said:
                raise p.Failed(f"{MISSING.name}, {kind}: {done.stderr}, and not {said}")

    def run(self, wanted):
        self.expect_whole_messages()
        for verb in self.verbs():
            self.run_clean(verb)
        cases = list(self.cases(wanted))
        failures = 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for failure in filter(None, pool.map(self.try_case, cases)):
                failures += 1
                print("FAILED:", failure, flush=True)
        for kind, lasts in sorted({(case.kind, case.lasts) for case in cases}):
            tried = sum(1 for case in cases if (case.kind, case.lasts) == (kind, lasts))
            print(f"{kind} {lasts}: {self.hits[kind, lasts]} faults in {tried} runs")
        print(f"{len(cases)} runs of {len(self.clean)} verbs, {failures} failed")
        return failures == 0


def main():
    # The disk does not matter here, and a sync in memory is free.
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bale-faults-", dir=in_memory) as directory:
        try:
            test = SystemFaultsTest(sys.argv[1], sys.argv[2], directory)
            return 0 if test.run(int(os.environ.get("SYSTEM_FAULTS", DEFAULT_FAULTS))) else 1
        except p.Failed as failure:
            print("FAILED:", failure)
            return 1


if __name__ == "__main__":
    sys.exit(main())
