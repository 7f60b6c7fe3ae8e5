# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failed step leads to, case by case, and what it does to a real ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.explain import explain, explain_lines
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.failures import (
    Retry,
    Tried,
    kind_of,
    state_after,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import (
    Claimed,
    Record,
    Recorded,
    Run,
    claim,
    record,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.outlook import Outlook, outlook
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Release, open_rollout
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

RETRIES = {"staging": Retry(2, 60.0), "activation": Retry(1, 60.0)}
NOW = 1_780_000_000.0


@pytest.mark.parametrize(
    ("reported", "tried", "state"),
    [
        ("failed", Tried("staging", 0, False), "retry"),
        ("failed", Tried("staging", 1, False), "retry"),
        ("failed", Tried("staging", 2, False), "held"),
        ("failed", Tried("unreachable", 0, False), "held"),
        ("failed", Tried("drain", 0, False), "held"),
        ("failed", Tried("activation", 0, True), "rolling back"),
        ("failed", Tried("health", 0, True), "rolling back"),
        ("failed", Tried("rollback", 0, True), "quarantined"),
        ("rolled back", Tried("activation", 0, True), "retry"),
        ("rolled back", Tried("activation", 1, True), "rolled back"),
        ("rolled back", Tried("health", 0, True), "rolled back"),
        ("rolled back", Tried("", 0, True), "rolled back"),
        ("done", Tried("staging", 1, True), "done"),
    ],
)
def test_a_step_failed(reported: str, tried: Tried, state: str) -> None:
    assert state_after(RETRIES, reported, tried) == state


def test_what_fails_on_a_host_that_was_changed_is_a_failed_activation() -> None:
    assert kind_of("unreachable", Tried("", 0, True)) == "activation"
    assert kind_of("unreachable", Tried("", 0, False)) == "unreachable"
    assert kind_of("rollback", Tried("", 0, True)) == "rollback"
    with pytest.raises(
        InputError, match=r"failure: 'bad luck' is no kind of failure. Known are unreachable, "
    ):
        kind_of("bad luck", Tried("", 0, False))


def test_every_try_waits_twice_as_long() -> None:
    assert [Retry(3, 60.0).wait(retries) for retries in range(3)] == [60, 120, 240]


class Story:
    """One run's claims and records on a ledger of four hosts in one rack, under a clock of its own."""

    def __init__(self, ledger: Ledger, **policy: Any) -> None:
        self.ledger, self.now = ledger, NOW
        given = {
            "waves": [{"name": "fleet", "percent": 100}],
            "max_unavailable": 2,
            "max_unavailable_per_domain": 2,
            **policy,
        }
        release = Release("r2", "snapshot", "d2")
        with ledger.write() as connection:
            opened = open_rollout(connection, release, given, who="test", now=NOW)
        self.run = Run(opened.rollout, opened.plan_hash, "elsewhere/0/1/1")

    def claim(self, host: str, owner: str = "elsewhere/0/1/1") -> Claimed:
        run = Run(self.run.rollout, self.run.plan_hash, owner)
        with self.ledger.write() as connection:
            return claim(connection, run, host, now=self.now)

    def record(self, host: str, fence: int, news: Record) -> Recorded:
        with self.ledger.write() as connection:
            return record(connection, self.run, host, fence, news, now=self.now)

    def fail(self, host: str, failure: str, *, after: str = "") -> Recorded:
        answer = self.claim(host)
        assert answer.granted, answer.reason
        if after:
            self.record(host, answer.fence, Record(after))
        return self.record(host, answer.fence, Record("failed", "it broke", failure=failure))

    def unavailable(self) -> dict[str, str]:
        table = tables().host
        with self.ledger.read() as connection:
            query = sa.select(table.c.name, table.c.unavailable).where(table.c.unavailable != "")
            return {row.name: row.unavailable for row in connection.execute(query)}

    def next(self) -> Outlook:
        with self.ledger.read() as connection:
            return outlook(connection, self.run.rollout, now=self.now)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(str(tmp_path / "ledger.db")) as ledger:
        hosts = [Enrolment(f"host-{number}", "rack", {}, release="r1") for number in range(4)]
        with ledger.write() as connection:
            enrol(connection, hosts, who="test", now=NOW)
        yield ledger


def test_a_host_is_tried_again_after_its_time_and_held_in_the_end(ledger: Ledger) -> None:
    story = Story(ledger, retry={"staging": {"times": 2, "after": 60}})
    assert story.fail("host-0", "staging") == Recorded("retry", True, "running", "", "fleet")
    assert story.unavailable() == {"host-0": "retry"}
    assert story.claim("host-0").reason == "the host is tried again in 60 s"
    story.now += 60
    assert story.fail("host-0", "staging").host_state == "retry"
    story.now += 119
    assert (story.claim("host-0").again, story.claim("host-0").until) == (True, NOW + 180)
    story.now += 1
    last = story.fail("host-0", "staging")
    why = "1 of 4 hosts failed, the error budget is 0"
    assert last == Recorded("held", False, "halted", why, "fleet")
    assert story.unavailable() == {"host-0": "held"}
    assert story.claim("host-0").reason == "the host is held already"


def test_an_explanation_tells_what_failed_and_when_it_is_tried_again(ledger: Ledger) -> None:
    story = Story(ledger, retry={"staging": {"times": 2, "after": 60}})
    story.fail("host-0", "staging")
    with ledger.read() as connection:
        lines = explain_lines(explain(connection, "host-0", now=NOW))
    assert lines[:4] == [
        "host-0 of rack runs r1, unavailable: retry",
        "Rollout 1 of release r2 is running; in wave fleet, cohort 6614, the host is retry (it broke).",
        "The last step that failed was one of staging, retries: 1, next at 2026-05-28T20:27:40Z.",
        "Next: it waits: the host is tried again in 60 s (until 2026-05-28T20:27:40Z)",
    ]
    assert lines[-1].endswith("record: retry: it broke")


def test_hosts_that_are_tried_again_use_up_the_disruption_budget(ledger: Ledger) -> None:
    story = Story(ledger, retry={"staging": {"times": 1, "after": 60}})
    story.fail("host-0", "staging")
    story.fail("host-1", "staging")
    assert story.claim("host-2").reason == "2 of at most 2 hosts are unavailable"
    assert story.next() == Outlook("at", NOW + 60, "the host is tried again in 60 s")
    story.now += 60
    assert story.next().when == "now"
    answer = story.claim("host-0")
    story.record("host-0", answer.fence, Record("done", release="r2", digest="d"))
    assert story.unavailable() == {"host-1": "retry"} and story.claim("host-2").granted


def test_a_failed_activation_is_tried_again_only_once_the_host_is_back(ledger: Ledger) -> None:
    story = Story(ledger, retry={"activation": {"times": 1, "after": 60}})
    assert story.fail("host-0", "activation", after="activating") == Recorded(
        "rolling back", True, "running", "", "fleet"
    )
    again = story.record("host-0", 1, Record("rolled back"))
    assert again.host_state == "retry" and story.unavailable() == {"host-0": "retry"}
    story.now += 60
    # A host that is out of reach after it was changed may be in any state: it must be put back.
    assert story.fail("host-0", "unreachable", after="rebooting").host_state == "rolling back"
    assert story.record("host-0", 2, Record("rolled back", digest="d1")).host_state == "rolled back"
    assert story.unavailable() == {}


def test_a_way_back_that_fails_quarantines_with_both_reasons(ledger: Ledger) -> None:
    story = Story(ledger)
    story.fail("host-0", "health", after="verifying")
    told = story.record("host-0", 1, Record("failed", "the disk is full", failure="rollback"))
    assert told.host_state == "quarantined"
    table = tables().assignment
    with ledger.read() as connection:
        reason = connection.scalar(sa.select(table.c.reason).where(table.c.host == "host-0"))
    assert reason == "it broke; then the disk is full"


def test_a_host_whose_drain_failed_is_held_and_serves_as_far_as_anybody_knows(ledger: Ledger) -> None:
    story = Story(ledger)
    assert story.fail("host-0", "drain", after="draining").host_state == "held"
    table = tables().assignment
    with ledger.read() as connection:
        query = sa.select(table.c.touched, table.c.unavailable_since).where(table.c.host == "host-0")
        assert connection.execute(query).one() == (False, None)
    assert story.unavailable() == {"host-0": "held"}


def test_a_run_starts_no_more_hosts_than_it_may_but_finishes_what_another_began(ledger: Ledger) -> None:
    story = Story(ledger, max_hosts_per_run=1)
    answer = story.claim("host-0")
    assert story.claim("host-1").reason == "this run has started 1 hosts, as many as one run may"
    story.record("host-0", answer.fence, Record("done"))
    assert story.claim("host-1").again is False
    assert story.claim("host-1", owner="elsewhere/0/2/1").granted
    story.now += 3601
    assert story.claim("host-1").granted


def test_an_outlook_says_whether_a_run_finds_work(ledger: Ledger) -> None:
    windows = [{"from": "22:00", "until": "23:00"}]
    assert Story(ledger, windows=windows).next() == Outlook(
        "at",
        1780005600.0,
        "outside of every window; the next window opens at 2026-05-28T22:00:00Z",
    )


def test_an_outlook_tells_what_an_operator_must_see_to(ledger: Ledger) -> None:
    story = Story(ledger, error_budget=4)
    assert story.next() == Outlook("now", 0, "")
    for host in ("host-0", "host-1"):
        assert story.fail(host, "unreachable").host_state == "held"
    assert story.next() == Outlook("blocked", 0, "2 of at most 2 hosts are unavailable")


def test_an_outlook_waits_for_other_runs_and_ends(ledger: Ledger) -> None:
    story = Story(ledger, max_unavailable=1)
    answer = story.claim("host-0")
    assert story.next() == Outlook("at", NOW + 60, "another run is at work")
    story.record("host-0", answer.fence, Record("done"))
    for host in ("host-1", "host-2", "host-3"):
        story.record(host, story.claim(host).fence, Record("done"))
    assert story.next() == Outlook("over", 0, "the rollout is succeeded")
