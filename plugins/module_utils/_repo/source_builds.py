# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The packages of a repo by the source packages that they were built from, and by module stream."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.choice import SOURCE
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package

SOURCE_RPM = re.compile(r"(.+)-([^-]+)-([^-]+)\.(?:no)?src\.rpm")


class Group(t.NamedTuple):
    """Packages of one source package, in one module stream ("": not modular)."""

    source: str
    stream: str


Builds = dict[Nevra, list[Package]]  # the packages of each build of a source package


@dataclass(frozen=True, eq=False)
class State:
    """One repo at one time: its tree, packages, the module stream of each modular NEVRA, and what each of the
    advisories in question names: NEVRAs, with their module streams if it says them."""

    tree: Path
    packages: Sequence[Package]
    streams: Mapping[str, str]
    advisories: Mapping[str, Mapping[str, str]]

    @cached_property
    def groups(self) -> dict[Group, Builds]:
        """Its packages by what they belong to."""
        return _groups(self.packages, self.streams)


def _groups(packages: Sequence[Package], streams: Mapping[str, str]) -> dict[Group, Builds]:
    """The packages of a state by what they belong to.

    The file name of a source package says no epoch: the highest of its packages is taken for it.
    """
    epochs: dict[str, int] = {}
    for package in packages:
        epochs[package.source] = max(epochs.get(package.source, 0), package.build.epoch)
    groups: dict[Group, Builds] = {}
    for package in packages:
        build = _source_build(package, epochs)
        group = Group(build.name, streams.get(package.nevra, ""))
        groups.setdefault(group, {}).setdefault(build, []).append(package)
    return groups


def _source_build(package: Package, epochs: Mapping[str, int]) -> Nevra:
    """The build of the source package it was made of; itself, where it is one or names none."""
    found = SOURCE_RPM.fullmatch(package.source)
    if package.build.arch in SOURCE or found is None:
        return package.build._replace(arch="src")
    name, version, release = found.groups()
    return Nevra(name, epochs[package.source], version, release, "src")


def names(builds: Builds) -> set[str]:
    """Of the packages."""
    return {package.build.name for package in all_packages(builds)}


def of_build(build: Nevra, builds: Builds) -> list[Package]:
    """The packages of this build, whose epoch may look another in another repo."""
    same = ((one.version, one.release) == (build.version, build.release) for one in builds)
    return [package for one, is_it in zip(builds, same) if is_it for package in builds[one]]


def all_packages(builds: Builds) -> list[Package]:
    """Of all builds."""
    return [package for packages in builds.values() for package in packages]
