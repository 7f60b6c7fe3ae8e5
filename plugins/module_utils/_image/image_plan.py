# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""All that is decided before a build: which packages, in which order, and that everything fits together."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._evr import parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._image.definition import Definition, read_lineage
from ansible_collections.osaas.fleet.plugins.module_utils._image.lineage import Arranged, arrange_lineage
from ansible_collections.osaas.fleet.plugins.module_utils._image.package_files import package_files
from ansible_collections.osaas.fleet.plugins.module_utils._image.resolve import resolve_packages
from ansible_collections.osaas.fleet.plugins.module_utils._image.rpm_plan import RpmPlan
from ansible_collections.osaas.fleet.plugins.module_utils._image.world import Known
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import resolve
from ansible_collections.osaas.fleet.plugins.module_utils._repo.pool import PackagePool
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store


@dataclass(frozen=True)
class ImagePlan:
    """`images` are the image and its parents, the first of them first; `packages` has the plan of each."""

    snapshot: Manifest
    trees: Mapping[str, Path]
    images: tuple[Arranged, ...]
    packages: Mapping[str, RpmPlan]

    @property
    def epoch(self) -> int:
        """The time of the image, in seconds since 1970: when its snapshot was cut."""
        return int(datetime.fromisoformat(self.snapshot.created).timestamp())

    @property
    def nevras(self) -> list[str]:
        """All packages of the image, sorted."""
        having: set[str] = set()
        for image in self.images:
            plan = self.packages[image.definition.name]
            having = (having - set(plan.remove)) | {package.nevra for package in plan.install}
        return sorted(having)

    def to_dict(self) -> dict[str, t.Any]:
        """As the module returns it, and as it stands in a plan file."""
        return {"snapshot": self.snapshot.id, "images": [self._told(image) for image in self.images]}

    def _told(self, image: Arranged) -> dict[str, t.Any]:
        plan = self.packages[image.definition.name]
        return {
            "name": image.definition.name,
            "features": [str(feature) for feature in image.ordered.features],
            "deferred": [f"{key} of {feature}" for feature, key in image.ordered.deferred],
            "install": [asdict(package) for package in plan.install],
            "remove": list(plan.remove),
        }


def plan_image(runner: Runner, store: Store, directory: Path, name: str, arch: str) -> ImagePlan:
    """Read, resolve and check an image with its parents. Raises FleetError for whatever cannot be built."""
    lineage = read_lineage(directory, name)
    snapshot = resolve(store, _release(lineage[0]))
    trees = {
        repository: (store.snapshots / snapshot.id / repository).resolve()
        for repository in snapshot.repositories
    }
    plans: dict[str, RpmPlan] = {}
    known: dict[str, list[Known]] = {}
    installed: set[str] = set()
    for image in lineage:
        having = [parse_nevra(package, where=image.name) for package in sorted(installed)]
        pool = PackagePool(runner, arch, list(trees.values()), (), having)
        plan = resolve_packages(pool, snapshot.id, trees, having, image.features)
        files = [trees[package.repository] / package.href for package in plan.install]
        plans[image.name], known[image.name] = plan, package_files(runner, files)
        installed = (installed - set(plan.remove)) | {package.nevra for package in plan.install}
    return ImagePlan(snapshot, trees, tuple(arrange_lineage(lineage, known)), plans)


def _release(definition: Definition) -> str:
    """A snapshot or channel: the schema sees to it that the first of a lineage has one of them."""
    return t.cast("str", definition.snapshot or definition.channel)
