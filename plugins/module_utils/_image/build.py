# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Make the layers of an image that are not there yet."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.changes import changes
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature, Phase
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_plan import ImagePlan
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layer, Layers, layer_key
from ansible_collections.osaas.fleet.plugins.module_utils._image.lineage import Arranged
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import Entry
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root
from ansible_collections.osaas.fleet.plugins.module_utils._image.rpm_plan import RpmPlan
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox
from ansible_collections.osaas.fleet.plugins.module_utils._image.seal import seal
from ansible_collections.osaas.fleet.plugins.module_utils._image.space import check_space
from ansible_collections.osaas.fleet.plugins.module_utils._image.transaction import install

BUILDER = 1  # goes up when the same inputs give other bytes
SHOWN = 10  # of what changed, in a message


@dataclass(frozen=True)
class Step:
    """One phase of one image: its layer, whether that was there already, and how many seconds it took."""

    image: str
    phase: Phase
    layer: Layer
    cached: bool
    seconds: float


@dataclass(frozen=True)
class Builder:
    """Builds the images of a plan. `sources` is the directory of the definitions.

    Of the images that features copy from, so many are built at a time as `parallel` says.
    """

    runner: Runner
    layers: Layers
    plan: ImagePlan
    sources: Path
    keys: Sequence[Path]
    parallel: int = 1

    @property
    def key(self) -> str:
        """The key of the last layer, which is the image."""
        return self.stack()[-1]

    def tops(self) -> dict[str, str]:
        """The key of the last layer of the image and of each of its parents, by name."""
        return {work.image.definition.name: key for work, key in self._works()}

    def of_image(self, name: str) -> Builder:
        """The builder of an image that features of this one copy from."""
        return replace(self, plan=self.plan.copied[name])

    def build(self) -> Iterator[Step]:
        """Find or make every layer, and tell of each; the last one is the image. Raises FleetError."""
        check_space(self.layers.directory, self.needed())
        yield from build_all([self.of_image(name) for name in self.plan.copied], self.parallel)
        parent: str | None = None
        for work, key in self._works():
            started = time.monotonic()
            apart = work.phase is not Phase.FILES
            with self.layers.keys.hold(key):
                found = self.layers.find(key)
                layer = found or self.layers.build(key, parent, apart=apart, make=work)
            seconds = time.monotonic() - started
            yield Step(work.image.definition.name, work.phase, layer, found is not None, seconds)
            parent = key

    def stack(self) -> list[str]:
        """The keys of the layers that the image is made of, the first one first."""
        return [key for _work, key in self._works()]

    def copied(self) -> list[str]:
        """The keys of the layers of all images that features copy from."""
        others = [self.of_image(name) for name in self.plan.copied]
        return [key for one in others for key in (*one.copied(), *one.stack())]

    def needed(self) -> int:
        """How many bytes of disk build() takes at most: a layer may share what its file system can share."""
        total, size = sum(self.of_image(name).needed() for name in self.plan.copied), 0
        for work, key in self._works():
            found = self.layers.find(key)
            if found is None:
                total += work.bytes + (0 if work.phase is Phase.FILES else size)
                size += work.bytes
            else:
                size = found.summary.bytes
        return total

    def missing(self) -> list[str]:
        """The keys of layers that build() would make."""
        others = [key for name in self.plan.copied for key in self.of_image(name).missing()]
        return [*others, *(key for _work, key in self._works() if self.layers.find(key) is None)]

    def _works(self) -> Iterator[tuple[_Work, str]]:
        parent: str | None = None
        for image in self.plan.images:
            for phase, features in groupby(image.ordered.features, key=lambda feature: feature.phase):
                work = _Work(self, image, phase, tuple(features))
                parent = work.key(parent)
                yield work, parent


def build_all(builders: Sequence[Builder], parallel: int) -> Iterator[Step]:
    """Build all of them, so many at a time; their steps come in their order. Raises FleetError."""
    with ThreadPoolExecutor(max(1, parallel)) as pool:
        for steps in list(pool.map(lambda builder: list(builder.build()), builders)):
            yield from steps


@dataclass(frozen=True)
class _Work:
    """One phase of one image."""

    builder: Builder
    image: Arranged
    phase: Phase
    features: Sequence[Feature]

    def key(self, parent: str | None) -> str:
        """The digest of all that the layer is made of."""
        inputs = sorted({name for feature in self.features for name in feature.inputs()})
        packages = self._packages.to_dict() if self.phase is Phase.PACKAGES else None
        return layer_key(
            builder=BUILDER,
            parent=parent,
            epoch=self.builder.plan.epoch,
            phase=self.phase.name,
            features=[feature.told() for feature in self.features],
            inputs={name: _digest(self.builder.sources / name) for name in inputs},
            images=self._images(),
            ids=[dict(self.image.ids.users), dict(self.image.ids.groups)],
            packages=packages,
            keys=[_digest(key) for key in self.builder.keys],
        )

    @property
    def bytes(self) -> int:
        """About how many bytes it adds."""
        if self.phase is Phase.PACKAGES:
            return sum(package.installed for package in self._packages.install)
        inputs = {name for feature in self.features for name in feature.inputs()}
        return sum((self.builder.sources / name).stat().st_size for name in inputs)

    def apply(self, root: Path) -> None:
        """See Make."""
        builder = self.builder
        images = {name: builder.layers.root(key) for name, key in self._images().items()}
        place = Root(
            Sandbox(builder.runner, root, builder.plan.epoch), builder.sources, self.image.ids, images
        )
        if self.phase is Phase.PACKAGES:
            install(place.sandbox, self._packages, builder.plan.trees, builder.keys)
        for feature in self.features:
            feature.apply(place)
        seal(root, builder.plan.epoch)

    def check(self, before: Mapping[str, Entry], after: Mapping[str, Entry]) -> None:
        """See Make. Commands may change what they say they do, and nothing else."""
        if self.phase is not Phase.COMMANDS:
            return
        surprising = [
            change
            for change in changes(before, after)
            if change.what != ("time",) and not any(one.may_change(change.path) for one in self.features)
        ]
        if surprising:
            where = ", ".join(str(feature.place) for feature in self.features)
            what = (
                f"commands changed what is not among their outputs: {', '.join(map(str, surprising[:SHOWN]))}"
            )
            raise InputError(what, where=where, way_out="Name it under outputs, or keep them from it")

    def _images(self) -> dict[str, str]:
        """The keys of the images that it copies from, by name."""
        names = sorted({name for feature in self.features for name in feature.images()})
        return {name: self.builder.of_image(name).key for name in names}

    @property
    def _packages(self) -> RpmPlan:
        return self.builder.plan.packages[self.image.definition.name]


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
