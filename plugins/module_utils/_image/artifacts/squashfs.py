# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A squashfs file system."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished


@dataclass(frozen=True)
class SquashfsArtifact(Artifact, kind="squashfs"):
    """mksquashfs takes its own time from SOURCE_DATE_EPOCH."""

    suffix: t.ClassVar = ".squashfs"
    about: t.ClassVar = "A squashfs file system, compressed with zstd."

    def make(self, image: Finished, target: Path) -> None:
        settings = ["-comp", "zstd", "-noappend", "-quiet", "-no-progress"]
        image.run(["mksquashfs", str(image.root), str(target), *settings], target.parent)
