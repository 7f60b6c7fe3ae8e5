# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The program in the transient unit: carry one job out, whoever started it and whatever became of them.

It is run as `python3 -m … DIRECTORY` from a copy of this code inside that directory, and uses nothing but the
host's Python, dnf and rpm. What it prints goes to the transaction's log.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError, HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import open_session
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import set_digest
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import check_removals
from ansible_collections.osaas.fleet.plugins.module_utils._host.rpmdb import installed_packages
from ansible_collections.osaas.fleet.plugins.module_utils._host.running import Running, write_running
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import Job, Outcome, Transaction

_log = logging.getLogger("osaas")


def main(directory: str) -> None:
    """Carry out the job in `directory`; its result is written whatever happens, short of a crash."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(
            number, signal.SIG_IGN
        )  # a transaction is never stopped half way; a shutdown waits for it
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(asctime)s %(name)s: %(message)s")
    transaction = Transaction(Path(directory).name)
    begun = time.monotonic()
    try:
        error = _outcome_of(transaction)
    except Exception as problem:  # whatever it is, the caller must be told, not left to guess
        _log.exception("unexpected")
        error = f"{type(problem).__name__}: {problem}"
    digest = set_digest(installed_packages())
    transaction.end(Outcome(error, digest, round(time.monotonic() - begun, 1)))


def _outcome_of(transaction: Transaction) -> str:
    job = transaction.job()
    try:
        if job.recovers:
            _deduplicate(job)
        _carry_out(job)
    except FleetError as error:
        _log.error("%s", error)
        return str(error)
    write_running(Running(job.release, set_digest(installed_packages()), job.id))
    return ""


def _deduplicate(job: Job) -> None:
    """No resolver makes sense of one package in two versions: that is mended in a transaction of its own."""
    session = open_session(job.source, offline=True)
    try:
        doubles = session.duplicates()
        if doubles:
            _log.info("installed beside another version: %s", ", ".join(doubles))
            session.deduplicate()
    finally:
        session.close()


def _carry_out(job: Job) -> None:
    session = open_session(job.source, offline=True)
    try:
        resolution = session.resolve(job.allow_removals)
        _log.info("plan: %s", resolution.plan.packages())
        if not job.recovers and resolution.plan.packages() != job.plan.packages():
            raise HostError(
                "packages changed since it was staged",
                where=f"release {job.release}",
                way_out="Stage it again",
            )
        check_removals(resolution, job.allow_removals, release=job.release)
        if not resolution.plan.empty:
            session.transact()
    finally:
        session.close()
    _prove(job)


def _prove(job: Job) -> None:
    """A transaction counts only if a fresh look finds nothing left to do."""
    session = open_session(job.source, offline=True)
    try:
        left = frozenset(session.duplicates()) or session.resolve(job.allow_removals).plan.touched()
    finally:
        session.close()
    if left:
        raise HostError(
            f"is incomplete: {len(left)} packages are not as planned, among them {min(left)}",
            where=f"release {job.release}",
            way_out="Run os_update again",
        )


if __name__ == "__main__":
    main(sys.argv[1])
    os._exit(0)  # the result is on disk; destructors of the dnf bindings have nothing left to say
