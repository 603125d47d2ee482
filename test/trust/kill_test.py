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
import scene

CALLS = ("pwrite64,write,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,"
         "mkdir,mkdirat,fsync,fdatasync,flock")

# Only the first thread is traced, so no other may write.
ONE_THREAD = ("--threads", "1", "--quiet")


def trace(command, *options):
    return subprocess.run(["strace", "-qq", "-e", "trace=" + CALLS, "-e", "signal=none", *options,
                           *command],
                          env=p.GIT_ENVIRONMENT, check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)


class KillTest:
    def __init__(self, program, directory):
        self.scene = scene.Scene(program, directory)
        self.kills = 0

    def calls_of(self, verb):
        """The calls that the verb makes, as (name, how many of that name), and the archives after
        it. strace counts each name by itself."""
        bale = self.scene.copy()
        log = self.scene.path("log")
        done = trace(bale.command(*verb.on(bale), *ONE_THREAD), "-o", log)
        if done.returncode != 0:
            raise p.Failed(f"{verb.name}: {done.stderr}")
        counts = {}
        calls = []
        with open(log, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                name = line.split("(")[0]
                counts[name] = counts.get(name, 0) + 1
                calls.append((name, counts[name]))
        return calls, bale.archives()

    def kill(self, verb, call, states):
        bale = self.scene.copy()
        killed = trace(bale.command(*verb.on(bale), *ONE_THREAD), "-o", "/dev/null", "-e",
                       f"inject={call[0]}:signal=KILL:when={call[1]}")
        if killed.returncode == 0:
            return  # how often it writes to git depends on who is faster: it came to an end
        if killed.returncode not in (-9, 137):
            raise p.Failed(f"it was not killed: status {killed.returncode}: {killed.stderr}")
        self.kills += 1
        self.scene.expect_recovery(bale, verb, states)

    def run(self, wanted):
        before = p.Bale(self.scene.program, self.scene.base).archives()
        todo = self.scene.writers()
        for verb in todo:
            calls, after = self.calls_of(verb)
            share = min(len(calls), -(-wanted // len(todo)))
            for i in range(share):
                # The last call is among them: there most of the debris is.
                call = calls[-1 - i * len(calls) // share]
                try:
                    self.kill(verb, call, [before, after])
                except p.Failed as failure:
                    raise p.Failed(f"{verb.name}, killed before {call[0]} {call[1]}: {failure}")
            print(f"{verb.name}: killed before {share} of {len(calls)} calls", flush=True)
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
