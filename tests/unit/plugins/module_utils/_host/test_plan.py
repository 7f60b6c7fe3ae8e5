# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transaction may do."""

from __future__ import annotations

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import (
    Plan,
    Resolution,
    Space,
    check_removals,
    check_space,
    plan_from_json,
)

MIB = 1024**2


def test_json_round_trip() -> None:
    plan = Plan(upgrade=("a-0:1-1.noarch",), remove=("b-0:1-1.noarch",), download_bytes=3, install_bytes=-4)
    assert plan_from_json(plan.as_json()) == plan
    assert plan.touched() == {"a-0:1-1.noarch", "b-0:1-1.noarch"}
    assert not plan.empty
    assert Plan(download_bytes=1).empty


def test_every_refused_removal_is_named() -> None:
    resolution = Resolution(Plan(), ("bash", "less", "vim"))
    check_removals(resolution, ["vim", "less", "bash"], release="r")
    with pytest.raises(HostError) as caught:
        check_removals(resolution, ["less"], release="20261101T000000Z")
    assert str(caught.value) == (
        "release 20261101T000000Z: would remove bash, vim, installed by a person. "
        "Name them in allow_removals if they may go"
    )


def test_what_dnf_protects_is_told_apart() -> None:
    resolution = Resolution(Plan(), ("bash", "less"), ("bash", "sudo"))
    with pytest.raises(HostError) as caught:
        check_removals(resolution, [], release="20261101T000000Z")
    assert str(caught.value) == (
        "release 20261101T000000Z: would remove less, installed by a person; bash, sudo, protected by dnf. "
        "Name them in allow_removals if they may go"
    )
    check_removals(resolution, ["bash", "less", "sudo"], release="20261101T000000Z")


def test_demands_on_one_file_system_add_up() -> None:
    cache, usr = Space("/var/cache", 1, 10 * MIB, 6 * MIB), Space("/usr", 1, 10 * MIB, 5 * MIB)
    check_space([cache])
    check_space([cache, Space("/usr", 2, 10 * MIB, 5 * MIB)])
    with pytest.raises(HostError, match=r"/var/cache and /usr: needs 11 MiB, 10 MiB are free. Make room"):
        check_space([cache, usr])
