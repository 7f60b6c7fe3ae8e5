# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Carry out one job on this host: mend what one before left, hooks, the transaction, its proof."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths, restore_point
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import Session, Source, open_session
from ansible_collections.osaas.fleet.plugins.module_utils._host.clock import suspected
from ansible_collections.osaas.fleet.plugins.module_utils._host.database import wait_for_database
from ansible_collections.osaas.fleet.plugins.module_utils._host.erase import erase
from ansible_collections.osaas.fleet.plugins.module_utils._host.hooks import run_hooks
from ansible_collections.osaas.fleet.plugins.module_utils._host.leftovers import remove_leftovers
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import surplus
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import check_removals
from ansible_collections.osaas.fleet.plugins.module_utils._host.rpmdb import files_of, installed_packages
from ansible_collections.osaas.fleet.plugins.module_utils._host.running import Running, write_running
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import Job, Transaction

_log = logging.getLogger("osaas")


def execute(runner: Runner, transaction: Transaction) -> tuple[str, ...]:
    """Do what the transaction's job says; returns what was mended of an earlier one, a line each.

    A job that recovers runs no hooks beforehand: they allowed the change when it began. One that tidies
    does no more than mend. Raises FleetError; `transaction.half_done` then tells whether packages are as they
    were.
    """
    job = transaction.job()
    releases = (job.from_release or "", job.release)
    repairs: list[str] = []
    if not job.recovers and not job.plan.empty:
        run_hooks(runner, paths.PRE_HOOKS, releases, timeout=job.patience.hook)
    wait_for_database(job.patience.lock)
    if job.tidies:
        repairs += _deduplicate(transaction, job)
        transaction.end_change()
        return tuple(repairs)
    if job.restore_point and not job.recovers and not job.plan.empty:
        restore_point.take(runner, job.release)
    if job.recovers or job.demand.again:
        repairs += _deduplicate(transaction, job)
    with suspected(job.release):
        repairs += _carry_out(transaction, job)
    _prove(job)
    if job.recovers or job.demand.again:
        gone = remove_leftovers(files_of(job.demand.again))
        repairs += [f"deleted {path}, which was being unpacked" for path in gone]
    transaction.end_change()
    for repair in repairs:
        _log.info("%s", repair)
    run_hooks(runner, paths.POST_HOOKS, releases, timeout=job.patience.hook)
    write_running(Running.now(job.release, job.id, installed_packages()))
    return tuple(repairs)


def _deduplicate(transaction: Transaction, job: Job) -> list[str]:
    """No resolver makes sense of one package in two versions: that is mended without one."""
    with _session(replace(job.source, repositories=())) as session:
        gone = surplus(session.duplicates(), job.plan.incoming())
    if gone:
        transaction.begin_change()
        erase(gone)
    return [f"removed {nevra}, installed beside another version" for nevra in gone]


def _carry_out(transaction: Transaction, job: Job) -> list[str]:
    with _session(job.source) as session:
        resolution = session.resolve(job.demand)
        plan = resolution.plan
        _log.info("plan: %s", plan.packages())
        if not job.recovers and plan.packages() != job.plan.packages():
            raise HostError(
                "packages changed since it was staged",
                where=f"release {job.release}",
                way_out="Stage it again",
            )
        check_removals(resolution, job.demand.allow_removals, release=job.release)
        if not plan.empty:
            transaction.begin_change()
            session.transact()
    if not job.recovers:
        return []
    done = {"installed": plan.install, "upgraded": plan.upgrade, "downgraded": plan.downgrade}
    done.update({"removed": plan.remove, "installed once more": plan.reinstall})
    return [f"{verb} {len(packages)} packages" for verb, packages in done.items() if packages]


def _prove(job: Job) -> None:
    """A transaction counts only if a fresh look finds nothing left to do."""
    demand = replace(job.demand, again=())
    with _session(job.source) as session:
        left = frozenset(session.duplicates()) or session.resolve(demand).plan.touched()
    if left:
        raise HostError(
            f"is incomplete: {len(left)} packages are not as planned, among them {min(left)}",
            where=f"release {job.release}",
            way_out="Run os_update again",
        )


@contextlib.contextmanager
def _session(source: Source) -> Iterator[Session]:
    session = open_session(source, offline=True)
    try:
        yield session
    finally:
        session.close()
