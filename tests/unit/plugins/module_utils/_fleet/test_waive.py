# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An exemption takes the charge from hosts that have failed, on a real SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from ansible_collections.osaas.fleet.plugins.module_utils._errors import LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.control import control
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.exemptions import Exemption, exempt
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import (
    Claimed,
    Record,
    Run,
    claim,
    record,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Opened, Release, open_rollout
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

NOW = 1_780_000_000.0
POLICY = {
    "waves": [{"name": "fleet", "percent": 100}],
    "max_unavailable": 1,
    "error_budget": 1,
    "lease": 600,
}
RELEASE = Release("r2", "snapshot", "d2")


class Fleet:
    """Four hosts in four racks, one of which may be unavailable at a time."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.now = ledger, NOW
        hosts = [Enrolment(f"host-{number}", f"rack-{number}", {}, release="r1") for number in range(4)]
        with ledger.write() as connection:
            enrol(connection, hosts, who="test", now=NOW)
        opened = self.open()
        self.run = Run(opened.rollout, opened.plan_hash, "elsewhere/0/1/1")

    def open(self) -> Opened:
        with self.ledger.write() as connection:
            return open_rollout(connection, RELEASE, POLICY, who="test", now=self.now)

    def claim(self, host: str) -> Claimed:
        with self.ledger.write() as connection:
            return claim(connection, self.run, host, now=self.now)

    def record(self, host: str, fence: int, *news: Record) -> str:
        told = ""
        for one in news:
            with self.ledger.write() as connection:
                told = record(connection, self.run, host, fence, one, now=self.now).rollout_state
        return told

    def end(self, host: str, *news: Record) -> str:
        answer = self.claim(host)
        assert answer.granted, answer.reason
        return self.record(host, answer.fence, *news)

    def exempt(self, host: str, owner: str | None = "ann") -> list[str]:
        wanted = owner and Exemption(owner, "its disk is being replaced", self.now + 100)
        with self.ledger.write() as connection:
            return exempt(connection, [host], wanted or None, who="operator", now=self.now)

    def resume(self) -> None:
        with self.ledger.write() as connection:
            control(connection, "running", "seen to", who="operator", now=self.now)

    def states(self) -> dict[str, str]:
        table = tables().assignment
        with self.ledger.read() as connection:
            return {row.host: row.state for row in connection.execute(sa.select(table))}

    def forgiven(self) -> int:
        with self.ledger.read() as connection:
            return int(connection.execute(sa.select(sa.func.sum(tables().wave.c.forgiven))).scalar_one())


QUARANTINED = (Record("activating"), Record("quarantined", "the disk is broken"))
HELD = (Record("failed", "no route", failure="unreachable"),)
BROKEN = "1 of at most 1 hosts are unavailable"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Ledger.open(str(tmp_path / "ledger.db")) as ledger:
        yield Fleet(ledger)


def test_a_quarantined_host_uses_up_budgets_until_somebody_answers_for_it(fleet: Fleet) -> None:
    fleet.end("host-0", *QUARANTINED)
    assert fleet.claim("host-1").reason == BROKEN
    assert fleet.exempt("host-0") == ["host-0"] and fleet.exempt("host-0") == []
    assert fleet.states()["host-0"] == "waived"
    # Neither budget knows of it any more: one more may fail, and one be unavailable.
    assert fleet.end("host-1", Record("rolled back", "worse")) == "running"
    assert fleet.claim("host-0").reason == "the host is waived already"
    fleet.now += 200
    assert "host-0" not in [host.name for host in fleet.open().hosts]
    for host in ("host-2", "host-3"):
        fleet.end(host, Record("done"))
    assert (fleet.open().state, fleet.open().reason) == (
        "succeeded with exceptions",
        "1 of 3 hosts failed, 1 are waived",
    )
    event = tables().event
    with fleet.ledger.read() as connection:
        told = connection.execute(sa.select(event).where(event.c.what == "exempt")).one()
    assert told.inputs["waived"] and "ann: its disk is being replaced" in told.outcome


def test_a_held_host_comes_back_when_its_exemption_ends(fleet: Fleet) -> None:
    fleet.end("host-0", *HELD)
    assert fleet.claim("host-1").reason == BROKEN
    fleet.exempt("host-0")
    assert fleet.states()["host-0"] == "exempt" and fleet.claim("host-1").granted
    fleet.exempt("host-0", None)
    assert fleet.states()["host-0"] == "eligible"


def test_a_lost_host_is_waived_and_the_run_that_lost_it_may_write_nothing_more(fleet: Fleet) -> None:
    lost = fleet.claim("host-0")
    fleet.record("host-0", lost.fence, Record("activating"))
    fleet.now += 601
    assert fleet.claim("host-1").reason == BROKEN
    assert fleet.states()["host-0"] == "unreachable"
    fleet.exempt("host-0")
    assert fleet.states()["host-0"] == "waived" and fleet.claim("host-1").granted
    with pytest.raises(LedgerError, match="host-0: its claim was taken over by another run"):
        fleet.record("host-0", lost.fence, Record("done"))


def test_a_host_in_flight_keeps_its_charge(fleet: Fleet) -> None:
    answer = fleet.claim("host-0")
    fleet.exempt("host-0")
    assert fleet.states()["host-0"] == "claimed" and fleet.claim("host-1").reason == BROKEN
    fleet.record("host-0", answer.fence, *QUARANTINED)
    # It failed after the exemption was given: that must be waived anew.
    assert fleet.claim("host-1").reason == BROKEN
    assert fleet.exempt("host-0") == ["host-0"] and fleet.claim("host-1").granted


def test_waiving_what_was_forgiven_gives_no_new_slack(fleet: Fleet) -> None:
    for host in ("host-0", "host-1"):
        fleet.end(host, Record("rolled back", "worse"))
    fleet.resume()
    assert fleet.forgiven() == 2
    fleet.exempt("host-0")
    assert fleet.forgiven() == 1
    # One failure is forgiven, one is in the budget; the next is one too many.
    assert fleet.end("host-2", Record("rolled back", "worse")) == "running"
    assert fleet.end("host-3", Record("rolled back", "worse")) == "halted"


def test_a_lost_host_that_is_finished_was_forgiven_only_once(fleet: Fleet) -> None:
    fleet.claim("host-0")
    fleet.now += 601
    fleet.claim("host-1")  # charges host-0
    fleet.resume()
    with fleet.ledger.write() as connection:
        connection.execute(tables().rollout.update().values(state="running"))
        connection.execute(tables().wave.update().where(tables().wave.c.number == 0).values(forgiven=1))
    answer = fleet.claim("host-0")
    fleet.record("host-0", answer.fence, Record("done"))
    assert fleet.forgiven() == 0
