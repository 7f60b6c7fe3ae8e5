# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An EFI system partition by itself."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.boot_partition import (
    BOOT,
    SIZE,
    Boot,
    make_esp,
)


@dataclass(frozen=True)
class EspArtifact(Artifact, kind="esp"):
    """For disks that are made elsewhere: where the root is, `arguments` say."""

    boot: Boot = "entry"
    size: int = 256
    arguments: tuple[str, ...] = ()

    suffix: t.ClassVar = ".esp"
    about: t.ClassVar = "An EFI system partition (FAT32). The image brings kernel and systemd-boot."
    options: t.ClassVar = {
        "boot": BOOT,
        "size": SIZE,
        "arguments": {
            "type": "array",
            "items": {
                "type": "string",
                "pattern": r"^[^\s]+$",
                "description": "One argument, without spaces.",
            },
            "description": "What the kernel is told before the image's own arguments, like root=LABEL=root.",
        },
    }

    def make(self, image: Finished, target: Path) -> None:
        with image.scratch(target) as scratch:
            make_esp(image, target, scratch, self.size, self.boot, self.arguments)
