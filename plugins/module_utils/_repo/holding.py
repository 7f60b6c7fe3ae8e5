# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What holds do to the repos of a snapshot, decided from what the mirrors and earlier snapshots have.

All packages of one source package stay or go together, in all repos; module streams are apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import (
    Nevra,
    compare_evr,
    evr_key,
    parse_nevra,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold import Effect, Hold
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package
from ansible_collections.osaas.fleet.plugins.module_utils._repo.source_builds import (
    Group,
    State,
    all_packages,
    names,
    of_build,
)


@dataclass(frozen=True)
class HeldRepo:
    """The packages of one repo once all holds are applied: those of the mirror, and those `carried` forward
    out of an earlier state. `why` says by which hold; it is empty for a repo that stays what it is."""

    take: tuple[Package, ...]
    carried: tuple[tuple[State, Package], ...]
    why: tuple[str, ...]


Row = Mapping[str, State]  # the state of each repo at one time


def decide(
    holds: Sequence[Hold], rows: Iterable[Row], earlier: Iterable[Effect] = ()
) -> tuple[dict[str, HeldRepo], list[Effect]]:
    """Apply `holds`, of which the first that fits a source package decides about it.

    `rows` has first the mirrors, then what the last snapshot had, then what older ones had. It is iterated
    over again and again, and only as far as needed. What holds did `earlier` tells what an advisory named
    that upstream forgot. Raises InputError for a version that is nowhere.
    """
    decision = _Decision(rows, earlier)
    effects = [decision.apply(hold) for hold in holds]
    return {name: decision.result(name, holds) for name in decision.mirrors}, effects


class _Decision:
    """One run of decide(). For each repo, `_out` are packages of the mirror that go, `_in` that come."""

    def __init__(self, rows: Iterable[Row], earlier: Iterable[Effect]) -> None:
        self._rows = rows
        self._earlier = list(earlier)
        self.mirrors, *rest = islice(rows, 2)
        self._before: Row = rest[0] if rest else {}
        self._named: dict[Hold, dict[str, dict[str, Nevra]]] = {}
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
            found = {
                group
                for row in window
                for state in row.values()
                for group, builds in state.groups.items()
                if hold.fits(group.source, names(builds), self._advised(hold, group))
            }
            if found or hold.keeps:
                return found - self._taken
        return set()

    def _keep(self, hold: Hold, group: Group) -> None:
        for name, mirror in self.mirrors.items():
            before = self._before.get(name)
            if before is not None:
                wanted = {one.nevra: one for one in all_packages(before.groups.get(group, {}))}
                there = all_packages(mirror.groups.get(group, {}))
                self._out[name].update({one: hold for one in there if one.nevra not in wanted})
                have = {one.nevra for one in there}
                self._carry(name, hold, before, (one for nevra, one in wanted.items() if nevra not in have))

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
            lets_in = self._gate(hold, group, [])
            for name, mirror in self.mirrors.items():
                builds = mirror.groups.get(group, {})
                gone = (build for build in builds if not lets_in(build))
                self._out[name].update({one: hold for build in gone for one in builds[build]})
                if best is not None and not of_build(best, builds):
                    states = [row[name] for row in window if name in row]
                    for state in states:
                        self._carry(name, hold, state, of_build(best, state.groups.get(group, {})))

    def _newest(self, hold: Hold, group: Group) -> tuple[Nevra | None, list[Row]]:
        """The newest build that may stay, and where it was found."""
        for window in self._windows():
            lets_in = self._gate(hold, group, window)
            good = [build for build, _packages in self._builds(group, window) if lets_in(build)]
            if good:
                return max(good, key=evr_key), window
        return None, []

    def _gate(self, hold: Hold, group: Group, window: Sequence[Row]) -> Callable[[Nevra], bool]:
        """What tells whether a build, of the mirrors, the last snapshot or the `window`, may stay."""
        if not hold.advisory:
            return hold.lets_in
        limits = self._advised(hold, group)
        bad = {
            (build.version, build.release)
            for build, packages in self._builds(group, [self.mirrors, self._before, *window])
            for one in packages
            if one.build.name in limits and compare_evr(one.build, limits[one.build.name]) >= 0
        }
        return lambda build: (build.version, build.release) not in bad

    def _advised(self, hold: Hold, group: Group) -> dict[str, Nevra]:
        """The oldest build of each package, by name, that the advisory of the hold names in this stream."""
        if hold not in self._named:
            self._named[hold] = self._names_of(hold)
        return self._named[hold].get(group.stream, {})

    def _names_of(self, hold: Hold) -> dict[str, dict[str, Nevra]]:
        states = [state for row in (self.mirrors, self._before) for state in row.values()]
        earlier = (effect.left_out for effect in self._earlier if effect.hold.advisory == hold.advisory)
        said = {nevra: "" for left_out in earlier for nevra in left_out}
        for state in states:
            said.update(state.advisories.get(hold.advisory, {}))
        found: dict[str, dict[str, Nevra]] = {}
        for nevra, stream in said.items() if hold.advisory else ():
            known = (state.streams.get(nevra, "") for state in states)
            oldest = found.setdefault(stream or next(filter(None, known), ""), {})
            build = parse_nevra(nevra, where=str(hold))
            if build.name not in oldest or compare_evr(build, oldest[build.name]) < 0:
                oldest[build.name] = build
        return found

    def _builds(self, group: Group, rows: Iterable[Row]) -> Iterator[tuple[Nevra, list[Package]]]:
        for row in rows:
            for state in row.values():
                yield from state.groups.get(group, {}).items()

    def _carry(self, name: str, hold: Hold, state: State, packages: Iterable[Package]) -> None:
        self._in[name].update(dict.fromkeys(packages, (state, hold)))

    def _versions(self, groups: Iterable[Group]) -> list[str]:
        """The builds of these groups, for a message."""
        states = [state for row in (self.mirrors, self._before) for state in row.values()]
        builds = {build for state in states for group in groups for build in state.groups.get(group, ())}
        return [f"{one.name}-{one.evr}" for one in sorted(builds, key=lambda one: (one.name, evr_key(one)))]
