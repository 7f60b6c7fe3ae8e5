# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""All that there is to know of the deployments on a host, as data."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host.boot_entries import BootEntry, boot_order
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import as_json
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_entry import digest_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_remove import (
    data_bytes,
    kernel_bytes,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployments import Standing, read_standing
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_drift import drift
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths


def deployment_facts(paths: ImagePaths) -> dict[str, t.Any]:
    """What runs, what would boot, what is here, what failed, and what was changed. Raises HostError."""
    standing = read_standing(paths)
    changes = drift(paths)
    on_disk = data_bytes(paths, standing.installed)
    on_esp = kernel_bytes(paths, standing.installed)
    return {
        "booted": _booted(standing),
        "current": standing.current or None,
        "previous": standing.previous or None,
        "committed": standing.committed or None,
        "staged": list(standing.staged),
        "failed": [vars(one) for one in standing.bad],
        "deployments": [
            {
                **as_json(deployment),
                "bytes": on_disk[digest],
                "esp_bytes": on_esp[digest],
                "state": state_of(standing, digest),
            }
            for digest, deployment in sorted(standing.installed.items(), key=lambda pair: pair[1].release)
        ],
        "entries": [_entry(one) for one in boot_order(standing.entries)],
        "drift": bool(changes),
        "drift_reasons": [f"{path} was {change}" for path, change in changes],
        "esp": _space(paths.esp),
        "data": _space(paths.data),
    }


def state_of(standing: Standing, digest: str) -> str:
    """The one word for a deployment that says most."""
    if digest == standing.booted:
        return "running" if standing.is_good else "on trial"
    if digest in standing.failed:
        return "failed"
    if digest in standing.staged:
        return "staged"
    return "good" if digest in standing.good else "committed"


def _booted(standing: Standing) -> dict[str, t.Any]:
    deployment = standing.installed.get(standing.booted)
    about = as_json(deployment) if deployment else {"digest": standing.booted, "release": None}
    return {**about, "entry": standing.booted_entry, "good": standing.is_good}


def _entry(entry: BootEntry) -> dict[str, t.Any]:
    return {
        "file": entry.file_name,
        "digest": digest_of(entry) or None,
        "tries_left": entry.tries_left,
        "tries_done": entry.tries_done,
        "good": entry.tries_left is None,
    }


def _space(directory: Path) -> dict[str, int]:
    stats = os.statvfs(directory)
    return {"bytes": stats.f_blocks * stats.f_frsize, "free": stats.f_bavail * stats.f_frsize}
