# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lock files, with packages of Testbed Linux."""

from __future__ import annotations

import json

import pytest
from integration.image.conftest import Workshop

LOCKED = "SNAPSHOT\nlock: web.lock.json\nfeatures:\n  - rpms: {install: [PACKAGE]}\n"


def define(workshop: Workshop, package: str) -> None:
    workshop.define("web", LOCKED.replace("PACKAGE", package))


@pytest.fixture(scope="module")
def locked(shop: Workshop) -> Workshop:
    define(shop, "bash")
    relocked = shop.plan("web", relock=True)
    assert not relocked.failed, relocked.msg
    assert relocked.changed
    return shop


def test_a_lock_is_kept_to_and_written_but_once(locked: Workshop) -> None:
    define(locked, "bash")

    assert not locked.plan("web", relock=True).changed
    plan = locked.plan("web")

    lock = json.loads((locked.definitions / "web.lock.json").read_text())
    assert plan.data["images"][0]["install"] == lock["install"]


def test_a_lock_that_cannot_be_met_is_told(locked: Workshop) -> None:
    define(locked, "dash")

    refused = locked.plan("web")

    assert refused.msg.startswith("web.yml:3: the lock web.lock.json cannot be met: -b")
    assert ", +dash-" in refused.msg
    assert refused.msg.endswith(". Write it anew with relock of image_plan, and review what changed")
    assert refused.msg == locked.build("web").msg


def test_a_check_of_a_new_lock_shows_it_and_writes_nothing(locked: Workshop) -> None:
    define(locked, "dash")
    before = (locked.definitions / "web.lock.json").read_text()

    previewed = locked.plan("web", check=True, relock=True)

    assert previewed.changed
    (diff,) = previewed.data["diff"]
    assert diff["before"] == before
    assert '"nevra": "dash-' in diff["after"]
    assert (locked.definitions / "web.lock.json").read_text() == before
