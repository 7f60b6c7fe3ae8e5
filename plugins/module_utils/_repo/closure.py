# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The closure of a set of repos: whether each package can be installed from them alone.

Most packages are judged by their requirements: does anything that can itself be installed provide each?
That takes one pass over all of them, and finds everything but packages that conflict with what they need.
Those whose requirements have conditions, such as (a if b), are handed to the solver, one by one.
Packages of all module streams are seen at once: one stream may lean on another.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.pool import nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.problems import package_reasons


@dataclass(frozen=True)
class Broken:
    """A package whose requirement cannot be met; `reasons` is the chain down to what is missing."""

    package: str
    requirement: str
    reasons: tuple[str, ...]


Fault = tuple[t.Any, t.Any]  # a package of libsolv, and the requirement that nothing meets


def broken_packages(pool: t.Any) -> list[Broken]:
    """Packages of the pool that cannot be installed, in no order; its whatprovides must be ready."""
    users: dict[int, list[Fault]] = {}
    conditional: dict[int, Fault] = {}
    for one in pool.solvables:
        if one.installable():
            for dep in one.lookup_deparray(solv.SOLVABLE_REQUIRES):
                if str(dep).startswith("("):
                    conditional.setdefault(one.id, (one, dep))
                elif not str(dep).startswith(("rpmlib(", "solvable:")):  # rpm itself, and marks of libsolv
                    users.setdefault(dep.id, []).append((one, dep))
    providers = {number: pool.whatprovides(found[0][1]) for number, found in users.items()}
    faults = _spread(users, providers)
    found = [_broken(one, dep, faults, providers) for one, dep in faults.values()]
    rest = [fault for number, fault in conditional.items() if number not in faults]
    return found + list(_solved(pool, rest))


def _spread(
    users: Mapping[int, Sequence[Fault]], providers: Mapping[int, Sequence[t.Any]]
) -> dict[int, Fault]:
    """What lacks a provider, and then what has none left but such, until no more is found."""
    faults: dict[int, Fault] = {}
    todo: list[int] = []

    def lose(number: int) -> None:
        for one, dep in users[number]:
            if one.id not in faults:
                faults[one.id] = (one, dep)
                todo.append(one.id)

    provided: dict[int, list[int]] = {}
    for number, able in providers.items():
        for one in able:
            provided.setdefault(one.id, []).append(number)
        if not able:
            lose(number)
    while todo:
        for number in provided.get(todo.pop(), ()):
            if all(one.id in faults for one in providers[number]):
                lose(number)
    return faults


def _broken(
    one: t.Any, dep: t.Any, faults: Mapping[int, Fault], providers: Mapping[int, Sequence[t.Any]]
) -> Broken:
    package, requirement = nevra(one), str(dep)
    reasons, seen = [], set()
    while one.id not in seen:
        seen.add(one.id)
        able = providers[dep.id]
        if not able:
            reasons.append(f"nothing provides {dep} needed by {nevra(one)}")
            break
        reasons.append(f"{nevra(one)} requires {dep}, which only {nevra(able[0])} provides")
        one, dep = faults[able[0].id]
    return Broken(package, requirement, tuple(reasons))


def _solved(pool: t.Any, faults: Sequence[Fault]) -> Iterator[Broken]:
    for one, dep in faults:
        solver = pool.Solver()
        solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
        problems = solver.solve([pool.Job(solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE, one.id)])
        if problems:
            yield Broken(nevra(one), str(dep), package_reasons(problems))
