# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, addresses, racks and places of a fleet."""

from __future__ import annotations

from pathlib import Path

import pytest
from testbed.fleet.errors import FleetError
from testbed.fleet.hosts import Host, make_hosts
from testbed.fleet.instance import Instance


def test_hosts_are_dealt_to_racks_in_turn() -> None:
    assert make_hosts(4, 3) == (
        Host("host-01", "10.99.0.11", "rack-1"),
        Host("host-02", "10.99.0.12", "rack-2"),
        Host("host-03", "10.99.0.13", "rack-3"),
        Host("host-04", "10.99.0.14", "rack-1"),
    )


def test_one_host_is_the_canary() -> None:
    assert [host.name for host in make_hosts(6, 3) if host.canary] == ["host-01"]


def test_the_last_host_has_the_last_address() -> None:
    assert make_hosts(244, 1)[-1].address == "10.99.0.254"


@pytest.mark.parametrize("count", [0, 245])
def test_a_count_without_addresses_is_refused(count: int) -> None:
    with pytest.raises(FleetError, match=rf"hosts: {count} is not between 1 and 244"):
        make_hosts(count, 3)


def test_no_racks_are_refused() -> None:
    with pytest.raises(FleetError, match="racks: 0 is less than 1"):
        make_hosts(6, 0)


def test_machine_ids_are_stable_and_differ_by_host_and_fleet() -> None:
    one, two = make_hosts(2, 1)
    assert one.machine_id("demo") == Host("host-01", "10.99.0.11", "rack-1").machine_id("demo")
    assert len({one.machine_id("demo"), two.machine_id("demo"), one.machine_id("e2e")}) == 3
    assert len(one.machine_id("demo")) == 32


@pytest.mark.parametrize("name", ["", "Demo", "../demo", "1st", "a b", "x" * 32])
def test_a_name_that_paths_cannot_bear_is_refused(name: str) -> None:
    with pytest.raises(FleetError, match="use a lower-case letter"):
        Instance(name, Path("run"))


def test_a_directory_too_deep_for_sockets_is_refused() -> None:
    Instance("demo", Path("/" + "d" * 60))
    with pytest.raises(FleetError, match="too long for the sockets of ssh"):
        Instance("demo", Path("/" + "d" * 80))


def test_instances_of_one_name_in_two_places_have_two_control_groups() -> None:
    assert Instance("demo", Path("/a")).cgroup != Instance("demo", Path("/b")).cgroup
