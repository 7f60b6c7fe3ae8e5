# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Installed packages, and the digest that tells whether two hosts run the same OS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._evr import Nevra, evr_key, parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._package_set import digest_of


@dataclass(frozen=True)
class Package:
    """An installed package; `nevra` is name-epoch:version-release.arch, `installed` is seconds since 1970."""

    nevra: str
    name: str
    installed: int


def nevra(name: str, epoch: int, version: str, release: str, arch: str) -> str:
    """The one way in which a package is named here: the epoch is always written, so that names compare."""
    return f"{name}-{epoch}:{version}-{release}.{arch}"


def name_of(nevra: str) -> str:
    """The name in what nevra() made."""
    return nevra.rsplit("-", 2)[0]


def surplus(duplicates: Iterable[str], keep: Collection[str]) -> list[str]:
    """Of packages that are there in several versions (NEVRAs), all but the one in `keep`, else the newest."""
    versions: dict[tuple[str, str], list[Nevra]] = {}
    for text in duplicates:
        one = parse_nevra(text, where="this host")
        versions.setdefault((one.name, one.arch), []).append(one)
    for found in versions.values():
        found.sort(key=evr_key)
        found.remove(next((one for one in found if str(one) in keep), found[-1]))
    return sorted(str(one) for found in versions.values() for one in found)


def in_several_versions(packages: Iterable[Package]) -> frozenset[str]:
    """Names of packages that are there more than once for one architecture, kernels and their like too."""
    seen = Counter(one.nevra.rpartition(".")[2] + " " + one.name for one in packages)
    return frozenset(key.partition(" ")[2] for key, count in seen.items() if count > 1) - {"gpg-pubkey"}


def set_digest(packages: Iterable[Package]) -> str:
    """The package-set digest."""
    return digest_of(package.nevra for package in packages)


def version_of(packages: Iterable[Package], name: str) -> str | None:
    """The version, without epoch and release, of the package called `name`."""
    for package in packages:
        if package.name == name:
            return package.nevra[len(name) + 1 :].partition(":")[2].rpartition("-")[0]
    return None
