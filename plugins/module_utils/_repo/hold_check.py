# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Whether holds leave a snapshot whole: what they would make uninstallable, and which of them would."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.check import CHAIN, newly_broken
from ansible_collections.osaas.fleet.plugins.module_utils._repo.closure import Broken, broken_packages
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold import Effect
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import solv
from ansible_collections.osaas.fleet.plugins.module_utils._repo.pool import PackagePool, nevra


def refuse_broken(
    runner: Runner,
    arches: Iterable[str],
    held: Sequence[Path],
    others: Iterable[Sequence[Path]],
    effects: Sequence[Effect],
) -> None:
    """Solve the closure of the `held` trees, with the mirrors and the snapshot before as the `others`.

    Raises InputError or AllErrors about each hold that makes something uninstallable which is not so there.
    """
    applied = [effect for effect in effects if effect.outcome == "applied"]
    told: dict[Effect, dict[Broken, None]] = {}
    for arch in sorted(arches):
        found = broken_packages(PackagePool(runner, arch, held, (), ()).solv)
        if not found:
            continue
        pools = [PackagePool(runner, arch, trees, (), ()).solv for trees in others]
        known = [one for pool in pools for one in broken_packages(pool)]
        new = {one.package: one for one in newly_broken(found, known)}
        for one in new.values():
            for effect in _guilty(one, new, pools, applied, set()) or applied:
                told.setdefault(effect, {})[one] = None
    if told:
        errors = [_refusal(effect, list(told[effect])) for effect in applied if effect in told]
        error: FleetError = errors[0] if len(errors) == 1 else AllErrors(errors)
        error.details["broken"] = [
            asdict(one) for one in dict.fromkeys(b for found in told.values() for b in found)
        ]
        raise error


def _guilty(
    one: Broken,
    new: Mapping[str, Broken],
    pools: Sequence[object],
    effects: Sequence[Effect],
    seen: Collection[str],
) -> list[Effect]:
    """The holds that carried the broken package forward, or took out what it needs, or what that needs."""
    needed = {one.package, *(name for pool in pools for name in _providers(pool, one.requirement))}
    guilty = [
        effect for effect in effects if one.package in effect.carried or needed.intersection(effect.left_out)
    ]
    for name in sorted(needed & new.keys() - {one.package, *seen}):
        guilty += _guilty(new[name], new, pools, effects, {*seen, one.package})
    return list(dict.fromkeys(guilty))


def _providers(pool: object, requirement: str) -> list[str]:
    kinds = solv.Selection
    flags = kinds.SELECTION_PROVIDES | kinds.SELECTION_FILELIST | kinds.SELECTION_REL
    return [nevra(one) for one in pool.select(requirement, flags).solvables()]  # type: ignore[attr-defined]


def _refusal(effect: Effect, broken: Sequence[Broken]) -> FleetError:
    lines = [f"{one.package} ({'; '.join(one.reasons[:CHAIN])})" for one in broken[:CHAIN]]
    more = [f"{len(broken) - CHAIN} more packages"] if len(broken) > CHAIN else []
    return InputError(
        f"what the snapshot would have could not be installed: {', '.join([*lines, *more])}",
        where=f"{effect.hold} ({effect.hold.reason})",
        way_out="Hold these packages too, or lift this hold",
    )
