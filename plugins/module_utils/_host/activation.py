# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Activate a staged release: start the transaction, or find the one that runs, and see it to its end."""

from __future__ import annotations

import shutil
import typing as t
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import offline, paths, unit
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import open_session, source_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.bad_releases import forget_bad
from ansible_collections.osaas.fleet.plugins.module_utils._host.database import (
    mend_database,
    wait_for_database,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.lock import exclusive
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import (
    in_several_versions,
    name_of,
    set_digest,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.patience import Patience
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Demand, Plan
from ansible_collections.osaas.fleet.plugins.module_utils._host.processes import boot_id
from ansible_collections.osaas.fleet.plugins.module_utils._host.rpmdb import (
    installed_packages,
    many_versions_are_meant,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.running import (
    Running,
    read_running,
    write_running,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.staging import Want, read_staged, stage
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import (
    Job,
    Outcome,
    Transaction,
    last_transaction,
    new_transaction,
    prune,
)


@dataclass(frozen=True)
class Wish:
    """What a caller wants done with the pinned release; `request` is the same in every try of a call.

    `timeout` is for following the transaction, in seconds. An `offline` one is left to the next boot. With
    `restore_point`, the root as it was is kept.
    """

    demand: Demand
    timeout: float
    request: str
    patience: Patience = field(default=Patience())
    offline: bool = False
    restore_point: bool = False


@dataclass(frozen=True)
class Activated:
    """A host that runs its release. `changed` is false when it did so before this call.

    `release` is None for a host that has none. `repairs` says what was mended of earlier transactions. While
    it `waits`, the next boot is to do it all.
    """

    changed: bool
    release: str | None
    from_release: str | None
    plan: Plan
    transaction: str
    repairs: tuple[str, ...]
    recovered: bool
    seconds: float
    waits: bool = False


def activate(runner: Runner, pin: Pin, wish: Wish) -> Activated:
    """Bring the host to its pinned release; whatever transaction is unfinished is seen to its end first.

    Raises HostError, with the log's tail, if a transaction failed.
    """
    repairs: list[str] = []
    recovered = False
    while True:
        with exclusive():
            repairs += _mended(runner, wish)
            transaction = _unfinished(runner, wish, pin.release) or _tidy(runner, pin, wish)
            transaction = transaction or _begin(runner, pin, wish)
        if transaction is None:
            return _unchanged(pin, repairs, recovered=recovered)
        job, waits = transaction.job(), offline.is_waiting(transaction)
        outcome = Outcome("", "", 0.0) if waits else _follow(runner, transaction, wish.timeout)
        if outcome.error and not (job.recovers and job.release != pin.release):
            raise _failure(transaction, outcome)
        repairs += outcome.repairs
        recovered = recovered or bool(job.recovers)
        if outcome.error or job.release != pin.release or job.tidies:
            continue  # that was another's; now it is the turn of the pinned release
        if not waits:
            _settle(job)
        return Activated(
            changed=True,
            release=pin.release,
            from_release=job.from_release,
            plan=job.plan,
            transaction=transaction.id,
            repairs=tuple(repairs),
            recovered=recovered,
            seconds=outcome.seconds,
            waits=waits,
        )


def _unchanged(pin: Pin, repairs: Collection[str], *, recovered: bool) -> Activated:
    """What to tell of a host that runs its release already, if only since it was mended."""
    running = read_running()
    done_by = running.transaction if running else ""
    changed = bool(repairs) or recovered
    return Activated(changed, pin.release, pin.release, Plan(), done_by, tuple(repairs), recovered, 0.0)


def finish(runner: Runner, wish: Wish, pin: Pin) -> tuple[str, ...]:
    """See an unfinished transaction to its end, if there is one; returns what was mended.

    Raises HostError if it failed, unless it was to another release than that of `pin`.
    """
    with exclusive():
        repairs = _mended(runner, wish)
        transaction = _unfinished(runner, wish, pin.release) or _tidy(runner, pin, wish)
    if transaction is None or offline.is_waiting(transaction):
        return tuple(repairs)
    outcome = _follow(runner, transaction, wish.timeout)
    if outcome.error and transaction.job().release == pin.release:
        raise _failure(transaction, outcome)
    return (*repairs, *outcome.repairs)


def debt() -> tuple[str, ...]:
    """Names of the packages that a transaction changed half way, and its recovery could not mend.

    So are those that were there in several versions: the one that was left may have files of another.
    """
    last = last_transaction()
    if last is None:
        return ()
    outcome = last.outcome()
    if last.job().tidies:
        return last.job().demand.again
    return last.job().demand.again if outcome and outcome.error and last.job().recovers else ()


def _mended(runner: Runner, wish: Wish) -> list[str]:
    """Before anything else the rpm database must be whole; what a transaction works on is left to it."""
    last = last_transaction()
    if last and last.outcome() is None and unit.is_running(runner, last):
        return []
    wait_for_database(wish.patience.lock)  # it cannot be verified while another process changes it
    running = read_running()
    known = {name_of(nevra) for nevra in running.packages} if running else set()
    if last and last.half_done:
        known.difference_update(name_of(nevra) for nevra in last.job().plan.touched())
    done = mend_database(runner, known, lambda: {one.name for one in installed_packages()})
    return [done] if done else []


def _unfinished(runner: Runner, wish: Wish, release: str) -> Transaction | None:
    """The transaction to follow before anything else is begun, started if it is one that recovers."""
    last = last_transaction()
    if last is None:
        return None
    job, outcome = last.job(), last.outcome()
    if outcome is None:
        if unit.is_running(runner, last) or offline.is_waiting(last):
            return last
        if (last.half_done or job.recovers) and not job.tidies:
            return _recover(runner, last, wish)
        how = "" if job.tidies else " before it changed anything"
        last.end(Outcome(f"interrupted{how}", "", 0.0))
        return None
    if job.tidies:
        return None
    if job.release == release and _is_news(last, wish):
        return last
    if outcome.error and last.half_done and not job.recovers:
        return _recover(runner, last, wish)
    return None


def _is_news(last: Transaction, wish: Wish) -> bool:
    """Whether nobody was told of its end: this very call was cut off, or a boot did it."""
    job = last.job()
    return bool(wish.request and job.request == wish.request) or (job.offline and not last.told)


def _recover(runner: Runner, interrupted: Transaction, wish: Wish) -> Transaction:
    """Run a transaction that stopped half way once more, whole, from its own packages in the cache.

    Packages that it did install are installed again: their files may not be on disk, and the scripts and
    triggers that come at the end of a transaction have not run.
    """
    was = interrupted.job()
    again = sorted({*was.demand.again, *(name_of(nevra) for nevra in was.plan.incoming())})
    job = replace(
        was,
        demand=replace(was.demand, again=tuple(again)),
        recovers=interrupted.id,
        request=wish.request,
        patience=wish.patience,
        offline=False,
    )
    transaction = _record(job)
    if interrupted.outcome() is None:
        interrupted.end(Outcome(f"interrupted; {transaction.id} goes on with it", "", 0.0))
    unit.start(runner, transaction)
    return transaction


def _tidy(runner: Runner, pin: Pin, wish: Wish) -> Transaction | None:
    """Start a transaction that leaves one version of each package, where no resolver finds its way.

    None if there is nothing to tidy. It needs nothing but what is installed.
    """
    installed = installed_packages()
    if all(map(many_versions_are_meant, in_several_versions(installed))):
        return None  # without the help of dnf, which takes its time
    session = open_session(replace(source_of(pin), repositories=()), offline=True)
    try:
        doubles = session.duplicates()
    finally:
        session.close()
    if not doubles:
        return None
    again = sorted({*debt(), *map(name_of, doubles)})
    running = read_running()
    job = Job(
        id="",
        release=pin.release,
        from_release=running.release if running else None,
        source=source_of(pin),
        plan=Plan(),
        demand=Demand(again=tuple(again)),
        before=set_digest(installed),
        patience=wish.patience,
        request=wish.request,
        tidies=True,
    )
    transaction = _record(job)
    unit.start(runner, transaction)
    return transaction


def _begin(runner: Runner, pin: Pin, wish: Wish) -> Transaction | None:
    """Start a transaction to the pinned release; None if the host runs it."""
    installed = installed_packages()
    digest, running = set_digest(installed), read_running()
    again, failed = debt(), _failed(pin)
    converged = running and running.release == pin.release and running.package_set_digest == digest
    if converged and not again and not failed:
        return None
    want = Want(pin, replace(wish.demand, again=again))
    staged = read_staged(source_of(pin))
    if failed or not staged or not staged.fits(want, digest):
        staged, _downloaded = stage(runner, want, wish.patience)
    if staged.plan.empty and not failed:
        write_running(Running.now(pin.release, "", installed))
        return None
    transaction = _record(
        Job(
            id="",
            release=pin.release,
            from_release=running.release if running else None,
            source=staged.source,
            plan=staged.plan,
            demand=want.demand,
            before=digest,
            patience=wish.patience,
            offline=wish.offline,
            restore_point=wish.restore_point,
            request=wish.request,
        )
    )
    if wish.offline:
        offline.prepare(runner, transaction)
    else:
        unit.start(runner, transaction)
    return transaction


def _failed(pin: Pin) -> bool:
    """Whether the last transaction was to this very release and failed, if only in a hook at its end."""
    last = last_transaction()
    outcome = last.outcome() if last else None
    return bool(last and outcome and outcome.error and last.job().release == pin.release)


def _record(job: Job) -> Transaction:
    transaction = new_transaction(job.release)
    transaction.record(replace(job, id=transaction.id, boot=boot_id()))
    return transaction


def _follow(runner: Runner, transaction: Transaction, timeout: float) -> Outcome:
    outcome = unit.follow(runner, transaction, timeout=timeout)
    if outcome is None:
        raise HostError(
            "ended without a result: it was killed, or the host went down",
            where=transaction.unit,
            way_out="Call again to recover",
            details={"log": transaction.tail()},
        )
    transaction.tell()
    return outcome


def _failure(transaction: Transaction, outcome: Outcome) -> HostError:
    where = f"transaction {transaction.id}"
    return HostError(outcome.error, where=where, details={"log": transaction.tail()})


def _settle(job: Job) -> None:
    """Clear up after a transaction to the pinned release that went well."""
    offline.clear()
    forget_bad(job.release)
    prune()
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
        "repairs": list(activated.repairs),
        "waits_for_boot": activated.waits,
        "seconds": activated.seconds,
    }
