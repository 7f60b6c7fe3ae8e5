# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A software bill of materials."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import write_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.installed import installed_packages
from ansible_collections.osaas.fleet.plugins.module_utils._image.spdx import bill_of_materials


@dataclass(frozen=True)
class SbomArtifact(Artifact, kind="sbom"):
    """Every package with its digest, its source and the CVEs that it has fixed."""

    suffix: t.ClassVar = ".spdx.json"
    about: t.ClassVar = "A software bill of materials, SPDX 2.3."

    def make(self, image: Finished, target: Path) -> None:
        write_json(target, bill_of_materials(image, installed_packages(image)))
