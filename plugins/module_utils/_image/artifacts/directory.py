# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A directory with the image in it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished


@dataclass(frozen=True)
class DirectoryArtifact(Artifact, kind="directory"):
    """A copy, which may be changed: layers stay as they are."""

    suffix: t.ClassVar = ".root"
    about: t.ClassVar = "A directory, for systemd-nspawn(1) or to look around in."

    def make(self, image: Finished, target: Path) -> None:
        image.run(["cp", "--archive", "--reflink=auto", "--", str(image.root), str(target)], target.parent)
