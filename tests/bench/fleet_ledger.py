# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim and record hosts of a fleet of 100,000 with 1 and 8 writers, on SQLite and PostgreSQL, both durable.

Every claim and every record is a transaction of its own that is on disk before the next begins, as in a play.
The floor is the bare driver, which does as many reads and writes of single rows in two such transactions, and
decides nothing.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import resource
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Record, Run, claim, record
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Opened, Release, open_rollout
from ansible_collections.osaas.fleet.plugins.plugin_utils._warm import warm_up
from integration.fleet.postgres import Postgres, postgres

FLEET, HOSTS = 100_000, 2_000
POLICY = {
    "waves": [{"name": "all", "percent": 100}],
    "max_unavailable": "1%",
    "max_unavailable_per_domain": 20,
}
# What claim and record together ask and change; counted on the statements that they send to SQLite.
READS, WRITES = 2, 11
Writer = Callable[[Sequence[str], int], None]


@dataclass(frozen=True)
class Rate:
    """Hosts per second of wall time, and CPU milliseconds per host, of the writers alone."""

    hosts: float
    cpu: float


def run(work: Path, _packages: int) -> list[str]:
    """See __main__.py."""
    lines = [f"the ledger, {HOSTS:,} of {FLEET:,} hosts", f"{'':<44} {'hosts/s':>8} {'CPU ms/host':>12}"]
    with postgres(durable=True) as server:
        kinds: tuple[tuple[str, str, Writer], ...] = (
            ("SQLite", str(work / "ledger.db"), partial(_bare_sqlite, str(work / "floor.db"))),
            ("PostgreSQL", server.address(), partial(_bare_postgresql, str(server.directory))),
        )
        warm_up()  # as in a play, before it forks
        _prepare_floors(str(work / "floor.db"), server)
        for kind, address, bare in kinds:
            opened = _fill(address, lines, kind)
            names = [host.name for host in opened.hosts]
            for index, writers in enumerate((1, 8)):
                part = names[index * HOSTS : (index + 1) * HOSTS]
                ours, floor = (
                    _race(partial(_write, address, opened), part, writers),
                    _race(bare, part, writers),
                )
                for name, rate in (("claim + record", ours), ("floor", floor)):
                    lines.append(
                        f"{f'{kind}: {name}, {writers} writers':<44} {rate.hosts:>8.0f} {rate.cpu:>12.2f}"
                    )
    return ["\n".join(lines)]


def _fill(address: str, lines: list[str], kind: str) -> Opened:
    begun = time.monotonic()
    with Ledger.open(address) as ledger, ledger.write() as connection:
        hosts = [Enrolment(f"host-{number}", f"rack-{number // 40}") for number in range(FLEET)]
        enrol(connection, hosts, who="bench", now=time.time())
    enrolled = time.monotonic()
    with Ledger.open(address) as ledger, ledger.write() as connection:
        opened = open_rollout(connection, Release("r", "snapshot", "d"), POLICY, who="bench", now=time.time())
    for name, seconds in (("enrol", enrolled - begun), ("open the rollout", time.monotonic() - enrolled)):
        lines.append(
            f"{f'{kind}: {name}, 1 writer':<44} {FLEET / seconds:>8.0f} {seconds / FLEET * 1000:>12.2f}"
        )
    return opened


def _race(writer: Writer, names: Sequence[str], writers: int) -> Rate:
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=writer, args=(names[number::writers], number)) for number in range(writers)
    ]
    begun, used = time.monotonic(), _children()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return Rate(len(names) / (time.monotonic() - begun), (_children() - used) / len(names) * 1000)


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _write(address: str, opened: Opened, names: Sequence[str], number: int) -> None:
    run = Run(opened.rollout, opened.plan_hash, f"elsewhere/boot/ns/{number}/1")
    with Ledger.open(address) as ledger:
        for name in names:
            with ledger.write() as connection:
                answer = claim(connection, run, name, now=time.time())
            assert answer.granted, answer.reason
            with ledger.write() as connection:
                record(connection, run, name, answer.fence, Record("done"), now=time.time())


def _prepare_floors(path: str, server: Postgres) -> None:
    table = "CREATE TABLE line (name VARCHAR PRIMARY KEY, number INTEGER, text VARCHAR)"
    names = [(f"host-{number}", "x" * 100) for number in range(FLEET)]
    with sqlite3.connect(path) as plain:
        plain.execute("PRAGMA journal_mode=WAL")
        plain.execute(table)
        plain.executemany("INSERT INTO line VALUES (?, 0, ?)", names)
    plain.close()
    with psycopg.connect(host=str(server.directory), dbname="postgres", user="postgres") as real:
        real.execute(table)
        real.cursor().executemany("INSERT INTO line VALUES (%s, 0, %s)", names)


def _bare_sqlite(path: str, names: Sequence[str], _number: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.execute("PRAGMA synchronous=NORMAL")
    turn, log = os.open(f"{path}.turn", os.O_RDWR | os.O_CREAT), None
    for name in names:
        for half in (0, 1):
            fcntl.flock(turn, fcntl.LOCK_EX)
            connection.execute("BEGIN IMMEDIATE")
            for _read in range(READS // 2):
                connection.execute("SELECT number, text FROM line WHERE name = ?", (name,)).fetchall()
            for _write in range(WRITES // 2 + half * WRITES % 2):
                connection.execute("UPDATE line SET number = number + 1 WHERE name = ?", (name,))
            connection.execute("COMMIT")
            fcntl.flock(turn, fcntl.LOCK_UN)
            log = os.open(f"{path}-wal", os.O_RDONLY) if log is None else log
            os.fdatasync(log)
    connection.close()


def _bare_postgresql(directory: str, names: Sequence[str], _number: int) -> None:
    with psycopg.connect(host=directory, dbname="postgres", user="postgres", autocommit=True) as connection:
        for name in names:
            for half in (0, 1):
                connection.execute("BEGIN")
                connection.execute(
                    "SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock(1)"
                )
                for _read in range(READS // 2):
                    connection.execute("SELECT number, text FROM line WHERE name = %s", (name,)).fetchall()
                for _write in range(WRITES // 2 + half * WRITES % 2):
                    connection.execute("UPDATE line SET number = number + 1 WHERE name = %s", (name,))
                connection.execute("COMMIT")
                connection.execute("SELECT pg_logical_emit_message(true, '', '')")
