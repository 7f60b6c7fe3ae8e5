# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""All that is decided before a build: which packages, in which order, and that everything fits together."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._evr import parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._image.context import Context
from ansible_collections.osaas.fleet.plugins.module_utils._image.definition import Definition, read_lineage
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import Item, LabelItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.lineage import Arranged, arrange_lineage
from ansible_collections.osaas.fleet.plugins.module_utils._image.lock import read_lock
from ansible_collections.osaas.fleet.plugins.module_utils._image.module_streams import hidden_packages
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
    """`images` are the image and its parents, the first of them first; `packages` has the plan of each.

    `copied` has the plans of other images, by name: features of these copy from them.
    """

    snapshot: Manifest
    trees: Mapping[str, Path]
    images: tuple[Arranged, ...]
    packages: Mapping[str, RpmPlan]
    copied: Mapping[str, ImagePlan]

    @property
    def epoch(self) -> int:
        """The time of the image, in seconds since 1970: when its snapshot was cut."""
        return int(datetime.fromisoformat(self.snapshot.created).timestamp())

    @property
    def items(self) -> tuple[Item, ...]:
        """All that is known to be in the image."""
        return tuple(known.item for known in self.images[-1].ordered.items)

    @property
    def labels(self) -> dict[str, str]:
        """What the image says of itself, by name."""
        return {item.name: item.value for item in self.items if isinstance(item, LabelItem)}

    @property
    def nevras(self) -> list[str]:
        """All packages of the image, sorted."""
        return self.nevras_of(self.images)

    def nevras_of(self, images: Sequence[Arranged]) -> list[str]:
        """The same, of the first of these `images`."""
        having: set[str] = set()
        for image in images:
            plan = self.packages[image.definition.name]
            having = (having - set(plan.remove)) | {package.nevra for package in plan.install}
        return sorted(having)

    def to_dict(self) -> dict[str, t.Any]:
        """As the module returns it, and as it stands in a plan file."""
        return {"snapshot": self.snapshot.id, "images": [self._told(image) for image in self.images]}

    def locks(self) -> dict[str, dict[str, t.Any]]:
        """The content of every lock file that definitions name, by file."""
        own = {
            image.definition.lock: self.packages[image.definition.name].to_dict()
            for image in self.images
            if image.definition.lock is not None
        }
        others = {name: lock for plan in self.copied.values() for name, lock in plan.locks().items()}
        return {**others, **own}

    def _told(self, image: Arranged) -> dict[str, t.Any]:
        plan = self.packages[image.definition.name]
        return {
            "name": image.definition.name,
            "features": [str(feature) for feature in image.ordered.features],
            "deferred": [f"{key} of {feature}" for feature, key in image.ordered.deferred],
            "install": [asdict(package) for package in plan.install],
            "remove": list(plan.remove),
        }


def plan_image(
    runner: Runner,
    store: Store,
    directory: Path,
    name: str,
    arch: str,
    *,
    locked: bool = True,
    above: Sequence[str] = (),
) -> ImagePlan:
    """Read, resolve and check an image with its parents. `above` are images that copy from it.

    Lock files are kept to, unless `locked` is false.
    Raises FleetError for whatever cannot be built.
    """
    lineage = read_lineage(directory, name)
    above = (*above, name)
    copied: dict[str, ImagePlan] = {}
    for feature in (feature for image in lineage for feature in image.features):
        for other in feature.images():
            if other in above:
                what = f"an image is copied into itself: {' → '.join((*above, other))}"
                raise InputError(what, where=str(feature.place), way_out="Copy from another one")
            if other not in copied:
                copied[other] = plan_image(runner, store, directory, other, arch, locked=locked, above=above)
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
        lock = read_lock(directory, image.lock, image.lock_place) if image.lock and locked else None
        features = [feature for one in lineage[: len(plans) + 1] for feature in one.features]
        hidden = hidden_packages(runner, pool, snapshot.id, features)
        plan = resolve_packages(pool, snapshot.id, trees, having, image.features, lock, hidden)
        files = [trees[package.repository] / package.href for package in plan.install]
        plans[image.name], known[image.name] = plan, package_files(runner, files)
        installed = (installed - set(plan.remove)) | {package.nevra for package in plan.install}
    context = Context(
        snapshot.id,
        snapshot.digest,
        tuple(snapshot.repositories),
        {other: plan.items for other, plan in copied.items()},
    )
    return ImagePlan(snapshot, trees, tuple(arrange_lineage(lineage, known, context)), plans, copied)


def _release(definition: Definition) -> str:
    """A snapshot or channel: the schema sees to it that the first of a lineage has one of them."""
    return t.cast("str", definition.snapshot or definition.channel)
