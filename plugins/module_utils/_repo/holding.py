# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What holds do to the repos of a snapshot, decided from what the mirrors and earlier snapshots have.

All packages of one source package stay or go together, in all repos; module streams are apart.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra, evr_key
from ansible_collections.osaas.fleet.plugins.module_utils._repo.choice import SOURCE
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold import Hold
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package

SOURCE_RPM = re.compile(r"(.+)-([^-]+)-([^-]+)\.(?:no)?src\.rpm")


@dataclass(frozen=True, eq=False)
class State:
    """One repo at one time: its tree, packages, the module stream of each modular NEVRA, and the NEVRAs that
    each of the advisories in question names."""

    tree: Path
    packages: Sequence[Package]
    streams: Mapping[str, str]
    advisories: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Effect:
    """What a hold did: `sources` are those that it concerns, `carried` and `left_out` are NEVRAs."""

    hold: Hold
    sources: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """What became of the hold: it changed something, has nothing to change yet, or fits nothing."""
        if self.carried or self.left_out:
            return "applied"
        return "idle" if self.sources else "unmatched"

    def to_dict(self) -> dict[str, t.Any]:
        """As it stands in a manifest."""
        return {
            **self.hold.to_dict(),
            "sources": list(self.sources),
            "carried": list(self.carried),
            "left_out": list(self.left_out),
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, t.Any]) -> Effect:
        """The inverse of to_dict()."""
        lists = {name: tuple(raw[name]) for name in ("sources", "carried", "left_out")}
        return cls(Hold.from_dict({name: raw[name] for name in raw.keys() - lists.keys()}), **lists)


@dataclass(frozen=True)
class HeldRepo:
    """The packages of one repo once all holds are applied: those of the mirror, and those `carried` forward
    out of an earlier state. `why` says by which hold; it is empty for a repo that stays what it is."""

    take: tuple[Package, ...]
    carried: tuple[tuple[State, Package], ...]
    why: tuple[str, ...]


class Group(t.NamedTuple):
    """Packages that are held together: of one source package, in one module stream ("": not modular)."""

    source: str
    stream: str


Builds = dict[Nevra, list[Package]]  # the packages of each build of a source package
Row = Mapping[str, State]  # the state of each repo at one time


def decide(holds: Sequence[Hold], rows: Iterable[Row]) -> tuple[dict[str, HeldRepo], list[Effect]]:
    """Apply `holds`, of which the first that fits a source package decides about it.

    `rows` has first the mirrors, then what the last snapshot had, then what older ones had. It is iterated
    over again and again, and only as far as needed. Raises InputError for a version that is nowhere.
    """
    decision = _Decision(rows)
    effects = [decision.apply(hold) for hold in holds]
    return {name: decision.result(name, holds) for name in decision.mirrors}, effects


