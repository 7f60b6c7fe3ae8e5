# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Resolve what features ask for into a plan, with libsolv, from the packages of one snapshot alone."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra, parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.lock import Lock
from ansible_collections.osaas.fleet.plugins.module_utils._image.rpm_plan import (
    PlannedPackage,
    Reason,
    RpmPlan,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.pool import PackagePool, nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.problems import package_reasons

STREAMS = "If a module stream has it that is not active, name that under modules"


def resolve_packages(
    pool: PackagePool,
    snapshot: str,
    trees: Mapping[str, Path],
    having: Sequence[Nevra],
    features: Sequence[Feature],
    lock: Lock | None = None,
    hidden: Sequence[int] = (),
) -> RpmPlan:
    """The transaction that gives `features` what they ask for. `having` are the parent's packages.

    Of those offered, packages that are `hidden` (numbers) are no choice.

    Raises AllErrors: an unknown package, or the reasons why there is no way; and InputError with what is
    otherwise than the lock says.
    """
    offered = {one.id: nevra(one) for one in pool.offered}
    free = _named_exactly(offered.values(), features)
    way_out = STREAMS if hidden else ""
    if lock is not None:
        lock.check_offered(offered.values(), free)
        hidden = [*hidden, *(number for number, package in offered.items() if lock.forbids(package, free))]
    with pool.host(having, hidden):
        plan = _Resolution(pool, snapshot, trees, having, way_out).solve(features)
    if lock is not None:
        lock.check(plan, free)
    return plan


def _named_exactly(offered: Iterable[str], features: Sequence[Feature]) -> set[str]:
    """Names of packages that features ask for with version and release."""
    wanted = [feature.packages() for feature in features]
    asked = {subject for one in wanted for subject in (*one.install, *one.upgrade)}
    found = (parse_nevra(package, where=package) for package in offered)
    return {one.name for one in found if asked & _exact_names(one)}


def _exact_names(package: Nevra) -> set[str]:
    """How a package is named with version and release; an epoch 0 and the arch may be left out."""
    evrs = {package.evr, package.evr.removeprefix("0:")}
    return {f"{package.name}-{evr}{arch}" for evr in evrs for arch in ("", f".{package.arch}")}


class _Resolution:
    """One run of resolve_packages(), while the pool has the parent's packages."""

    def __init__(
        self,
        pool: PackagePool,
        snapshot: str,
        trees: Mapping[str, Path],
        having: Sequence[Nevra],
        way_out: str,
    ) -> None:
        self._pool = pool
        self._snapshot = snapshot
        self._trees = trees
        self._way_out = way_out
        self._names = {one.name for one in having}
        self._errors: list[FleetError] = []
        self._asked: set[int] = set()

    def solve(self, features: Sequence[Feature]) -> RpmPlan:
        jobs = [job for feature in features for job in self._jobs(feature)]
        if self._errors:
            raise AllErrors(self._errors)
        solver = self._pool.solv.Solver()
        weak = any(feature.packages().weak_dependencies for feature in features)
        solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, int(not weak))
        problems = solver.solve(jobs)
        if problems:
            what = "; ".join(package_reasons(problems))
            where = ", ".join(str(feature.place) for feature in features)
            raise InputError(f"the packages cannot be installed together: {what}", where=where)
        transaction = solver.transaction()
        removed = [nevra(one) for one in transaction.steps() if one.isinstalled()]
        fine = self._may_go(features) | {one.name for one in transaction.newsolvables()}
        if unasked := sorted(one for one in removed if self._name(one) not in fine):
            where = ", ".join(str(feature.place) for feature in features)
            what = f"packages of the parent would go: {', '.join(unasked)}"
            raise InputError(what, where=where, way_out="Name them under remove, or ask for something else")
        packages = [self._planned(one) for one in transaction.newsolvables()]
        return RpmPlan(self._snapshot, self._pool.arch, tuple(sorted(packages)), tuple(sorted(removed)))

    def _jobs(self, feature: Feature) -> Iterable[t.Any]:
        wanted = feature.packages()
        for subject in wanted.install:
            yield from self._job(feature, subject, solv.Job.SOLVER_INSTALL)
        for subject in wanted.upgrade:
            there = subject in self._names
            yield from self._job(
                feature, subject, solv.Job.SOLVER_UPDATE if there else solv.Job.SOLVER_INSTALL
            )
        for subject in wanted.remove:
            if subject not in self._names:
                self._fault(
                    feature, f"the parent has no package {subject} to remove", "Use remove_if_present"
                )
            yield from self._job(feature, subject, solv.Job.SOLVER_ERASE)
        for subject in wanted.remove_if_present:
            if subject in self._names:
                yield from self._job(feature, subject, solv.Job.SOLVER_ERASE)

    def _job(self, feature: Feature, subject: str, action: int) -> Iterable[t.Any]:
        kinds = solv.Selection
        flags = kinds.SELECTION_NAME | kinds.SELECTION_CANON | kinds.SELECTION_DOTARCH
        selection = self._pool.solv.select(subject, flags | kinds.SELECTION_PROVIDES | kinds.SELECTION_REL)
        if selection.isempty():
            self._fault(
                feature,
                f"no package of the snapshot {self._snapshot} is or provides {subject}",
                self._way_out,
            )
            return
        if action != solv.Job.SOLVER_ERASE:
            self._asked |= {one.id for one in selection.solvables()}
        yield from selection.jobs(action)

    def _may_go(self, features: Sequence[Feature]) -> set[str]:
        """The names of packages that features remove."""
        wanted = [feature.packages() for feature in features]
        return {name for one in wanted for name in (*one.remove, *one.remove_if_present)}

    def _name(self, package: str) -> str:
        return parse_nevra(package, where=self._snapshot).name

    def _planned(self, one: t.Any) -> PlannedPackage:
        href = one.lookup_location()[0]
        file = self._trees[one.repo.name] / href
        reason = Reason.ASKED if one.id in self._asked else Reason.REQUIRED
        installed = one.lookup_num(solv.SOLVABLE_INSTALLSIZE)
        return PlannedPackage(
            nevra(one), one.repo.name, href, _sha256(one, file), file.stat().st_size, reason.value, installed
        )

    def _fault(self, feature: Feature, what: str, way_out: str) -> None:
        self._errors.append(InputError(what, where=str(feature.place), way_out=way_out))


def _sha256(one: t.Any, file: Path) -> str:
    """What the metadata says, for the transaction reads the file; that of the file if they say none."""
    checksum = one.lookup_checksum(solv.SOLVABLE_CHECKSUM)
    if checksum is not None and checksum.typestr() == "sha256":
        return t.cast("str", checksum.hex())
    hasher = Hasher("sha256")
    hasher.feed_file(file)
    return hasher.sha256
