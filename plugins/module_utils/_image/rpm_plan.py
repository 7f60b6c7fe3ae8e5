# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The plan of an image's packages: one transaction, decided before anything is built."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum


class Reason(Enum):
    """Why a package is installed: a feature asks for it, or another package requires it."""

    ASKED = "asked"
    REQUIRED = "required"


@dataclass(frozen=True, order=True)
class PlannedPackage:
    """A package to install. `href` is its place in its repository; `sha256` and `size` are the file's.

    `installed` is how many bytes it takes once it is installed.
    """

    nevra: str
    repository: str
    href: str
    sha256: str
    size: int
    reason: str
    installed: int


@dataclass(frozen=True)
class RpmPlan:
    """One transaction out of one snapshot; packages are sorted by name.

    Of a package that comes in another version, the old one is among those to remove.
    """

    snapshot: str
    arch: str
    install: tuple[PlannedPackage, ...] = ()
    remove: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, t.Any]:
        """As it stands in a plan file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, t.Any]) -> RpmPlan:
        """The inverse of to_dict(). Raises KeyError or TypeError if it is none."""
        packages = tuple(PlannedPackage(**package) for package in raw["install"])
        return cls(raw["snapshot"], raw["arch"], packages, tuple(raw["remove"]))
