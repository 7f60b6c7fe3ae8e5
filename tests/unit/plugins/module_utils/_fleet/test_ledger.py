# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger as a rollout uses it, on a real SQLite file."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import owner as owners
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.control import control
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import (
    Claimed,
    Record,
    Run,
    claim,
    record,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import (
    Opened,
    Release,
    open_rollout,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.status import rollout_status, status_lines
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

R2 = Release("20261122T000000Z", "snapshot", "d2")
R3 = Release("20261123T000000Z", "snapshot", "d3")
POLICY = {"max_unavailable": 2, "max_unavailable_per_domain": 1}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger.open(str(tmp_path / "ledger.db"))
    hosts = [
        Enrolment(f"host-{n}", f"rack-{n % 3}", {"canary": n == 0}, f"machine-{n}", "r1", "d1")
        for n in range(6)
    ]
    with ledger.write() as connection:
        enrol(connection, hosts, who="test", now=time.time())
    with ledger:
        yield ledger


def opened(ledger: Ledger, release: Release = R2, policy: Mapping[str, object] = POLICY) -> Opened:
    with ledger.write() as connection:
        return open_rollout(connection, release, policy, who="test", now=time.time())


def run_of(opened: Opened, owner: str = "here/0/1/1") -> Run:
    return Run(opened.rollout, opened.plan_hash, owner)


def claimed(ledger: Ledger, run: Run, host: str) -> Claimed:
    with ledger.write() as connection:
        return claim(connection, run, host, now=time.time())


def recorded(ledger: Ledger, run: Run, host: str, fence: int, news: Record) -> tuple[str, str]:
    with ledger.write() as connection:
        told = record(connection, run, host, fence, news, now=time.time())
    return told.rollout_state, told.rollout_reason


def finish(ledger: Ledger, run: Run, host: str, state: str = "done") -> tuple[str, str]:
    answer = claimed(ledger, run, host)
    assert answer.granted, answer.reason
    recorded(ledger, run, host, answer.fence, Record("activating"))
    return recorded(ledger, run, host, answer.fence, Record(state, release=R2.id, digest="d"))


def events(ledger: Ledger, what: str) -> list[str]:
    event = tables().event
    with ledger.read() as connection:
        query = sa.select(event.c.outcome).where(event.c.what == what).order_by(event.c.id)
        return list(connection.scalars(query))


def test_a_rollout_goes_wave_by_wave_to_its_end(ledger: Ledger) -> None:
    rollout = opened(ledger)
    run = run_of(rollout)
    names = [host.name for host in rollout.hosts]
    assert names[0] == "host-0"
    assert claimed(ledger, run, names[1]).reason == "wave canary is not through, 1 of 1 hosts are left"
    for name in names[:-1]:
        assert finish(ledger, run, name) == ("running", "")
    assert finish(ledger, run, names[-1]) == ("succeeded", "")
    with ledger.read() as connection:
        status = rollout_status(connection)
    assert status["counts"] == {"done": 6}
    assert {host["release"] for host in status["hosts"]} == {R2.id}
    assert status_lines(status)[0] == f"Rollout 1 of release {R2.id}: succeeded (6 done)"


def test_a_failed_canary_halts_the_rollout_for_everyone_else(ledger: Ledger) -> None:
    run = run_of(opened(ledger))
    reason = "1 of 6 hosts failed, the error budget is 0"
    assert finish(ledger, run, "host-0", "rolled back") == ("halted", reason)
    assert claimed(ledger, run, "host-1") == Claimed(False, False, f"the rollout is halted: {reason}")
    assert opened(ledger).hosts == []
    assert events(ledger, "settle rollout") == [f"halted: {reason}"]


def test_a_newer_release_supersedes_a_halted_rollout(ledger: Ledger) -> None:
    run = run_of(opened(ledger))
    finish(ledger, run, "host-0", "rolled back")
    newer = opened(ledger, R3)
    assert (newer.rollout, newer.state, len(newer.hosts)) == (2, "running", 6)
    assert claimed(ledger, run, "host-1").reason == f"the rollout is superseded: by release {R3.id}"


def controlled(
    ledger: Ledger, state: str, reason: str = "why", number: int | None = None
) -> tuple[int, bool]:
    with ledger.write() as connection:
        return control(connection, state, reason, number=number, who="operator", now=time.time())


def test_an_operator_halts_and_resumes_and_the_error_budget_begins_anew(ledger: Ledger) -> None:
    run = run_of(opened(ledger))
    finish(ledger, run, "host-0")
    finish(ledger, run, "host-1", "rolled back")
    assert controlled(ledger, "halted") == (1, False)  # it has halted by itself
    assert controlled(ledger, "running", "seen to") == (1, True)
    assert len(opened(ledger).hosts) == 4
    assert finish(ledger, run, "host-2") == ("running", "seen to")
    assert finish(ledger, run, "host-3", "rolled back")[0] == "halted"
    assert events(ledger, "control rollout") == ["running: seen to"]


def test_a_planned_rollout_starts_nobody_until_it_is_approved(ledger: Ledger) -> None:
    rollout = opened(ledger, R2, {**POLICY, "approval": True})
    assert (rollout.state, rollout.reason, rollout.hosts) == ("planned", "awaits approval", [])
    run = run_of(rollout)
    assert claimed(ledger, run, "host-0") == Claimed(False, False, "the rollout is planned: awaits approval")
    assert controlled(ledger, "running", "agreed") == (1, True)
    assert claimed(ledger, run, "host-0").granted


def test_a_paused_rollout_starts_nobody_but_lets_those_in_flight_finish(ledger: Ledger) -> None:
    run = run_of(opened(ledger))
    answer = claimed(ledger, run, "host-0")
    assert controlled(ledger, "paused", "lunch") == (1, True)
    assert recorded(ledger, run, "host-0", answer.fence, Record("done")) == ("paused", "lunch")
    assert claimed(ledger, run, "host-1").reason == "the rollout is paused: lunch"
    controlled(ledger, "running")
    assert claimed(ledger, run, "host-1").granted


def test_an_aborted_rollout_is_over_and_the_same_release_begins_anew(ledger: Ledger) -> None:
    opened(ledger)
    assert controlled(ledger, "aborted") == (1, True)
    with pytest.raises(InputError, match=r"ledger: has no unfinished rollout"):
        controlled(ledger, "running")
    with pytest.raises(InputError, match=r"rollout 1: is aborted, it cannot become running"):
        controlled(ledger, "running", number=1)
    with pytest.raises(InputError, match=r"reason: is empty. Say why: it is kept, and shown to everyone"):
        controlled(ledger, "halted", " ")
    assert opened(ledger).rollout == 2


def test_claims_never_exceed_the_budgets_of_fleet_and_domain(ledger: Ledger) -> None:
    run = run_of(opened(ledger))
    finish(ledger, run, "host-0")
    assert claimed(ledger, run, "host-1").granted
    assert claimed(ledger, run, "host-4").reason == "1 of at most 1 hosts of rack-1 are unavailable"
    assert claimed(ledger, run, "host-2").granted
    assert claimed(ledger, run, "host-3").reason == "2 of at most 2 hosts are unavailable"


def test_a_quarantined_host_stays_charged(ledger: Ledger) -> None:
    policy = {**POLICY, "error_budget": 5}
    run = run_of(opened(ledger, R2, policy))
    finish(ledger, run, "host-0")
    finish(ledger, run, "host-1", "quarantined")
    assert claimed(ledger, run, "host-4").reason == "1 of at most 1 hosts of rack-1 are unavailable"


def test_a_run_that_died_is_resumed_and_its_host_finished_first(ledger: Ledger) -> None:
    child = multiprocessing.get_context("fork").Process(target=lambda: None)
    child.start()
    dead_owner = owners.controlling_run().rsplit("/", 2)[0] + f"/{child.pid}/1"
    child.join()
    rollout = opened(ledger)
    dead = run_of(rollout, dead_owner)
    first = claimed(ledger, dead, "host-0")
    recorded(ledger, dead, "host-0", first.fence, Record("activating", baseline={"units": []}))

    again = opened(ledger)
    assert again.resumed and again.hosts[0].name == "host-0" and again.hosts[0].wave == -1
    run = run_of(again, "there/0/1/1")
    answer = claimed(ledger, run, "host-0")
    assert (answer.granted, answer.attempt, answer.baseline) == (True, 2, {"units": []})
    with pytest.raises(LedgerError, match="host-0: its claim was taken over by another run"):
        recorded(ledger, dead, "host-0", first.fence, Record("done"))
    recorded(ledger, run, "host-0", answer.fence, Record("done"))


def test_another_living_run_keeps_its_host(ledger: Ledger) -> None:
    rollout = opened(ledger)
    claimed(ledger, run_of(rollout, "elsewhere/0/1/1"), "host-0")
    answer = claimed(ledger, run_of(rollout), "host-0")
    assert answer.again and answer.reason == "another run holds the host for 3600 s more"


def test_a_lease_that_runs_out_charges_the_host_and_halts(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(opened(ledger), "elsewhere/0/1/1")
    finish(ledger, run, "host-0")
    claimed(ledger, run, "host-1")
    later = time.time() + 3601
    monkeypatch.setattr(time, "time", lambda: later)
    answer = claimed(ledger, run_of(opened(ledger)), "host-2")
    assert answer.reason == "the rollout is halted: 1 of 6 hosts failed, the error budget is 0"
    assert events(ledger, "expire") == ["unreachable: nobody has reported on the host before its lease ended"]


def test_another_policy_or_digest_for_the_same_release_is_refused(ledger: Ledger) -> None:
    opened(ledger)
    with pytest.raises(InputError, match="policy of rollout 1: differs from the one that this rollout"):
        opened(ledger, R2, {})
    with pytest.raises(InputError, match=f"release {R2.id}: has digest other, the ledger knows it with d2"):
        opened(ledger, Release(R2.id, "snapshot", "other"))


def test_hosts_enrolled_late_join_a_finished_rollout(ledger: Ledger) -> None:
    rollout = opened(ledger)
    for host in rollout.hosts:
        finish(ledger, run_of(rollout), host.name)
    assert opened(ledger).hosts == []
    with ledger.write() as connection:
        assert enrol(connection, [Enrolment("late", "rack-0")], who="test", now=time.time()) == (["late"], [])
        assert enrol(connection, [Enrolment("late", "rack-0")], who="test", now=time.time()) == ([], [])
    assert [host.name for host in opened(ledger).hosts] == ["late"]


def test_an_empty_ledger_and_a_wrong_address_are_told_in_one_line(tmp_path: Path) -> None:
    with (
        Ledger.open(str(tmp_path / "empty.db")) as empty,
        pytest.raises(InputError, match=r"ledger: has no hosts. Enrol some first: osaas.fleet.enrol"),
    ):
        opened(empty)
    with pytest.raises(
        InputError, match=r"ledger: 'ledger.db' is neither an absolute path nor a database URL"
    ):
        Ledger.open("ledger.db")
    with pytest.raises(LedgerError, match=r"unable to open database file. Check that the database is there"):
        Ledger.open(str(tmp_path / "missing" / "ledger.db"))


def test_a_ledger_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '99'")
    connection.close()
    with pytest.raises(LedgerError, match="has schema 99, this version of the collection knows 5"):
        Ledger.open(str(path))


def test_a_release_is_taken_back_only_from_hosts_that_have_it(ledger: Ledger) -> None:
    policy = {**POLICY, "waves": [{"name": "fleet", "percent": 100}], "lease": 60}
    run = run_of(opened(ledger, R3, policy))
    has_it = claimed(ledger, run, "host-1")
    recorded(ledger, run, "host-1", has_it.fence, Record("done", release=R3.id, digest="d3"))
    half_way = claimed(ledger, run, "host-2")
    recorded(ledger, run, "host-2", half_way.fence, Record("activating"))

    def back(leaving: str = R3.id) -> Opened:
        with ledger.write() as connection:
            return open_rollout(connection, R2, policy, who="test", now=time.time(), leaving=leaving)

    taken_back = back()
    assert sorted(host.name for host in taken_back.hosts) == ["host-1", "host-2"]
    assert finish(ledger, run_of(taken_back), "host-1")[0] == "running"
    # What has left it belongs to the rollout still, whose plan is the same.
    assert [host.name for host in back().hosts] == ["host-2"] and back().plan_hash == taken_back.plan_hash
    with (
        pytest.raises(InputError, match=r"^release r9: no host has it. There is nothing to take back$"),
        ledger.write() as connection,
    ):
        open_rollout(connection, Release("r1x", "snapshot", "d"), policy, who="", now=0.0, leaving="r9")


def _claim_everything(path: str, run: Run, names: list[str], answers: multiprocessing.Queue[str]) -> None:
    with Ledger.open(path) as ledger:
        for name in names:
            if claimed(ledger, run, name).granted:
                answers.put(name)


def test_racing_runs_share_one_budget(ledger: Ledger, tmp_path: Path) -> None:
    """Four processes claim every host at once: two in all are granted, and no two of one rack."""
    rollout = opened(ledger)
    finish(ledger, run_of(rollout), "host-0")
    names = [f"host-{number}" for number in range(1, 6)]
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[str] = context.Queue()
    racers = [
        context.Process(
            target=_claim_everything,
            args=(str(tmp_path / "ledger.db"), run_of(rollout, f"run-{number}/0/1/1"), names, answers),
        )
        for number in range(4)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
        assert racer.exitcode == 0
    granted = [answers.get(timeout=5), answers.get(timeout=5)]
    assert answers.empty()
    assert len({int(name[-1]) % 3 for name in granted}) == 2


def test_an_owner_is_gone_only_with_proof() -> None:
    me = owners.controlling_run()
    world, pid, start = me.rsplit("/", 2)
    assert pid == str(os.getppid())
    assert not owners.is_gone(me)
    assert owners.is_gone(f"{world}/{pid}/{int(start) + 1}")
    assert not owners.is_gone(f"another-{world}/{pid}/{int(start) + 1}")
