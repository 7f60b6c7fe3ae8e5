# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What host_info tells of an image host, made of what deployment_info tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.osaas.fleet.plugins.module_utils._host.image_facts import image_facts, told_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths

A, B = "a" * 64, "b" * 64
DEPLOYMENT: dict[str, Any] = {
    "booted": {"digest": A, "release": "web-20261101T000000Z", "image": "web", "version": "1", "good": True},
    "previous": None,
    "committed": A,
    "deployments": [{"digest": A, "version": "1"}, {"digest": B, "version": "2"}],
    "drift": True,
    "drift_reasons": ["/etc/motd was changed"],
    "failed": [{"digest": B, "release": "web-2", "reason": "beacon: is failed", "when": "today"}],
}


def test_a_package_host_has_no_image(tmp_path: Path) -> None:
    assert image_facts(ImagePaths(tmp_path)) == {"image": None}


def test_an_image_host_runs_the_snapshot_of_its_image() -> None:
    told = told_of(DEPLOYMENT)
    assert told == {
        "image": {
            "digest": A,
            "release": "web-20261101T000000Z",
            "name": "web",
            "good": True,
            "previous": None,
            "committed": A,
        },
        "pinned": "1",
        "running": "1",
        "drift": True,
        "drift_reasons": ["/etc/motd was changed"],
        "package_changes": [],
        "reboot_required": False,
        "reboot_reasons": [],
        "bad_releases": [{"release": "web-2", "reason": "beacon: is failed", "since": "today"}],
    }


def test_what_is_committed_waits_for_a_reboot() -> None:
    told = told_of({**DEPLOYMENT, "committed": B})
    assert (told["pinned"], told["running"], told["reboot_reasons"]) == (
        "2",
        "1",
        ["another deployment is committed"],
    )


def test_what_runs_but_is_not_known_is_told_as_such() -> None:
    told = told_of({**DEPLOYMENT, "booted": {"digest": B, "release": None, "good": False}})
    assert told["running"] is None and told["image"]["name"] is None
