# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power cuts on a virtual machine, for `make test-vm`: too many boots for every run of the tests.

VM_POINTS=10 cuts the power at ten points of each phase in place of two; a point takes about three minutes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from testbed.firmware import cases
from vm.conftest import Site, commit, stage
from vm.vm_host import Machine, VmHost

POINTS = int(os.environ.get("VM_POINTS", "2"))
# About as long as each takes, in seconds: the points are spread over it.
LASTS = {"stage": 20.0, "commit": 20.0, "first boot": 40.0}


@pytest.fixture(scope="module")
def table() -> Iterator[list[tuple[str, ...]]]:
    """What came of each fault; printed in the end."""
    rows: list[tuple[str, ...]] = []
    yield rows
    print()
    for row in rows:
        print(" | ".join(row))


@pytest.mark.parametrize("point", range(POINTS))
def test_power_cuts(machine: Machine, site: Site, table: list[tuple[str, ...]], point: int) -> None:
    """In stage, in commit and in the first boot: what runs then is good, and a second run finishes."""
    b = site.releases["B"]
    machine.set_up(cases.CUT_IN_COMMIT)
    with machine.on() as host:
        removed = {"state": "absent", "digest": b.digest, "release": b.release}
        host.module("deployment", **removed)
        _cut(host, "stage", point, stage(machine, b))
    with machine.on() as host:
        _is_on_a(host)
        staged = host.module("deployment", **stage(machine, b))
        assert staged["deployment"]["digest"] == b.digest, staged
        table.append(
            ("stage", str(point), "on A", f"{staged.get('bytes_fetched', 0)} bytes were left to fetch")
        )
        _cut(host, "commit", point, commit(b, tries=3))
    with machine.on() as host:
        where = _booted(host)
        assert where in (cases.CUT_IN_COMMIT.boots, ("2-B+2-1",))
        done = host.module("deployment", **commit(b, tries=3))
        assert b.short in done["entry"], done
        table.append(("commit", str(point), " ".join(where), f"a second run leaves {done['entry']}"))
    machine.set_up(cases.CUT_IN_FIRST_BOOT)
    with machine.on() as host:
        time.sleep(LASTS["first boot"] * (point + 0.5) / POINTS)
    with machine.on() as host:
        again = _booted(host)
        host.wait_for_entries("1-A", "2-B")
        table.append(("first boot", str(point), " ".join(again), "B was kept"))


def _booted(host: VmHost) -> tuple[str, ...]:
    """What it boots, as it is counted before it is known to be good."""
    host.wait(lambda: bool(host.boots()), "booting")
    return host.decisions()


def _is_on_a(host: VmHost) -> None:
    assert _booted(host) == cases.CUT_IN_COMMIT.boots


def _cut(host: VmHost, phase: str, point: int, options: dict[str, Any]) -> None:
    """Start the module, and cut the power at a point of its work."""
    working = host.start_module("deployment", **options)
    time.sleep(LASTS[phase] * (point + 0.5) / POINTS)
    host.vm.process.kill()
    working.kill()
    working.communicate()
