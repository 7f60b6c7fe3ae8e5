# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which releases a fleet still needs, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.releases import InUse, releases_in_use
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

A, B, C, D = (f"2026110{day}T000000Z" for day in (1, 2, 3, 4))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(str(tmp_path / "ledger.db")) as opened:
        yield opened


def history(
    ledger: Ledger, hosts: dict[str, str], *rollouts: tuple[str, str, dict[str, tuple[str, str]]]
) -> None:
    """Hosts with what they run; rollouts, each a release, a state, and by host its state and what it ran."""
    with ledger.write() as connection:
        for name, release in hosts.items():
            described = {"machine_id": name, "domain": "", "labels": {}, "release": release}
            connection.execute(tables().host.insert().values(name=name, **described))
        for name in sorted({release for release, _state, _hosts in rollouts}):
            values: dict[str, Any] = {"kind": "snapshot", "digest": name, "created": 0}
            connection.execute(tables().release.insert().values(id=name, **values))
        for number, (release, state, assigned) in enumerate(rollouts, 1):
            values = {"release": release, "state": state, "policy": {}, "plan_hash": "", "created": 0}
            connection.execute(tables().rollout.insert().values(id=number, **values))
            for host, (host_state, before) in assigned.items():
                values = {"wave": 0, "rank": 0, "state": host_state, "from_release": before}
                connection.execute(tables().assignment.insert().values(rollout=number, host=host, **values))


def in_use(ledger: Ledger) -> dict[str, InUse]:
    with ledger.read() as connection:
        return {one.id: one for one in releases_in_use(connection)}


def test_a_ledger_without_hosts_cannot_tell(ledger: Ledger) -> None:
    with pytest.raises(LedgerError) as raised:
        in_use(ledger)
    assert str(raised.value) == (
        "ledger: knows no host, so it cannot tell what hosts run."
        " Give the ledger of this fleet, or enrol the hosts first"
    )


def test_before_any_rollout(ledger: Ledger) -> None:
    history(ledger, {"web": A, "db": A, "new": ""})
    assert in_use(ledger) == {A: InUse(A, "", 2, 0, ())}


def test_what_ran_before_is_kept_and_what_ran_before_that_is_not(ledger: Ledger) -> None:
    history(
        ledger,
        {"web": C},
        (B, "succeeded", {"web": ("done", A)}),
        (C, "succeeded", {"web": ("done", B)}),
    )
    assert in_use(ledger) == {B: InUse(B, "snapshot", 0, 1, ()), C: InUse(C, "snapshot", 1, 0, ())}


def test_an_update_that_was_undone_does_not_take_the_last_good_ones_place(ledger: Ledger) -> None:
    history(
        ledger,
        {"web": B},
        (B, "succeeded", {"web": ("done", A)}),
        (C, "aborted", {"web": ("rolled back", B)}),
    )
    assert in_use(ledger) == {A: InUse(A, "", 0, 1, ()), B: InUse(B, "snapshot", 1, 1, ())}


@pytest.mark.parametrize("state", ["running", "paused", "halted"])
def test_an_unfinished_rollout_needs_where_it_goes_and_where_hosts_are(ledger: Ledger, state: str) -> None:
    history(ledger, {"web": A, "db": B}, (C, state, {"web": ("eligible", A), "db": ("done", D)}))
    assert in_use(ledger) == {
        A: InUse(A, "", 1, 1, ()),
        B: InUse(B, "", 1, 0, ()),
        C: InUse(C, "snapshot", 0, 0, (1,)),
        D: InUse(D, "", 0, 1, ()),
    }


@pytest.mark.parametrize(
    ("state", "needed"),
    [("activating", True), ("unreachable", True), ("quarantined", False), ("eligible", False)],
)
def test_a_host_half_way_in_a_rollout_that_ended(ledger: Ledger, state: str, needed: bool) -> None:
    history(ledger, {"web": A}, (C, "aborted", {"web": (state, A)}))
    assert (C in in_use(ledger)) == needed
