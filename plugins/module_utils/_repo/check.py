# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Preflight: whether a snapshot is whole in itself, and what it would do to hosts, before it touches any."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._evr import (
    Nevra,
    compare_evr,
    evr_key,
    parse_nevra,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.closure import Broken
from ansible_collections.osaas.fleet.plugins.module_utils._repo.package_sets import PackageSet
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest, snapshots
from ansible_collections.osaas.fleet.plugins.module_utils._repo.solve import Universe
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.transaction import Transaction
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verdict import Verdict

CHAIN = 5  # reasons that one line of a message tells; the data has them all


@dataclass(frozen=True)
class Preflight:
    """What the distro-sync does to one package set. `unknown` packages stand in no tree of the store, `held`
    ones would be newer without a hold.
    """

    name: str
    hosts: tuple[str, ...]
    transaction: Transaction
    unknown: tuple[str, ...]
    held: tuple[str, ...]
    faults: tuple[str, ...]

    def to_dict(self) -> dict[str, t.Any]:
        """As the module returns it."""
        raw = asdict(self)
        return {**raw.pop("transaction"), **raw, "passed": not self.faults}


@dataclass(frozen=True)
class Checked:
    """Everything that a check found. `known` is how many packages were broken in the parent already."""

    snapshot: str
    parent: str | None
    broken: tuple[Broken, ...]
    known: int
    sets: tuple[Preflight, ...]

    @property
    def verdict(self) -> Verdict:
        """Without the names of hosts."""
        reasons = [f"{one.package}: {'; '.join(one.reasons[:CHAIN])}" for one in self.broken]
        reasons += [f"{one.name}: {fault}" for one in self.sets for fault in one.faults]
        return Verdict(self.snapshot, not reasons, len(self.sets), tuple(reasons))

    def to_dict(self) -> dict[str, t.Any]:
        """As the module returns it."""
        return {
            "snapshot": self.snapshot,
            "parent": self.parent,
            "passed": self.verdict.passed,
            "broken": [asdict(one) for one in self.broken],
            "known_broken": self.known,
            "package_sets": [one.to_dict() for one in self.sets],
        }


def check(
    store: Store,
    runner: Runner,
    manifest: Manifest,
    sets: Sequence[PackageSet],
    *,
    arch: str,
    allow_removals: Sequence[str] = (),
) -> Checked:
    """Look whether `manifest` broke what its parent had whole, and solve its distro-sync for every set.

    `arch` is of this closure, and of sets whose packages are all noarch.
    """
    by_arch: dict[str, list[PackageSet]] = {arch: []}
    for one in sets:
        by_arch.setdefault(one.arch or arch, []).append(one)
    others = [other for other in snapshots(store) if other.id != manifest.id]
    older = [tree for other in others for tree in trees(store, other)]
    done: dict[str, Preflight] = {}
    broken: list[Broken] = []
    for each, mine in by_arch.items():
        wanted = {package for one in mine for package in one.packages}
        universe = Universe(runner, each, trees(store, manifest), older, wanted)
        broken += universe.broken()
        for one in mine:
            done[one.name] = _preflight(universe, one, held_builds(manifest), allow_removals)
    parent = next((other for other in others if other.id == manifest.parent), None)
    before: list[Broken] = []
    if broken and parent is not None:
        for each in by_arch:
            before += Universe(runner, each, trees(store, parent), (), ()).broken()
    new = newly_broken(broken, before)
    return Checked(
        manifest.id,
        manifest.parent,
        tuple(new),
        len(set(broken)) - len(new),
        tuple(done[one.name] for one in sets),
    )


def trees(store: Store, manifest: Manifest) -> list[Path]:
    """Where the repos of a snapshot stand."""
    return [store.tree(name, part.tree) for name, part in manifest.repositories.items()]


def newly_broken(now: Iterable[Broken], before: Iterable[Broken]) -> list[Broken]:
    """What is broken and was not: another build of a package that lacks the same thing is no news."""
    known = {_fault(one) for one in before}
    return sorted({one for one in now if _fault(one) not in known}, key=lambda one: one.package)


def faults(transaction: Transaction, allow_removals: Sequence[str]) -> Iterator[str]:
    """Why a host must not be given this transaction."""
    if not transaction.solved:
        yield f"cannot be solved: {_chain(transaction.reasons)}"
    for name in transaction.remove:
        package = parse_nevra(name, where="remove")
        if not any(fnmatchcase(package.name, glob) for glob in allow_removals):
            yield f"{name} would be removed: {_chain(transaction.reasons)}"


def held_builds(manifest: Manifest) -> dict[tuple[str, str], Nevra]:
    """The newest build of each name and architecture that holds left out of a snapshot."""
    left_out = [parse_nevra(name, where=manifest.id) for effect in manifest.holds for name in effect.left_out]
    return {(one.name, one.arch): one for one in sorted(left_out, key=evr_key)}


def _preflight(
    universe: Universe,
    one: PackageSet,
    left_out: Mapping[tuple[str, str], Nevra],
    allow_removals: Sequence[str],
) -> Preflight:
    transaction = universe.distro_sync(one.packages, one.streams)
    unknown = sorted({str(package) for package in one.packages} - universe.known)
    held = sorted(
        str(package)
        for package in one.packages
        if (newer := left_out.get((package.name, package.arch))) and compare_evr(newer, package) > 0
    )
    told = tuple(faults(transaction, allow_removals))
    return Preflight(one.name, one.hosts, transaction, tuple(unknown), tuple(held), told)


def _chain(reasons: Sequence[str]) -> str:
    more = [f"{len(reasons) - CHAIN} more reasons"] if len(reasons) > CHAIN else []
    return "; ".join([*reasons[:CHAIN], *more]) or "no repository of the snapshot has it"


def _fault(one: Broken) -> tuple[str, str, str]:
    package: Nevra = parse_nevra(one.package, where="broken")
    return package.name, package.arch, one.requirement
