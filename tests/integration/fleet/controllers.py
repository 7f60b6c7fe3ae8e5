# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers as processes of their own, and the truth about the hosts that they touch.

A controller notes in a diary beside the ledger when a host goes down and up. The diary is appended to
atomically and knows nothing of the ledger, so it convicts a ledger that lets too many hosts go down.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import owner, states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Record, Run, claim, record
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Release, open_rollout

RELEASE = Release("r2", "snapshot", "d2")


@dataclass(frozen=True)
class Job:
    """What a controller is to do. `fates` are the final states of hosts that do not end well."""

    address: str
    diary: Path
    policy: Mapping[str, object]
    fates: Mapping[str, str]


def work(job: Job, seed: int) -> None:
    """Runs of the rollout, one after the other, until there is nothing left to do."""
    dice = random.Random(seed)
    me = owner.run_of_process(os.getpid())
    while True:
        try:
            with Ledger.open(job.address) as ledger:
                if not _run(ledger, job, me, dice):
                    return
        except LedgerError:
            time.sleep(0.05)  # the claim was taken over, or the database is away


def _run(ledger: Ledger, job: Job, me: str, dice: random.Random) -> bool:
    """One pass over the open hosts, in an order of its own; whether there were any."""
    with ledger.write() as connection:
        opened = open_rollout(connection, RELEASE, job.policy, who=me, now=time.time())
    run = Run(opened.rollout, opened.plan_hash, me)
    names = [host.name for host in opened.hosts]
    for name in sorted(names, key=lambda _name: dice.random()):
        _note(job, "tries", name)
        with ledger.write() as connection:
            answer = claim(connection, run, name, now=time.time())
        if answer.granted:
            _update(ledger, job, run, name, answer.fence, dice)
    return bool(names)


def _update(ledger: Ledger, job: Job, run: Run, name: str, fence: int, dice: random.Random) -> None:
    _note(job, "down", name)
    time.sleep(dice.uniform(0, 0.01))
    with ledger.write() as connection:
        record(connection, run, name, fence, Record("activating"), now=time.time())
    time.sleep(dice.uniform(0, 0.01))
    fate = job.fates.get(name, states.DONE)
    if fate in states.SERVING:
        _note(job, "up", name)
    news = Record(fate, "" if fate == states.DONE else "it is broken", RELEASE.id, RELEASE.digest)
    with ledger.write() as connection:
        record(connection, run, name, fence, news, now=time.time())
    _note(job, "ends", name)


def _note(job: Job, what: str, name: str) -> None:
    descriptor = os.open(job.diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{what} {name}\n".encode())
    os.close(descriptor)


@dataclass
class Controllers:
    """So many controllers at once; one that is killed is followed by another."""

    job: Job
    number: int
    kills: int = 0

    def __post_init__(self) -> None:
        self._seeds = iter(range(10_000))
        self._context = multiprocessing.get_context("fork")
        self._running: list[BaseProcess] = []
        self._finished = 0

    def run(self, dice: random.Random, disturb: Callable[[], None], *, seconds: float = 240) -> None:
        """Until no controller has anything left to do; `disturb` is called now and then."""
        self._running = [self._begin() for _number in range(self.number)]
        deadline = time.monotonic() + seconds
        try:
            while self._running:
                assert time.monotonic() < deadline, "the rollout did not come to an end"
                time.sleep(dice.uniform(0.2, 0.5))
                self._running = [process for process in self._running if not self._ended(process)]
                disturb()
        finally:
            for process in self._running:
                self._kill(process)

    def kill_one(self) -> None:
        """Kill a controller that still runs; another begins in its place.

        Between two kills a host is finished, or on a busy machine nobody would ever come so far.
        """
        finished = self.job.diary.read_text().count("ends ") if self.job.diary.exists() else 0
        if self._running and finished > self._finished:
            self._finished = finished
            self._kill(self._running.pop(0))
            self._running.append(self._begin())

    def _begin(self) -> BaseProcess:
        process = self._context.Process(target=work, args=(self.job, next(self._seeds)))
        process.start()
        return process

    def _kill(self, process: BaseProcess) -> None:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        self.kills += 1

    @staticmethod
    def _ended(process: BaseProcess) -> bool:
        process.join(0)
        assert process.exitcode in (None, 0), f"a controller ended with {process.exitcode}"
        return process.exitcode == 0


@dataclass(frozen=True)
class Diary:
    """What really happened to the hosts."""

    tries: int
    most_down: int
    most_down_in_domain: int
    ended: Mapping[str, int]

    @classmethod
    def read(cls, path: Path, domains: Mapping[str, str]) -> Diary:
        """A host is down from its first "down" to its "up", whoever wrote them."""
        down: set[str] = set()
        most = most_in_domain = 0
        counts: Counter[str] = Counter()
        ended: Counter[str] = Counter()
        for line in path.read_text().splitlines():
            what, name = line.split()
            counts[what] += 1
            if what == "down":
                down.add(name)
                most = max(most, len(down))
                most_in_domain = max(most_in_domain, *Counter(domains[host] for host in down).values())
            elif what == "up":
                down.discard(name)
            elif what == "ends":
                ended[name] += 1
        return cls(counts["tries"], most, most_in_domain, ended)
