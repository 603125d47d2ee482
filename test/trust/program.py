# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
"""Shared by tests of the program: a source repository, the program, a store's contents."""

import hashlib
import json
import os
import shutil
import subprocess

SKIPPED = 77  # ctest's exit status for a skipped test

GIT_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def git(directory, *arguments):
    return subprocess.run(["git", "-C", directory, *arguments], env=GIT_ENVIRONMENT, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout


class Repository:
    """A Git repository that grows, determined by its seed."""

    def __init__(self, path, seed):
        self.path = path
        self.seed = seed
        self.commits = 0
        os.makedirs(path)
        git(path, "init", "-q", "-b", "main")

    def grow(self, commits):
        for _ in range(commits):
            self.commits += 1
            for name in ("a", "b", str(self.commits % 4)):
                lines = [hashlib.sha1(f"{self.seed} {name} {i} {self.commits // (1 + i % 5)}"
                                      .encode()).hexdigest() for i in range(60)]
                with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
                    file.write("\n".join(lines) + "\n")
            git(self.path, "add", "-A")
            git(self.path, "commit", "-q", "-m", f"{self.seed} {self.commits}")
        git(self.path, "tag", "-f", "-m", "a tag", f"v{self.commits}")
        return self

    def state(self):
        return repository_state(self.path)


def repository_state(path):
    """Its refs, and a hash of all objects that they reach."""
    refs = git(path, "for-each-ref", "--format=%(refname) %(objectname)")
    reached = sorted(git(path, "rev-list", "--objects", "--all").splitlines())
    return refs + hashlib.sha1("\n".join(reached).encode()).hexdigest()


class Failed(Exception):
    """Names a broken promise."""


class Bale:
    """The program on one store."""

    def __init__(self, program, store):
        self.program = program
        self.store = store

    def command(self, *arguments):
        return [self.program, *arguments, "--store", self.store]

    def run(self, *arguments, environment=None):
        """The finished process; no verb on such small stores takes a minute."""
        return subprocess.run(self.command(*arguments),
                              env={**GIT_ENVIRONMENT, **(environment or {})}, check=False,
                              timeout=60, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def must(self, *arguments):
        done = self.run(*arguments)
        if done.returncode != 0:
            raise Failed(f"{' '.join(arguments)}: status {done.returncode}: {done.stderr}")
        return done.stdout

    def verify(self):
        done = self.run("verify", "--json")
        report = json.loads(done.stdout) if done.stdout else {}
        if done.returncode != 0 or report.get("errors") != []:
            raise Failed(f"verify: status {done.returncode}: {done.stdout}{done.stderr}")

    def archives(self):
        """name -> (number of records, state of its export)."""
        found = {}
        for line in self.must("list", "--json").splitlines():
            entry = json.loads(line)
            exported = self.store + ".exported.git"
            shutil.rmtree(exported, ignore_errors=True)
            self.must("export", "git", entry["name"], exported)
            found[entry["name"]] = (entry["records"], repository_state(exported))
            shutil.rmtree(exported)
        return found

    def expect_no_staging(self):
        left = os.listdir(os.path.join(self.store, "staging"))
        if left:
            raise Failed(f"left behind in staging/: {left}")
