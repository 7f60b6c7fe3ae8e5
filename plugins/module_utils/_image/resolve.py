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
from ansible_collections.osaas.fleet.plugins.module_utils._image.rpm_plan import (
    PlannedPackage,
    Reason,
    RpmPlan,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.pool import PackagePool, nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.problems import package_reasons


def resolve_packages(
    pool: PackagePool,
    snapshot: str,
    trees: Mapping[str, Path],
    having: Sequence[Nevra],
    features: Sequence[Feature],
) -> RpmPlan:
    """The transaction that gives `features` what they ask for. `having` are the parent's packages.

    Weak dependencies are left out. Raises AllErrors: an unknown package, or the reasons why there is no way.
    """
    with pool.host(having):
        return _Resolution(pool, snapshot, trees, having).solve(features)


class _Resolution:
    """One run of resolve_packages(), while the pool has the parent's packages."""

    def __init__(
        self, pool: PackagePool, snapshot: str, trees: Mapping[str, Path], having: Sequence[Nevra]
    ) -> None:
        self._pool = pool
        self._snapshot = snapshot
        self._trees = trees
        self._names = {one.name for one in having}
        self._errors: list[FleetError] = []
        self._asked: set[int] = set()

    def solve(self, features: Sequence[Feature]) -> RpmPlan:
        jobs = [job for feature in features for job in self._jobs(feature)]
        if self._errors:
            raise AllErrors(self._errors)
        solver = self._pool.solv.Solver()
        solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
        problems = solver.solve(jobs)
        if problems:
            what = "; ".join(package_reasons(problems))
            where = ", ".join(str(feature.place) for feature in features)
            raise InputError(f"the packages cannot be installed together: {what}", where=where)
        transaction = solver.transaction()
        removed = [nevra(one) for one in transaction.steps() if one.isinstalled()]
        asked = [removal for removal in removed if self._is_asked(removal, features)]
        if unasked := sorted(set(removed) - set(asked)):
            where = ", ".join(str(feature.place) for feature in features)
            what = f"packages of the parent would go: {', '.join(unasked)}"
            raise InputError(what, where=where, way_out="Name them under remove, or ask for something else")
        packages = [self._planned(one) for one in transaction.newsolvables()]
        return RpmPlan(self._snapshot, self._pool.arch, tuple(sorted(packages)), tuple(sorted(removed)))

    def _jobs(self, feature: Feature) -> Iterable[t.Any]:
        wanted = feature.packages()
        for subject in wanted.install:
            yield from self._job(feature, subject, solv.Job.SOLVER_INSTALL)
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
            self._fault(feature, f"no package of the snapshot {self._snapshot} is or provides {subject}", "")
            return
        if action == solv.Job.SOLVER_INSTALL:
            self._asked |= {one.id for one in selection.solvables()}
        yield from selection.jobs(action)

    def _is_asked(self, package: str, features: Sequence[Feature]) -> bool:
        name = parse_nevra(package, where=self._snapshot).name
        wanted = [feature.packages() for feature in features]
        return any(name in (*one.remove, *one.remove_if_present) for one in wanted)

    def _planned(self, one: t.Any) -> PlannedPackage:
        href = one.lookup_location()[0]
        file = self._trees[one.repo.name] / href
        reason = Reason.ASKED if one.id in self._asked else Reason.REQUIRED
        hasher = Hasher("sha256")
        hasher.feed_file(file)
        return PlannedPackage(nevra(one), one.repo.name, href, hasher.sha256, hasher.size, reason.value)

    def _fault(self, feature: Feature, what: str, way_out: str) -> None:
        self._errors.append(InputError(what, where=str(feature.place), way_out=way_out))
