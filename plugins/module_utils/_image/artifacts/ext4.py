# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An ext4 file system."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import MIB, Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.file_systems import make_ext4
from ansible_collections.osaas.fleet.plugins.module_utils._image.verity import (
    VERITY,
    with_verity,
    write_verity,
)


@dataclass(frozen=True)
class Ext4Artifact(Artifact, kind="ext4"):
    """`free` is in MiB."""

    free: int = 64
    verity: bool = False

    suffix: t.ClassVar = ".ext4"
    about: t.ClassVar = "An ext4 file system."
    options: t.ClassVar = {
        "free": {**MIB, "default": 64, "description": "MiB that are free in it."},
        "verity": VERITY,
    }

    def room(self, image: Finished) -> int:
        return image.bytes + (self.free << 20)

    def make(self, image: Finished, target: Path) -> None:
        make_ext4(image, target, image.root, self.free)
        if self.verity:
            write_verity(image, target)

    def files(self, target: Path) -> Sequence[Path]:
        return with_verity(target) if self.verity else [target]
