# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put a published image onto the disk of an image host, as its only one: what provisioning does."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import ROLES, Deployment
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import deployment_entry


def provision(
    disk: Path, image: Path, *, tries: int | None = None, config: Mapping[str, Any] | None = None
) -> Deployment:
    """Write `image` (its directory in a store) to a `disk` with the directories esp and data.

    `config` is by tier; `tries` None makes it known to be good.
    """
    return provision_at(disk / "esp", disk / "data", image, tries=tries, config=config)


def provision_at(
    esp: Path, data: Path, image: Path, *, tries: int | None = None, config: Mapping[str, Any] | None = None
) -> Deployment:
    """The same, for partitions that lie anywhere."""
    manifest = (image / "manifest.json").read_bytes()
    description = next(image.glob("*.deployment.json")).read_bytes()
    deployment = Deployment.read(image.name, manifest, description)
    place = data / "deployments" / hashlib.sha256(manifest).hexdigest()
    place.mkdir(parents=True)
    (place / "manifest.json").write_bytes(manifest)
    (place / "deployment.json").write_bytes(description)
    (place / "release.json").write_text(json.dumps({"release": image.name}))
    if (image / "manifest.json.asc").exists():
        shutil.copyfile(image / "manifest.json.asc", place / "manifest.json.asc")
    for role, name in ROLES.items():
        shutil.copyfile(image / deployment.files[role].name, place / name)
    entry = deployment_entry(deployment, 1, tries)
    for path in (entry.linux, *entry.initrd):
        target = esp / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(place / target.name, target)
    (esp / "loader/entries").mkdir(parents=True, exist_ok=True)
    (esp / "loader/loader.conf").write_text("timeout 0\n")
    (esp / "loader/entries" / entry.file_name).write_text(entry.text())
    for tier, content in (config or {}).items():
        (data / "config").mkdir(exist_ok=True)
        (data / "config" / f"{tier}.json").write_text(json.dumps(content))
    return deployment
