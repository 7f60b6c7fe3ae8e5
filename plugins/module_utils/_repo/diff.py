# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a host gets that goes from one snapshot to another: packages, advisories, CVEs, bytes."""

from __future__ import annotations

import tempfile
import typing as t
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._evr import compare_evr, evr_key
from ansible_collections.osaas.fleet.plugins.module_utils._repo.libraries import createrepo_c
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metadata import read_packages, unpack_record
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package


@dataclass(frozen=True)
class Advisory:
    """One entry of updateinfo. `kind` is security, bugfix, enhancement …"""

    id: str
    kind: str
    severity: str
    title: str
    cves: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A package of which the newest build changed; None: it is not there. `bytes` are of the new one."""

    name: str
    arch: str
    old: str | None
    new: str | None
    bytes: int


@dataclass(frozen=True)
class Difference:
    """Packages are compared by name and arch, by the newest build on each side."""

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    upgraded: tuple[Change, ...]
    downgraded: tuple[Change, ...]
    advisories: tuple[Advisory, ...]

    @property
    def cves(self) -> tuple[str, ...]:
        """Those that the gained advisories name."""
        return tuple(sorted({cve for advisory in self.advisories for cve in advisory.cves}))

    def to_dict(self) -> dict[str, t.Any]:
        """As the module returns it."""
        return {**asdict(self), "cves": self.cves}


def read_tree_packages(runner: Runner, trees: Sequence[Path]) -> list[Package]:
    """The packages of all trees, without sources."""
    with tempfile.TemporaryDirectory() as scratch:
        found = [package for tree in trees for package in read_packages(runner, tree, Path(scratch))]
    return [package for package in found if package.build.arch not in ("src", "nosrc")]


def read_advisories(runner: Runner, trees: Sequence[Path]) -> list[Advisory]:
    """The advisories of all trees."""
    found: list[Advisory] = []
    for tree in trees:
        with tempfile.TemporaryDirectory() as scratch:
            path = unpack_record(runner, tree, "updateinfo", Path(scratch))
            if path is not None:
                found += [_advisory(raw) for raw in createrepo_c.UpdateInfo(str(path)).updates]
    return found


def difference(
    old: Sequence[Package], new: Sequence[Package], before: Sequence[Advisory], now: Sequence[Advisory]
) -> Difference:
    """Compare two states."""
    was, is_ = _newest(old), _newest(new)
    order = {key: compare_evr(is_[key].build, was[key].build) for key in sorted(was.keys() & is_.keys())}
    known = {advisory.id for advisory in before}
    return Difference(
        added=tuple(_change(None, is_[key]) for key in sorted(is_.keys() - was.keys())),
        removed=tuple(_change(was[key], None) for key in sorted(was.keys() - is_.keys())),
        upgraded=tuple(_change(was[key], is_[key]) for key in order if order[key] > 0),
        downgraded=tuple(_change(was[key], is_[key]) for key in order if order[key] < 0),
        advisories=_once(advisory for advisory in now if advisory.id not in known),
    )


def _once(advisories: Iterable[Advisory]) -> tuple[Advisory, ...]:
    """Each of them by its id, sorted: one that is about packages of several repos is in all of these."""
    found: dict[str, Advisory] = {}
    for one in advisories:
        first = found.setdefault(one.id, one)
        found[one.id] = replace(first, cves=tuple(sorted({*first.cves, *one.cves})))
    return tuple(found[name] for name in sorted(found))


def _newest(packages: Sequence[Package]) -> dict[tuple[str, str], Package]:
    ordered = sorted(packages, key=lambda package: evr_key(package.build))
    return {(package.build.name, package.build.arch): package for package in ordered}


def _change(old: Package | None, new: Package | None) -> Change:
    [name, arch] = {(one.build.name, one.build.arch) for one in (old, new) if one}.pop()
    before, after = (one.build.evr if one else None for one in (old, new))
    return Change(name, arch, before, after, new.file.size if new else 0)


def _advisory(raw: t.Any) -> Advisory:
    cves = tuple(sorted({one.id for one in raw.references if one.type == "cve" and one.id}))
    return Advisory(raw.id or "", raw.type or "", raw.severity or "", raw.title or "", cves)
