#!/usr/bin/env python3
# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
"""Kills the real program before a chosen system call that changes files, on the real file system.

Each verb runs under strace, which kills it before its Nth such call, for N spread over all of them.
After each kill: verify finds nothing, every archive exports as it was before the verb or as it is
after it, the same command run again succeeds, and the next import leaves staging/ empty.

  kill_test.py BALE               about 40 kills
  KILLS=1000 kill_test.py BALE    as many; where there are fewer calls, each is killed before once
"""

import os
import shutil
import subprocess
import sys
import tempfile

import program as p

CALLS = ("pwrite64,write,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,"
         "mkdir,mkdirat,fsync,fdatasync,flock")

# Threads other than the first are not traced; so that there are none that write.
ONE_THREAD = ("--threads", "1", "--quiet")


def verbs(sources):
    """name, arguments, and the status of a second run where the first was done already."""
    return [
        ("import", ("import", "git", sources["new"], "--name", "new"), 0),
        ("import again", ("import", "git", sources["a"], "--name", "a"), 0),
        ("archive rm", ("archive", "rm", "b"), 4),
        ("archive prune", ("archive", "prune", "a", "--keep", "1"), 0),
        ("repack", ("repack",), 0),
        ("repack --delta", ("repack", "--delta"), 0),
        ("gc", ("gc",), 0),
    ]


def trace(command, *options):
    return subprocess.run(["strace", "-qq", "-e", "trace=" + CALLS, "-e", "signal=none", *options,
                           *command],
                          env=p.GIT_ENVIRONMENT, check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)


class KillTest:
    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        self.base = os.path.join(directory, "base")
        self.kills = 0

    def path(self, name):
        return os.path.join(self.directory, name)

    def prepare(self):
        """A store with three archives, one of them removed, and what is imported from it next."""
        a = p.Repository(self.path("a"), "a").grow(3)
        # The same seed, so what b has lies in the pack that came with what goes: gc takes a part.
        gone = p.Repository(self.path("gone"), "b").grow(4)
        b = p.Repository(self.path("b"), "b").grow(2)
        new = p.Repository(self.path("new"), "new").grow(4)
        bale = p.Bale(self.program, self.base)
        bale.must("import", "git", a.path, "--name", "a")
        a.grow(2)
        for repository, name in ((a, "a"), (gone, "gone"), (b, "b")):
            bale.must("import", "git", repository.path, "--name", name)
        bale.must("archive", "rm", "gone")
        a.grow(2)
        return {"a": a.path, "new": new.path}

    def copy(self):
        store = self.path("store")
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(self.base, store)
        return p.Bale(self.program, store)

    def calls_of(self, arguments):
        """The calls that the verb makes, as (name, how many of that name), and the archives after
        it. strace counts each name by itself."""
        bale = self.copy()
        log = self.path("log")
        done = trace(bale.command(*arguments, *ONE_THREAD), "-o", log)
        if done.returncode != 0:
            raise p.Failed(f"{' '.join(arguments)}: {done.stderr}")
        counts = {}
        calls = []
        with open(log, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                name = line.split("(")[0]
                counts[name] = counts.get(name, 0) + 1
                calls.append((name, counts[name]))
        return calls, bale.archives()

    def kill(self, arguments, call, states, status_if_done):
        bale = self.copy()
        killed = trace(bale.command(*arguments, *ONE_THREAD), "-o", "/dev/null", "-e",
                       f"inject={call[0]}:signal=KILL:when={call[1]}")
        if killed.returncode == 0:
            return  # how often it writes to git depends on who is faster: it came to an end
        if killed.returncode not in (-9, 137):
            raise p.Failed(f"it was not killed: status {killed.returncode}: {killed.stderr}")
        self.kills += 1
        bale.verify()
        found = bale.archives()
        if found not in states:
            raise p.Failed(f"archives are neither as before nor as after: {found}")
        again = bale.run(*arguments)
        if again.returncode != 0 and (found != states[1] or again.returncode != status_if_done):
            raise p.Failed(f"run again: status {again.returncode}: {again.stderr}")
        bale.verify()
        if bale.archives() not in self.after_again(states[1]):
            raise p.Failed("run again, the archives are not as they should be")
        # Debris goes with the next import: a verb that finds nothing to do leaves it.
        bale.must("import", "git", self.path("a"), "--name", "last")
        bale.expect_no_staging()

    @staticmethod
    def after_again(after):
        """An import that was done and runs again adds a record, and nothing else."""
        more = [after]
        for name, (records, state) in after.items():
            more.append({**after, name: (records + 1, state)})
        return more

    def run(self, wanted):
        sources = self.prepare()
        before = p.Bale(self.program, self.base).archives()
        todo = verbs(sources)
        for name, arguments, status_if_done in todo:
            calls, after = self.calls_of(arguments)
            share = min(len(calls), -(-wanted // len(todo)))
            for i in range(share):
                # The last call is among them: there most of the debris is.
                call = calls[-1 - i * len(calls) // share]
                try:
                    self.kill(arguments, call, [before, after], status_if_done)
                except p.Failed as failure:
                    raise p.Failed(f"{name}, killed before {call[0]} {call[1]}: {failure}")
            print(f"{name}: killed before {share} of {len(calls)} calls", flush=True)
        print(f"kills: {self.kills} of {len(todo)} verbs, nothing lost")


def can_trace():
    if shutil.which("strace") is None:
        return "strace is not installed (scripts/deps.sh --test installs it)"
    done = trace(["true"], "-o", "/dev/null")
    return "" if done.returncode == 0 else f"strace may not trace here: {done.stderr.strip()}"


def main():
    why_not = can_trace()
    if why_not:
        print("skipped:", why_not)
        return p.SKIPPED
    with tempfile.TemporaryDirectory(prefix="bale-kill-") as directory:
        try:
            KillTest(sys.argv[1], directory).run(int(os.environ.get("KILLS", "40")))
        except p.Failed as failure:
            print("FAILED:", failure)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
