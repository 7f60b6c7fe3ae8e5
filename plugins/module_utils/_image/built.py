# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What is known of an image once it is built: all that its artifacts and reports need, without its plan."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.rpm_plan import PlannedPackage

if t.TYPE_CHECKING:  # a plan has definitions, which have artifacts, which are made of what is built
    from ansible_collections.osaas.fleet.plugins.module_utils._image.image_plan import ImagePlan


@dataclass(frozen=True)
class Built:
    """An image. `layers` are their keys, the first one first; `epoch` is its time, in seconds since 1970.

    `cves` has the ids that packages have fixed, by NEVRA; `copied` the keys of the layers of other images
    that features copy from.
    """

    name: str
    arch: str
    snapshot: str
    epoch: int
    layers: tuple[str, ...]
    packages: tuple[PlannedPackage, ...]
    labels: Mapping[str, str]
    cves: Mapping[str, Sequence[str]]
    copied: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, t.Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, t.Any]) -> Built:
        """The inverse."""
        packages = tuple(PlannedPackage(**package) for package in raw["packages"])
        keys = {name: tuple(raw.get(name, ())) for name in ("layers", "copied")}
        return cls(**{**raw, **keys, "packages": packages})


def built(
    plan: ImagePlan, layers: Sequence[str], cves: Mapping[str, Sequence[str]], copied: Sequence[str] = ()
) -> Built:
    """The image of a plan, whose layers were built."""
    planned = {package.nevra: package for one in plan.packages.values() for package in one.install}
    nevras = plan.nevras
    return Built(
        name=plan.images[-1].definition.name,
        arch=plan.packages[plan.images[-1].definition.name].arch,
        snapshot=plan.snapshot.id,
        epoch=plan.epoch,
        layers=tuple(layers),
        packages=tuple(planned[nevra] for nevra in nevras),
        labels=plan.labels,
        cves={nevra: cves[nevra] for nevra in nevras if nevra in cves},
        copied=tuple(copied),
    )
