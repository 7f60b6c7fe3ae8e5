# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What is different between two images: packages, files and sizes."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra, compare_evr, parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._image.changes import Change, changes
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import Entry


@dataclass(frozen=True)
class PackageChange:
    """One package by name and architecture; `old` or `new` is empty if it came or went."""

    name: str
    arch: str
    old: str
    new: str


@dataclass(frozen=True)
class FileChange:
    """One path. `what` names the properties that differ; `bytes` is how much larger it is."""

    path: str
    kind: str
    what: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Comparison:
    """All differences, sorted. What only has another time is not told of."""

    added: tuple[PackageChange, ...]
    removed: tuple[PackageChange, ...]
    upgraded: tuple[PackageChange, ...]
    downgraded: tuple[PackageChange, ...]
    files: tuple[FileChange, ...]
    bytes: int

    def to_dict(self) -> dict[str, t.Any]:
        """As the module returns it."""
        return asdict(self)


def compare(
    packages: tuple[Sequence[str], Sequence[str]], files: tuple[Mapping[str, Entry], Mapping[str, Entry]]
) -> Comparison:
    """Each pair is of the older image and the newer one: NEVRAs, and listings."""
    old, new = (_by_name(side) for side in packages)
    came = [_change(None, new[key]) for key in sorted(new.keys() - old.keys())]
    went = [_change(old[key], None) for key in sorted(old.keys() - new.keys())]
    both = [(old[key], new[key]) for key in sorted(old.keys() & new.keys())]
    told = tuple(_file(change, *files) for change in changes(*files) if change.what != ("time",))
    return Comparison(
        added=tuple(came),
        removed=tuple(went),
        upgraded=tuple(_change(*pair) for pair in both if compare_evr(*pair) < 0),
        downgraded=tuple(_change(*pair) for pair in both if compare_evr(*pair) > 0),
        files=told,
        bytes=sum(one.bytes for one in told),
    )


def _change(old: Nevra | None, new: Nevra | None) -> PackageChange:
    name, arch = next((one.name, one.arch) for one in (old, new) if one is not None)
    return PackageChange(name, arch, old.evr if old else "", new.evr if new else "")


def _by_name(nevras: Iterable[str]) -> dict[tuple[str, str], Nevra]:
    parsed = [parse_nevra(nevra, where="an image") for nevra in nevras]
    return {(one.name, one.arch): one for one in parsed}


def _file(change: Change, before: Mapping[str, Entry], after: Mapping[str, Entry]) -> FileChange:
    was, now = (side[change.path].size if change.path in side else 0 for side in (before, after))
    return FileChange(change.path, change.kind, change.what, now - was)
