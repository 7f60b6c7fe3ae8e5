# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as another updater."""

from __future__ import annotations

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host.updaters import (
    cloud_init_upgrades,
    known_updaters,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.updaters_table import UPDATES


def test_known_units_count_unless_they_are_idle() -> None:
    states = {
        "dnf-automatic.timer": "enabled",
        "dnf-automatic-install.timer": "disabled",
        "packagekit.service": "static",
        "yum-cron.service": "masked",
        "sshd.service": "enabled",
    }
    assert known_updaters(states) == ["dnf-automatic.timer", "packagekit.service"]


@pytest.mark.parametrize(
    ("command", "counts"),
    [
        ("{ path=/usr/bin/dnf ; argv[]=/usr/bin/dnf -y upgrade ; }", True),
        ("{ path=/usr/bin/yum ; argv[]=/usr/bin/yum update --security ; }", True),
        ("{ path=/usr/bin/dnf ; argv[]=/usr/bin/dnf makecache --timer ; }", False),
        ("{ path=/usr/bin/fwupdmgr ; argv[]=/usr/bin/fwupdmgr refresh ; }", False),
    ],
)
def test_timers_count_by_their_command(command: str, counts: bool) -> None:
    assert bool(UPDATES.search(command)) is counts


def test_the_last_word_of_cloud_init_counts() -> None:
    assert not cloud_init_upgrades([])
    assert cloud_init_upgrades(["users: []\npackage_upgrade: true\n"])
    assert not cloud_init_upgrades(["package_upgrade: true\n", "package_upgrade: false\n"])
    assert not cloud_init_upgrades(["# package_upgrade: true\n"])
