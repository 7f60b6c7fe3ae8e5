# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim and record 4,000 of 100,000 hosts with 1 and 8 writers, on SQLite and on PostgreSQL, both durable.

Every claim and every record is a transaction of its own; hosts per second are 4,000 by the wall time.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Record, Run, claim, record
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Opened, Release, open_rollout
from integration.fleet.postgres import postgres

from bench.measure import Cost, Table

FLEET, HOSTS = 100_000, 4_000
POLICY = {
    "waves": [{"name": "all", "percent": 100}],
    "max_unavailable": "1%",
    "max_unavailable_per_domain": 20,
}


def run(work: Path, _packages: int) -> list[Table]:
    """See __main__.py."""
    rows: dict[str, Cost] = {}
    with postgres(durable=True) as server:
        for kind, address in (("SQLite", str(work / "ledger.db")), ("PostgreSQL", server.address())):
            begun, used = time.monotonic(), time.process_time()
            with Ledger.open(address) as ledger, ledger.write() as connection:
                hosts = [Enrolment(f"host-{number}", f"rack-{number // 40}") for number in range(FLEET)]
                enrol(connection, hosts, who="bench", now=time.time())
            rows[f"{kind}: enrol {FLEET:,} hosts"] = _cost(begun, used)
            begun, used = time.monotonic(), time.process_time()
            with Ledger.open(address) as ledger, ledger.write() as connection:
                opened = open_rollout(
                    connection, Release("r", "snapshot", "d"), POLICY, who="bench", now=time.time()
                )
            rows[f"{kind}: open the rollout, plan written"] = _cost(begun, used)
            names = [host.name for host in opened.hosts]
            for writers, part in ((1, names[:HOSTS]), (8, names[HOSTS : 2 * HOSTS])):
                rows[f"{kind}: claim + record {HOSTS:,}, {writers} writers"] = _race(
                    address, opened, part, writers
                )
    return [Table("the ledger", "SQLite: claim + record 4,000, 1 writers", rows)]


def _cost(wall: float, cpu: float) -> Cost:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(time.monotonic() - wall, time.process_time() - cpu, peak)


def _race(address: str, opened: Opened, names: Sequence[str], writers: int) -> Cost:
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=_write, args=(address, opened, names[number::writers], number))
        for number in range(writers)
    ]
    begun, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(time.monotonic() - begun, now.ru_utime - used, now.ru_maxrss / 1024)


def _write(address: str, opened: Opened, names: Sequence[str], number: int) -> None:
    run = Run(opened.rollout, opened.plan_hash, f"elsewhere/boot/ns/{number}/1")
    with Ledger.open(address) as ledger:
        for name in names:
            with ledger.write() as connection:
                answer = claim(connection, run, name, now=time.time())
            assert answer.granted, answer.reason
            with ledger.write() as connection:
                record(connection, run, name, answer.fence, Record("done"), now=time.time())