class _Decision:
    """One run of decide(). For each repo, `_out` are packages of the mirror that go, `_in` that come."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self._indexes: dict[State, dict[Group, Builds]] = {}
        self.mirrors, *rest = islice(rows, 2)
        self._before: Row = rest[0] if rest else {}
        self._taken: set[Group] = set()
        self._out: dict[str, dict[Package, Hold]] = {name: {} for name in self.mirrors}
        self._in: dict[str, dict[Package, tuple[State, Hold]]] = {name: {} for name in self.mirrors}

    def apply(self, hold: Hold) -> Effect:
        """Note what goes and comes by this hold."""
        groups = self._groups(hold)
        self._taken |= groups
        if hold.keeps:
            for group in sorted(groups):
                self._keep(hold, group)
        else:
            self._limit(hold, groups)
        carried = [
            one.nevra for into in self._in.values() for one, (_state, by) in into.items() if by is hold
        ]
        left_out = [one.nevra for out in self._out.values() for one, by in out.items() if by is hold]
        sources = {group.source for group in groups}
        return Effect(hold, tuple(sorted(sources)), tuple(sorted(carried)), tuple(sorted(left_out)))

    def result(self, name: str, holds: Iterable[Hold]) -> HeldRepo:
        """What all holds together make of this repo."""
        out, into = self._out[name], self._in[name]
        why = []
        for hold in holds:
            left = sum(by is hold for by in out.values())
            carried = sum(by is hold for _state, by in into.values())
            if left or carried:
                why.append(f"{hold} ({left} packages left out, {carried} carried forward)")
        take = tuple(package for package in self.mirrors[name].packages if package not in out)
        carried_from = ((state, package) for package, (state, _by) in into.items())
        return HeldRepo(take, tuple(carried_from), tuple(why))

    def _windows(self) -> Iterator[list[Row]]:
        """What is looked at together: the mirrors and the last snapshot; then older ones, one by one."""
        rows = iter(self._rows)
        yield list(islice(rows, 2))
        for row in rows:
            yield [row]

    def _groups(self, hold: Hold) -> set[Group]:
        """Those that the hold fits and that no hold before it took."""
        for window in self._windows():
            states = [state for row in window for state in row.values()]
            advised = {name for state in states for name in state.advisories.get(hold.advisory, ())}
            found = {
                group
                for state in states
                for group, builds in self._index(state).items()
                if _fits(hold, group, builds, advised)
            }
            if found or hold.keeps:
                return found - self._taken
        return set()

    def _keep(self, hold: Hold, group: Group) -> None:
        for name, mirror in self.mirrors.items():
            before = self._before.get(name)
            if before is not None:
                wanted = {one.nevra: one for one in _all(self._index(before).get(group, {}))}
                there = {one.nevra: one for one in _all(self._index(mirror).get(group, {}))}
                self._out[name].update({one: hold for nevra, one in there.items() if nevra not in wanted})
                self._carry(name, hold, before, (one for nevra, one in wanted.items() if nevra not in there))

    def _limit(self, hold: Hold, groups: Iterable[Group]) -> None:
        found = {group: self._newest(hold, group) for group in sorted(groups)}
        if hold.version and found and not any(best for best, _window in found.values()):
            raise InputError(
                f"no mirror and no snapshot has version {hold.version} of"
                f" {', '.join(sorted({group.source for group in found}))}",
                where=str(hold),
                way_out=f"The mirrors and the last snapshot have {', '.join(self._versions(found))}",
            )
        for group, (best, window) in found.items():
            if best is None and hold.version:
                continue  # a stream, or one of several source packages, that never had this version
            advised = self._advised(hold, group)
            for name, mirror in self.mirrors.items():
                builds = self._index(mirror).get(group, {})
                gone = (build for build in builds if not hold.lets_in(build, advised))
                self._out[name].update({one: hold for build in gone for one in builds[build]})
                if best is not None and not _of(best, builds):
                    states = [row[name] for row in window if name in row]
                    for state in states:
                        self._carry(name, hold, state, _of(best, self._index(state).get(group, {})))

    def _newest(self, hold: Hold, group: Group) -> tuple[Nevra | None, list[Row]]:
        """The newest build that may stay, and where it was found."""
        advised = self._advised(hold, group)
        for window in self._windows():
            builds = {
                build
                for row in window
                for state in row.values()
                for build in self._index(state).get(group, ())
            }
            good = [build for build in builds if hold.lets_in(build, advised)]
            if good:
                return max(good, key=evr_key), window
        return None, []

    def _advised(self, hold: Hold, group: Group) -> set[Nevra]:
        """The builds that the advisory of the hold names."""
        states = [state for row in (self.mirrors, self._before) for state in row.values()]
        names = {name for state in states for name in state.advisories.get(hold.advisory, ())}
        return {
            build
            for state in states
            for build, packages in self._index(state).get(group, {}).items()
            if any(package.nevra in names for package in packages)
        }

    def _carry(self, name: str, hold: Hold, state: State, packages: Iterable[Package]) -> None:
        self._in[name].update(dict.fromkeys(packages, (state, hold)))

    def _versions(self, groups: Iterable[Group]) -> list[str]:
        """The builds of these groups, for a message."""
        states = [state for row in (self.mirrors, self._before) for state in row.values()]
        builds = {
            build for state in states for group in groups for build in self._index(state).get(group, ())
        }
        return [f"{one.name}-{one.evr}" for one in sorted(builds, key=lambda one: (one.name, evr_key(one)))]

    def _index(self, state: State) -> dict[Group, Builds]:
        if state not in self._indexes:
            self._indexes[state] = _index(state)
        return self._indexes[state]


def _index(state: State) -> dict[Group, Builds]:
    """The packages of a state by what they are held with.

    The file name of a source package says no epoch: the highest of its packages is taken for it.
    """
    epochs: dict[str, int] = {}
    for package in state.packages:
        epochs[package.source] = max(epochs.get(package.source, 0), package.build.epoch)
    groups: dict[Group, Builds] = {}
    for package in state.packages:
        build = _source_build(package, epochs)
        group = Group(build.name, state.streams.get(package.nevra, ""))
        groups.setdefault(group, {}).setdefault(build, []).append(package)
    return groups


def _source_build(package: Package, epochs: Mapping[str, int]) -> Nevra:
    """The build of the source package it was made of; itself, where it is one or names none."""
    found = SOURCE_RPM.fullmatch(package.source)
    if package.build.arch in SOURCE or found is None:
        return package.build._replace(arch="src")
    name, version, release = found.groups()
    return Nevra(name, epochs[package.source], version, release, "src")


def _fits(hold: Hold, group: Group, builds: Builds, advised: Collection[str]) -> bool:
    packages = _all(builds)
    names = {package.build.name for package in packages}
    return hold.fits(group.source, names, any(package.nevra in advised for package in packages))


def _of(build: Nevra, builds: Builds) -> list[Package]:
    """The packages of this build, whose epoch may look another in another repo."""
    same = ((one.version, one.release) == (build.version, build.release) for one in builds)
    return [package for one, is_it in zip(builds, same) if is_it for package in builds[one]]


def _all(builds: Builds) -> list[Package]:
    return [package for packages in builds.values() for package in packages]
