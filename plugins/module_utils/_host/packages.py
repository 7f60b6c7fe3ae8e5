# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Installed packages, and the digest that tells whether two hosts run the same OS."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


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


def set_digest(packages: Iterable[Package]) -> str:
    """The package-set digest: sha256 over the sorted NEVRAs, one per line, without imported public keys."""
    lines = sorted(f"{package.nevra}\n" for package in packages if package.name != "gpg-pubkey")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def version_of(packages: Iterable[Package], name: str) -> str | None:
    """The version, without epoch and release, of the package called `name`."""
    for package in packages:
        if package.name == name:
            return package.nevra[len(name) + 1 :].partition(":")[2].rpartition("-")[0]
    return None
