# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What host_info tells differently of an image host: its release is an image, which nobody may change."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment_facts import deployment_facts
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths


def image_facts(paths: ImagePaths) -> dict[str, t.Any]:
    """Facts to put over those of a package host; of those, `image` is None and nothing else differs.

    An image host runs the release, a snapshot, that its image was built from. Raises HostError.
    """
    return told_of(deployment_facts(paths)) if paths.booted.exists() else {"image": None}


def told_of(deployment: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The same of what deployment_facts() found."""
    booted = deployment["booted"]
    boots = {one["digest"]: one["version"] for one in deployment["deployments"]}
    return {
        "image": {
            "digest": booted["digest"],
            "release": booted["release"],
            "name": booted.get("image"),
            "good": booted["good"],
            "previous": deployment["previous"],
            "committed": deployment["committed"],
        },
        "pinned": boots.get(deployment["committed"]),
        "running": booted.get("version"),
        "drift": deployment["drift"],
        "drift_reasons": list(deployment["drift_reasons"]),
        "package_changes": [],
        "reboot_required": deployment["committed"] != booted["digest"],
        "reboot_reasons": (
            [] if deployment["committed"] == booted["digest"] else ["another deployment is committed"]
        ),
        "bad_releases": [
            {"release": one["release"], "reason": one["reason"], "since": one["when"]}
            for one in deployment["failed"]
        ],
    }
