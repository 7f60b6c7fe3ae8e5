# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Which image is made of which layers; and what no image needs any more."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.built import Built
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import RECORD, Layer, Layers
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox

DAY = 86400  # seconds


@dataclass(frozen=True)
class Images:
    """The images that were built in a directory of layers."""

    layers: Layers

    def find(self, name: str) -> Built | None:
        """What an image is; None if it was never built."""
        raw = read_json(self._record(name))
        return None if raw is None else Built.from_dict(raw)

    def get(self, name: str) -> Built:
        """The same; raises InputError if it was never built."""
        found = self.find(name)
        if found is None:
            where = str(self.layers.directory)
            raise InputError(f"no image {name} was built here", where=where, way_out="Build it first")
        return found

    def layer(self, name: str) -> Layer:
        """The last layer of an image: all that is in it. Raises InputError."""
        return self._layer(self.get(name))

    def previous(self, name: str) -> Built | None:
        """What an image was before it was built anew as something else; None if it always was what it is."""
        raw = read_json(self._before(name))
        return None if raw is None else Built.from_dict(raw)

    def finished(self, name: str, appliance: str | None, artifacts: Iterable[Artifact] = ()) -> Finished:
        """An image to make `artifacts` of, by the tools of an `appliance` or the builder's own.

        Raises InputError if one of them, or what artifacts are made against, was never built.
        """
        others: dict[str, Finished] = {}
        for other in sorted({other for artifact in artifacts for other in artifact.images()}):
            known = self.previous(name) if other == name else self.get(other)
            if known is not None:
                others[other] = self.finish(known, appliance)
        return replace(self.finish(self.get(name), appliance), others=others)

    def finish(self, image: Built, appliance: str | None) -> Finished:
        """The same of an image that is not looked up."""
        layer = self._layer(image)
        tools = self.layer(appliance) if appliance else None
        return Finished(
            built=image,
            tools=Sandbox(
                self.layers.runner, self.layers.root(tools.key) if tools else Path("/"), image.epoch
            ),
            root=self.layers.root(layer.key),
            digest=layer.summary.digest,
            stack=tuple(self.layers.directory / key for key in image.layers),
            appliance=tools.summary.digest if tools else "",
            bytes=layer.summary.bytes,
        )

    def record(self, image: Built) -> None:
        """Note what the image is now."""
        self._before(image.name).parent.mkdir(parents=True, exist_ok=True)
        known = self.find(image.name)
        if known is not None and known.layers[-1] != image.layers[-1]:
            write_json(self._before(image.name), known.to_dict())
        write_json(self._record(image.name), image.to_dict())

    def forget(self, name: str) -> None:
        """The image is no longer wanted; its layers are pruned as others are."""
        self._record(name).unlink(missing_ok=True)
        self._before(name).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """All images, sorted."""
        return sorted(record.stem for record in self._record("x").parent.glob("*.json"))

    def prune(self, keep_days: float) -> list[str]:
        """Remove layers that belong to no image and are older than that; returns their keys."""
        oldest = time.time() - keep_days * DAY
        gone = [key for key, built in self._unused() if built < oldest]
        for key in gone:
            # Out of the way first: half a layer would be taken for a whole one.
            half = self.layers.half(key)
            (self.layers.directory / key).replace(half)
            shutil.rmtree(half)
        return gone

    def _unused(self) -> Iterator[tuple[str, float]]:
        images = [image for name in self.names() for image in (self.get(name), self.previous(name)) if image]
        used = {key for image in images for key in (*image.layers, *image.copied)}
        for record in sorted(self.layers.directory.glob(f"*/{RECORD}")):
            if record.parent.name not in used:
                yield record.parent.name, record.stat().st_mtime

    def _layer(self, image: Built) -> Layer:
        found = self.layers.find(image.layers[-1])
        if found is None:
            where = str(self.layers.directory)
            what = f"the layers of the image {image.name} are gone"
            raise InputError(what, where=where, way_out="Build it again")
        return found

    def _record(self, name: str) -> Path:
        return self.layers.directory / "images" / f"{name}.json"

    def _before(self, name: str) -> Path:
        return self.layers.directory / "images/before" / f"{name}.json"
