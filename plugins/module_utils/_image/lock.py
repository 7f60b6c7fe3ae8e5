# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Lock files: the packages of an image as they were decided once, kept beside its definition.

A locked package comes in its version and no other, whatever else the snapshot has. One that a feature names
with its version and release is not bound by the lock.
"""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.rpm_plan import RpmPlan
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place

AGAIN = "Write it anew with relock of image_plan, and review what changed"


@dataclass(frozen=True)
class Lock:
    """The lock of one image, and where its definition names it."""

    name: str
    place: Place
    plan: RpmPlan

    @property
    def packages(self) -> dict[str, str]:
        """The locked packages with their sha256, by NEVRA."""
        return {package.nevra: package.sha256 for package in self.plan.install}

    def forbids(self, package: str, free: Collection[str]) -> bool:
        """Whether a package, by NEVRA, is another version of a locked one; names in `free` are not bound."""
        name = _name(package)
        return name not in free and name in self._names and package not in self.packages

    def check(self, plan: RpmPlan, free: Collection[str]) -> None:
        """Raises InputError with the differences if a plan is not the one that is locked."""
        if differences := list(self._differences(plan, free)):
            what = f"the lock {self.name} cannot be met: {', '.join(differences)}"
            raise InputError(what, where=str(self.place), way_out=AGAIN)

    def check_offered(self, offered: Collection[str], free: Collection[str]) -> None:
        """Raises InputError if locked packages are not among those `offered`."""
        bound = (package for package in self.packages if _name(package) not in free)
        if missing := sorted(set(bound) - set(offered)):
            what = f"the lock {self.name} cannot be met: the snapshot has no {', '.join(missing)}"
            raise InputError(what, where=str(self.place), way_out=AGAIN)

    @property
    def _names(self) -> set[str]:
        return {_name(package) for package in self.packages}

    def _differences(self, plan: RpmPlan, free: Collection[str]) -> Iterator[str]:
        planned = {package.nevra: package.sha256 for package in plan.install}
        for package in sorted(self.packages.keys() | planned.keys()):
            if _name(package) in free:
                continue
            if package not in planned:
                yield f"-{package}"
            elif package not in self.packages:
                yield f"+{package}"
            elif planned[package] != self.packages[package]:
                yield f"{package} has other bytes"
        for package in sorted(set(self.plan.remove) ^ set(plan.remove)):
            yield f"{'+' if package in plan.remove else '-'}removal of {package}"


def read_lock(sources: Path, name: str, place: Place) -> Lock:
    """The lock in a file beside the definition. Raises InputError."""
    try:
        raw: t.Any = read_json(sources / name)
        if raw is None:
            way_out = "Write it with relock of image_plan"
            raise InputError(f"there is no lock {name}", where=str(place), way_out=way_out)
        return Lock(name, place, RpmPlan.from_dict(raw))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{name} is no lock", where=str(place), way_out=AGAIN) from error


def _name(package: str) -> str:
    return parse_nevra(package, where=package).name
