# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An EROFS file system."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished


@dataclass(frozen=True)
class ErofsArtifact(Artifact, kind="erofs"):
    """All its files have the image's time: mkfs.erofs(1), -T."""

    suffix: t.ClassVar = ".erofs"
    about: t.ClassVar = "An EROFS file system, compressed with LZ4."

    def make(self, image: Finished, target: Path) -> None:
        settings = [f"-T{image.epoch}", f"-U{image.uuid}", "-zlz4hc"]
        image.run(["mkfs.erofs", "--quiet", *settings, str(target), str(image.root)])
