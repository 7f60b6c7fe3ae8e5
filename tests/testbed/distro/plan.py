# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages, in which builds, make each release (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .convert import World, convert
from .deb import Deb
from .flavour import Flavour
from .releases import Release, suffixes
from .rpm import RpmSpec
from .tree import Entry, Tree

OWN = ("filesystem", "setup", "testbed-release", "beacon")


@dataclass(frozen=True)
class Unpacked:
    """A Debian package and its tree."""

    deb: Deb
    tree: Tree


@dataclass(frozen=True)
class Build:
    """One RPM to build: what is said of it, its tree, and its time stamp (seconds since 1970)."""

    spec: RpmSpec
    tree: Tree
    epoch: int


def converted(
    flavour: Flavour,
    unpacked: Iterable[Unpacked],
    shared: Mapping[str, Entry],
    releases: tuple[Release, ...],
) -> list[dict[str, Build]]:
    """For each release, the build of each Debian package, by name.

    A package that a release does not build anew keeps the build (and time stamp) of the release before.
    """
    by_name = {one.deb.name: one for one in unpacked}
    debs = {name: one.deb for name, one in by_name.items()}
    states = suffixes(releases, {name: deb.source for name, deb in debs.items()}, ties(debs))
    provided = (relation.name for deb in debs.values() for clause in deb.provides for relation in clause)
    known = {*debs, *provided, *OWN}
    plans: list[dict[str, Build]] = []
    for release, state in zip(releases, states, strict=True):
        built = {name: (deb.version, deb.evr.bumped(state[name])) for name, deb in debs.items()}
        world = World(shared, flavour.dropped, known, built)
        anew = {
            name: Build(
                convert(one.deb, one.tree, flavour.amendment(name), state[name], world),
                one.tree,
                release.issued,
            )
            for name, one in by_name.items()
            if not plans or state[name] == release.name
        }
        plans.append({**(plans[-1] if plans else {}), **anew})
    return plans


def ties(debs: Mapping[str, Deb]) -> dict[str, frozenset[str]]:
    """For each package, those it requires in exactly the version they have."""
    return {
        name: frozenset(
            relation.name
            for clause in deb.requires
            for relation in clause
            if relation.operator == "="
            and relation.name in debs
            and debs[relation.name].version == relation.version
        )
        for name, deb in debs.items()
    }
