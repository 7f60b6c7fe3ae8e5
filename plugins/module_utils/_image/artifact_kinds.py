# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Every kind of artifact; see kinds.py."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifacts import (
    cpio,
    deployment,
    directory,
    disk,
    erofs,
    esp,
    ext4,
    oci,
    sbom,
    sendstream,
    squashfs,
    tar,
)

ARTIFACT_MODULES = (cpio, deployment, directory, disk, erofs, esp, ext4, oci, sbom, sendstream, squashfs, tar)
ARTIFACT_KINDS = Artifact.kinds
