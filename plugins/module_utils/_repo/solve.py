# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Solving a distro-sync as dnf does, for many package sets out of one pool.

Jobs and flags are those that libdnf's Goal gives to libsolv for os_update: best versions, erasing allowed.
What no solver sees, no preflight foretells: files of two packages in one place, scriptlets, a full disk.
"""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cmp_to_key
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.closure import Broken, broken_packages
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.pool import PackagePool
from ansible_collections.osaas.fleet.plugins.module_utils._repo.problems import package_reasons
from ansible_collections.osaas.fleet.plugins.module_utils._repo.streams import Streams
from ansible_collections.osaas.fleet.plugins.module_utils._repo.transaction import (
    Transaction,
    read_transaction,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.weak import WeakDependencies

FLAGS = (
    "ALLOW_DOWNGRADE",
    "ALLOW_VENDORCHANGE",
    "DUP_ALLOW_VENDORCHANGE",
    "KEEP_ORPHANS",
    "BEST_OBEY_POLICY",
    "YUM_OBSOLETES",
)
# dnf's installonlypkgs: a new version comes beside the old ones, up to installonly_limit of them.
INSTALL_ONLY = (
    "kernel",
    "kernel-PAE",
    "installonlypkg(kernel)",
    "installonlypkg(kernel-module)",
    "installonlypkg(vm)",
    "multiversion(kernel)",
)
INSTALL_ONLY_LIMIT = 3
# What protected.d of an Enterprise Linux names; dnf would rather fail than erase one.
PROTECTED = frozenset(("dnf", "yum", "setup", "sudo", "systemd", "systemd-udev"))


class Universe:
    """The packages that hosts of one architecture can have; see PackagePool for the arguments."""

    def __init__(
        self, runner: Runner, arch: str, trees: Sequence[Path], older: Sequence[Path], wanted: Iterable[Nevra]
    ) -> None:
        self._packages = PackagePool(runner, arch, trees, older, wanted)
        self._pool = self._packages.solv
        self._streams = Streams(runner, self._packages)
        self._weak = WeakDependencies(self._pool, self._packages.offered)
        self._many = [self._pool.str2id(name) for name in INSTALL_ONLY]

    @property
    def known(self) -> frozenset[str]:
        """The wanted packages that were found in a tree."""
        return self._packages.known

    def broken(self) -> list[Broken]:
        """Packages offered that cannot be installed from what is offered."""
        return broken_packages(self._pool)

    def distro_sync(self, packages: Collection[Nevra], streams: Sequence[str] | None = None) -> Transaction:
        """Solve a distro-sync of a host with these packages and module streams; see Streams.hidden."""
        hidden = self._streams.hidden(packages, streams)
        with self._packages.host(packages, hidden) as system:
            jobs = self._jobs(system, hidden)
            erasable = [
                self._pool.Job(solv.Job.SOLVER_ALLOWUNINSTALL | solv.Job.SOLVER_SOLVABLE, one.id)
                for one in system.solvables
                if one.name not in PROTECTED
            ]
            solver = self._solver()
            problems = solver.solve([*jobs, *erasable])
            if problems:
                return Transaction(solved=False, reasons=package_reasons(problems))
            limits = list(self._limit(solver))
            if limits:
                problems = solver.solve([*jobs, *erasable, *limits])
                if problems:
                    return Transaction(solved=False, reasons=package_reasons(problems))
            many = {one.id for number in self._many for one in self._pool.whatprovides(number)}
            done = read_transaction(solver.transaction(), many, self._packages.installed_bytes)
            return replace(done, reasons=self._reasons(jobs)) if done.remove else done

    def _jobs(self, system: t.Any, hidden: Collection[int]) -> list[t.Any]:
        job, unseen = solv.Job, set(hidden)
        offered = self._pool.towhatprovides([one for one in self._packages.offered_ids if one not in unseen])
        every = job.SOLVER_DISTUPGRADE | job.SOLVER_SOLVABLE_ONE_OF | job.SOLVER_FORCEBEST
        weak = job.SOLVER_EXCLUDEFROMWEAK | job.SOLVER_SOLVABLE
        many = job.SOLVER_MULTIVERSION | job.SOLVER_SOLVABLE_PROVIDES
        return [
            self._pool.Job(every, offered),
            *(self._pool.Job(weak, number) for number in sorted(self._weak.unmet(system))),
            *(self._pool.Job(many, number) for number in self._many),
        ]

    def _solver(self) -> t.Any:
        solver = self._pool.Solver()
        for flag in FLAGS:
            solver.set_flag(getattr(solv.Solver, f"SOLVER_FLAG_{flag}"), 1)
        return solver

    def _reasons(self, jobs: Sequence[t.Any]) -> tuple[str, ...]:
        """Why not everything could be kept: what the solver says if it may not erase."""
        solver = self._solver()  # the problems are read out of it: it must outlive them
        return package_reasons(solver.solve(jobs))

    def _limit(self, solver: t.Any) -> Iterator[t.Any]:
        """Jobs that leave the newest versions of install-only packages, where a new one is one too many.

        dnf keeps the running kernel too; it is taken to be the newest.
        """
        job = solv.Job
        keep, drop = (kind | job.SOLVER_SOLVABLE for kind in (job.SOLVER_INSTALL, job.SOLVER_ERASE))
        for number in self._many:
            by_name: dict[str, list[t.Any]] = {}
            unused: dict[str, list[t.Any]] = {}
            for one in self._pool.whatprovides(number):
                if solver.get_decision(one).p > 0:
                    by_name.setdefault(one.name, []).append(one)
                elif not one.isinstalled():
                    unused.setdefault(one.name, []).append(one)
            if all(one.isinstalled() for found in by_name.values() for one in found):
                continue
            for name, found in by_name.items():
                if len(found) > INSTALL_ONLY_LIMIT:
                    found.sort(key=_newest_first)
                    kept, gone = found[:INSTALL_ONLY_LIMIT], found[INSTALL_ONLY_LIMIT:]
                    yield from (self._pool.Job(keep, one.id) for one in kept)
                    # Else one that goes could come back from a repository.
                    yield from (self._pool.Job(drop, one.id) for one in (*gone, *unused.get(name, ())))


def _compare(one: t.Any, other: t.Any) -> int:
    """Packages that come before those installed, newer ones before older ones."""
    if one.isinstalled() != other.isinstalled():
        return 1 if one.isinstalled() else -1
    return int(other.evrcmp(one))


_newest_first = cmp_to_key(_compare)
