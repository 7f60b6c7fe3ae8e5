# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An OCI archive, as podman, skopeo and bootc read it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.oci_layout import make_archive


@dataclass(frozen=True)
class OciArtifact(Artifact, kind="oci"):
    """Labelled for bootc if the image has a kernel."""

    suffix: t.ClassVar = ".oci.tar"
    about: t.ClassVar = "An OCI archive with a layer for each phase of the build."

    def make(self, image: Finished, target: Path) -> None:
        with image.scratch(target) as scratch:
            make_archive(image, target, scratch)
