# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Which packages of a state are wanted, and what makes it another state than the upstream's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.choice import choose
from ansible_collections.osaas.fleet.plugins.module_utils._repo.listing import Listed
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package, RemoteFile, Repository
from ansible_collections.osaas.fleet.plugins.module_utils._repo.primary import mutable
from ansible_collections.osaas.fleet.plugins.module_utils._repo.repomd import Record


@dataclass(frozen=True)
class Contents:
    """The packages of a state that are wanted: `new` ones of upstream, and the mirror's of the NEVRAs `old`.

    `why` says what makes this another state than the upstream's; nothing, if it is verbatim.
    """

    new: list[Package]
    old: tuple[str, ...]
    why: tuple[str, ...]


def decide(
    repository: Repository,
    records: Sequence[Record],
    packages: Sequence[Package],
    before: Mapping[str, Listed],
    streams: Mapping[str, str],
) -> Contents:
    """Apply the operator's rules to what upstream has.

    `before` are the packages of the mirror by NEVRA, `streams` the module streams of modular ones.
    Raises AllErrors for mutable packages that nobody decided about.
    """
    why: list[str] = []
    errors: list[FleetError] = []
    dropped: set[Package] = set()
    old: list[str] = []
    for nevra, same in _doubtful(packages, before).items():
        other = before.get(nevra)
        if other and not _differ(other, same[0].file):
            other = None
        digests = {one.digest for one in (*(package.file for package in same), other) if one}
        if len(digests) < 2:
            continue
        verdict = repository.tolerance.verdict(nevra, digests)
        if verdict is None:
            # If there is no other, upstream's own list has both, and would not have been read.
            errors.append(mutable(nevra, other or same[-1].file, same[0].file, repository=repository.name))
            continue
        losers = {package for package in same if package.file.digest != verdict.take}
        if losers:
            dropped |= losers
            why.append(f"accept_mutable: {nevra} ({verdict.reason})")
        if len(losers) == len(same):
            old.append(nevra)
    if errors:
        raise AllErrors(errors)
    left = [package for package in packages if package not in dropped] if dropped else packages
    chosen = choose(left, repository.choice, streams)
    for kind, files in (("metadata files", records), ("packages", chosen.packages)):
        moved = sum(one.file.address != "" for one in files)
        if moved:
            why.append(f"allow_foreign_base: {moved} {kind} brought into the repo")
    return Contents(chosen.packages, tuple(old), (*why, *chosen.why))


def _doubtful(packages: Sequence[Package], before: Mapping[str, Listed]) -> dict[str, list[Package]]:
    """All builds of each NEVRA that upstream has twice, or in another build than the mirror."""
    last = {package.nevra: package for package in packages}
    names = {
        package.nevra
        for package in packages
        if last[package.nevra] is not package
        or ((other := before.get(package.nevra)) and _differ(other, package.file))
    }
    builds: dict[str, list[Package]] = {}
    for package in packages if names else ():
        if package.nevra in names:
            builds.setdefault(package.nevra, []).append(package)
    return builds


def _differ(one: Listed, other: RemoteFile) -> bool:
    """Digests of two algorithms say nothing about each other."""
    return one.algorithm == other.algorithm and one.digest != other.digest
