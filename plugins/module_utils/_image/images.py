# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Which image is made of which layers; and what no image needs any more."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import RECORD, Layers

DAY = 86400  # seconds


@dataclass(frozen=True)
class Images:
    """The images that were built in a directory of layers."""

    layers: Layers

    def layers_of(self, name: str) -> list[str] | None:
        """The keys of an image's layers, the first one first; None if it was never built."""
        raw = read_json(self._record(name))
        return None if raw is None else list(raw["layers"])

    def record(self, name: str, keys: Sequence[str]) -> None:
        """Note what the image is made of now."""
        self._record(name).parent.mkdir(exist_ok=True)
        write_json(self._record(name), {"layers": list(keys)})

    def forget(self, name: str) -> None:
        """The image is no longer wanted; its layers are pruned as others are."""
        self._record(name).unlink(missing_ok=True)

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
        records = (self.layers.directory / "images").glob("*.json")
        used = {key for record in records for key in read_json(record)["layers"]}
        for record in sorted(self.layers.directory.glob(f"*/{RECORD}")):
            if record.parent.name not in used:
                yield record.parent.name, record.stat().st_mtime

    def _record(self, name: str) -> Path:
        return self.layers.directory / "images" / f"{name}.json"
