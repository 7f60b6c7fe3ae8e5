# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Which packages of an upstream are wanted: by name, architecture and age."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import evr_key

if t.TYPE_CHECKING:
    from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package

SOURCE = ("src", "nosrc")


@dataclass(frozen=True)
class Choice:
    """The operator's rules; an empty tuple or 0 is no rule. `newest` counts versions per name and arch."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    arches: tuple[str, ...] = ()
    source: bool = False
    newest: int = 0

    def __post_init__(self) -> None:
        if self.newest < 0:
            raise InputError(f"{self.newest} is too small", where="newest", way_out="Give 0 for all, or more")

    @property
    def rules(self) -> tuple[str, ...]:
        """In words."""
        lists = (("include", self.include), ("exclude", self.exclude), ("arches", self.arches))
        words = [f"{name}: {', '.join(globs)}" for name, globs in lists if globs]
        words += [f"source: {str(self.source).lower()}"]
        return (*words, f"newest: {self.newest}") if self.newest else tuple(words)


@dataclass(frozen=True)
class Chosen:
    """The packages that are wanted, in the order given, and why others are not: one line for each rule."""

    packages: list[Package]
    why: tuple[str, ...]


def choose(packages: Sequence[Package], choice: Choice, streams: Mapping[str, str]) -> Chosen:
    """Apply the rules one after the other. `streams` names the module stream of each modular NEVRA.

    Module streams are apart from one another and from what is not modular: each has newest versions.
    """
    chosen = list(packages)
    why: list[str] = []
    for rule, wanted in _rules(choice, streams):
        left = wanted(chosen)
        if len(left) != len(chosen):
            why.append(f"{rule} ({len(chosen) - len(left)} packages left out)")
        chosen = left
    return Chosen(chosen, tuple(why))


Filter = Callable[["list[Package]"], "list[Package]"]


def _rules(choice: Choice, streams: Mapping[str, str]) -> Iterable[tuple[str, Filter]]:
    if not choice.source:
        yield "source: false", lambda all_: [one for one in all_ if one.build.arch not in SOURCE]
    if choice.arches:
        arches = {*choice.arches, *(SOURCE if choice.source else ())}
        rule = f"arches: {', '.join(choice.arches)}"
        yield rule, lambda all_: [one for one in all_ if one.build.arch in arches]
    if choice.include:
        rule = f"include: {', '.join(choice.include)}"
        yield rule, lambda all_: [one for one in all_ if matches(one, choice.include)]
    if choice.exclude:
        rule = f"exclude: {', '.join(choice.exclude)}"
        yield rule, lambda all_: [one for one in all_ if not matches(one, choice.exclude)]
    if choice.newest:
        yield f"newest: {choice.newest}", lambda all_: _newest(all_, choice.newest, streams)


def matches(package: Package, globs: Iterable[str]) -> bool:
    """Whether a glob fits its name, name.arch, or name-[epoch:]version-release[.arch]."""
    build = package.build
    version = f"{build.name}-{build.version}-{build.release}"
    names = (build.name, f"{build.name}.{build.arch}", package.nevra, f"{version}.{build.arch}", version)
    return any(fnmatchcase(name, glob) for glob in globs for name in names)


def _newest(packages: list[Package], count: int, streams: Mapping[str, str]) -> list[Package]:
    groups: dict[tuple[str, str, str], list[Package]] = {}
    for package in packages:
        where = (package.build.name, package.build.arch, streams.get(package.nevra, ""))
        groups.setdefault(where, []).append(package)
    keep: set[Package] = set()
    for group in groups.values():
        versions = sorted({package.build for package in group}, key=evr_key)[-count:]
        keep.update(package for package in group if package.build in versions)
    return [package for package in packages if package in keep]
