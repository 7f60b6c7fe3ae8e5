# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Activate a staged release: start the transaction, or find the one that runs, and see it to its end."""

from __future__ import annotations

import shutil
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths, unit
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import source_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.lock import exclusive
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import set_digest
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Plan
from ansible_collections.osaas.fleet.plugins.module_utils._host.rpmdb import installed_packages
from ansible_collections.osaas.fleet.plugins.module_utils._host.running import (
    Running,
    read_running,
    write_running,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.staging import read_staged, stage
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import (
    Job,
    Outcome,
    Transaction,
    last_transaction,
    new_transaction,
)


@dataclass(frozen=True)
class Wish:
    """What a caller wants done with the pinned release; `request` is the same in every try of a call."""

    allow_removals: tuple[str, ...]
    timeout: float
    request: str


@dataclass(frozen=True)
class Activated:
    """A host that runs its release. `changed` is false when it did so before this call."""

    changed: bool
    release: str
    from_release: str | None
    plan: Plan
    transaction: str
    recovered: bool
    seconds: float


def activate(runner: Runner, pin: Pin, wish: Wish) -> Activated:
    """Bring the host to its pinned release; whatever transaction is unfinished is seen to its end first.

    Raises HostError, with the log's tail, if a transaction failed.
    """
    recovered = False
    while True:
        with exclusive():
            transaction = _next(runner, pin, wish)
        if transaction is None:
            running = read_running()
            done_by = running.transaction if running else ""
            return Activated(recovered, pin.release, pin.release, Plan(), done_by, recovered, 0.0)
        job, outcome = _follow(runner, transaction, wish.timeout)
        recovered = recovered or bool(job.recovers)
        if job.release == pin.release:
            _forget_other_releases(job)
            return Activated(
                True, pin.release, job.from_release, job.plan, transaction.id, recovered, outcome.seconds
            )


def _next(runner: Runner, pin: Pin, wish: Wish) -> Transaction | None:
    """The transaction to follow, started if need be; None if the host runs its release."""
    last = last_transaction()
    if last:
        job, outcome = last.job(), last.outcome()
        if outcome is None:
            return last if unit.is_running(runner, last) else _recover(runner, last, wish)
        if wish.request and job.request == wish.request:
            return last  # this very call did it, and was cut off before it could tell
        if outcome.error and job.recovers:
            return _recover(runner, last, wish)  # a recovery that failed is tried again before anything else
    return None if _converged(pin) else _begin(runner, pin, wish)


def _converged(pin: Pin) -> bool:
    running = read_running()
    if running is None or running.release != pin.release:
        return False
    return running.package_set_digest == set_digest(installed_packages())


def _recover(runner: Runner, interrupted: Transaction, wish: Wish) -> Transaction:
    """Run an interrupted transaction again, from its own packages in the cache."""
    job = replace(interrupted.job(), recovers=interrupted.id, request=wish.request)
    transaction = _record(job)
    if interrupted.outcome() is None:
        interrupted.end(Outcome(f"interrupted; {transaction.id} goes on with it", "", 0.0))
    unit.start(runner, transaction)
    return transaction


def _begin(runner: Runner, pin: Pin, wish: Wish) -> Transaction | None:
    """Start a transaction to the pinned release; None if there is nothing to do after all."""
    running = read_running()
    digest = set_digest(installed_packages())
    staged = read_staged()
    if not staged or not staged.fits(source_of(pin), digest, wish.allow_removals):
        staged, _downloaded = stage(runner, pin, wish.allow_removals)
    if staged.plan.empty:
        write_running(Running(pin.release, digest, ""))
        return None
    transaction = _record(
        Job(
            id="",
            release=pin.release,
            from_release=running.release if running else None,
            source=staged.source,
            plan=staged.plan,
            allow_removals=wish.allow_removals,
            request=wish.request,
        )
    )
    unit.start(runner, transaction)
    return transaction


def _record(job: Job) -> Transaction:
    transaction = new_transaction(job.release)
    transaction.record(replace(job, id=transaction.id))
    return transaction


def _follow(runner: Runner, transaction: Transaction, timeout: float) -> tuple[Job, Outcome]:
    outcome = unit.follow(runner, transaction, timeout=timeout)
    if outcome is None:
        raise HostError(
            "ended without a result: it was killed, or the host went down",
            where=transaction.unit,
            way_out="Call again to recover",
            details={"log": transaction.tail()},
        )
    if outcome.error:
        raise HostError(
            outcome.error, where=f"transaction {transaction.id}", details={"log": transaction.tail()}
        )
    return transaction.job(), outcome


def _forget_other_releases(job: Job) -> None:
    for cache in paths.CACHE.glob("*"):
        if cache != job.source.cache:
            shutil.rmtree(cache, ignore_errors=True)


def report(activated: Activated) -> dict[str, t.Any]:
    """The part of os_update's result that tells of the transaction."""
    return {
        "release": activated.release,
        "from_release": activated.from_release,
        "packages": activated.plan.packages(),
        "transaction": activated.transaction,
        "recovered": activated.recovered,
        "seconds": activated.seconds,
    }
