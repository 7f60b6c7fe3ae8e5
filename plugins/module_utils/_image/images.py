# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Which image is made of which layers; and what no image needs any more."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
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
        found = self.layers.find(self.get(name).layers[-1])
        if found is None:
            where = str(self.layers.directory)
            raise InputError(
                f"the layers of the image {name} are gone", where=where, way_out="Build it again"
            )
        return found

    def finished(self, name: str, appliance: str | None) -> Finished:
        """An image to make artifacts of, by the tools of an `appliance` or the builder's own.

        Raises InputError if one of them was never built.
        """
        image, layer = self.get(name), self.layer(name)
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
        )

    def record(self, image: Built) -> None:
        """Note what the image is now."""
        self._record(image.name).parent.mkdir(exist_ok=True)
        write_json(self._record(image.name), image.to_dict())

    def forget(self, name: str) -> None:
        """The image is no longer wanted; its layers are pruned as others are."""
        self._record(name).unlink(missing_ok=True)

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
        used = {key for name in self.names() for key in self.get(name).layers}
        for record in sorted(self.layers.directory.glob(f"*/{RECORD}")):
            if record.parent.name not in used:
                yield record.parent.name, record.stat().st_mtime

    def _record(self, name: str) -> Path:
        return self.layers.directory / "images" / f"{name}.json"
