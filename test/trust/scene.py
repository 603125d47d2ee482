# SPDX-FileCopyrightText: The bale authors
# SPDX-License-Identifier: Apache-2.0
"""Shared by tests that interrupt verbs: a store with a history, the verbs to try on it, and the
conditions after an interrupted verb."""

import os
import shutil
import typing

import program as p

OUT = "{out}"  # in a verb's arguments: where it writes outside the store


class Verb(typing.NamedTuple):
    """A verb to try."""
    name: str
    arguments: tuple
    status_if_done: int = 0  # of a second run where the first has done the work
    mends: bool = False      # it is tried on a store without an index
    reads: bool = False      # the store must not change

    def on(self, bale):
        return [argument.format(out=bale.store + ".out") for argument in self.arguments]


class Scene:
    """Prepares the store, copies it for each trial, and checks the result of a trial."""

    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        self.base = os.path.join(directory, "base")
        self.sources = self.prepare()

    def path(self, name):
        return os.path.join(self.directory, name)

    def prepare(self):
        """A store with three archives, one of them removed, and the sources of the next imports."""
        a = p.Repository(self.path("a"), "a").grow(3)
        # The same seed, so the objects of b are in the pack of the removed archive: gc keeps a
        # part.
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

    def writers(self):
        return [
            Verb("import", ("import", "git", self.sources["new"], "--name", "new")),
            Verb("import again", ("import", "git", self.sources["a"], "--name", "a")),
            Verb("archive rm", ("archive", "rm", "b"), status_if_done=4),
            Verb("archive prune", ("archive", "prune", "a", "--keep", "1")),
            Verb("repack", ("repack",)),
            Verb("repack --delta", ("repack", "--delta")),
            Verb("gc", ("gc",)),
        ]

    def copy(self, name="store"):
        store = self.path(name)
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(self.base, store)
        return p.Bale(self.program, store)

    def expect_recovery(self, bale, verb, states):
        """After a failed verb: nothing is lost, a second run does the work, and no debris stays.
        `states`: the archives before the verb and after it."""
        found = states[0]
        if not verb.mends:  # the damage may remain
            bale.verify()
            found = bale.archives()
        if found not in states:
            raise p.Failed(f"archives are neither as before nor as after: {found}")
        again = bale.run(*verb.on(bale))
        may_be_done = found == states[1] and again.returncode == verb.status_if_done
        if again.returncode != 0 and not may_be_done:
            raise p.Failed(f"run again: status {again.returncode}: {again.stderr}")
        bale.verify()
        if bale.archives() not in self.after_again(states[1]):
            raise p.Failed("run again, the archives are not as they should be")
        # The next import removes debris; a verb without work leaves it.
        bale.must("import", "git", self.sources["a"], "--name", "last")
        bale.expect_no_staging()

    @staticmethod
    def after_again(after):
        """Repeating a completed import adds only a record."""
        more = [after]
        for name, (records, state) in after.items():
            more.append({**after, name: (records + 1, state)})
        return more
