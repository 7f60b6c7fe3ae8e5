# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever controllers, operators and the clock do in whatever order: the budgets hold.

Hypothesis makes up histories on a real database. The model beside it knows only what controllers were told: a
host is down from the moment its claim is granted until a record says that it serves again.
"""

from __future__ import annotations

from collections import Counter

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import (
    exemptions,
    failures,
    owner,
    states,
    tally,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.control import control
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.explain import explain, explain_lines
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Record, Run, claim, record
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Release, open_rollout
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from integration.fleet.conftest import Addresses
from integration.fleet.replay import Story

LEASE = 100
CONTROLLERS = 8
PER_FLEET, PER_DOMAIN, ERRORS = 3, 1, 2
POLICY = {
    "waves": [{"name": "canary", "labels": {"canary": True}}, {"name": "fleet", "percent": 100}],
    "max_unavailable": PER_FLEET,
    "max_unavailable_per_domain": PER_DOMAIN,
    "error_budget": ERRORS,
    "lease": LEASE,
    "retry": {"staging": {"times": 1, "after": 1}, "activation": {"times": 1, "after": LEASE}},
}
WORLD = owner.run_of_process(1).rsplit("/", 2)[0]
WHO = st.integers(0, CONTROLLERS - 1)
SEEN: Counter[str] = Counter()
DONE = Record(states.DONE, "", "r", "d")
FAILURES = [Record(states.STEP_FAILED, "why", failure=kind) for kind in failures.KINDS]
STEPS = [Record(state, "why", "r", "d") for state in states.RECORDED]
NEWS = st.sampled_from([*STEPS, *FAILURES, *[DONE] * 20])


class Fleet(RuleBasedStateMachine):
    """Eight controllers, twelve hosts in four racks, releases one after the other."""

    addresses: Addresses

    @initialize(canary_is_done=st.booleans())
    def begin(self, canary_is_done: bool) -> None:
        self.ledger = Ledger.open(type(self).addresses())
        self.now = 1_000_000.0
        self.release = 0
        self.lives = [0] * CONTROLLERS
        self.runs: list[Run | None] = [None] * CONTROLLERS
        self.held: dict[tuple[int, str], tuple[Run, int]] = {}
        self.down: dict[str, str] = {}
        self.enrolled = [self.entry(number) for number in range(9)]
        with self.ledger.write() as connection:
            enrol(connection, self.enrolled, who="test", now=self.now)
        if canary_is_done:
            self.open(0)
            self.claim(0, "host-0")
            self.tell(0, "host-0", DONE)

    def teardown(self) -> None:
        self.everybody_is_explained()
        self.events_tell_it_all()
        self.ledger.close()

    def events_tell_it_all(self) -> None:
        """Where every rollout and every host stands follows from the events alone."""
        event, assignment, host, rollout = (
            getattr(tables(), name) for name in ("event", "assignment", "host", "rollout")
        )
        with self.ledger.read() as connection:
            told = Story.of(connection.execute(sa.select(event).order_by(event.c.id)))
            placed = connection.execute(sa.select(assignment)).all()
            hosts = connection.execute(sa.select(host).where(host.c.unavailable != "")).all()
            rollouts = connection.execute(sa.select(rollout)).all()
        assert told.rollouts == {row.id: row.state for row in rollouts}
        assert told.unavailable == {row.name: row.unavailable for row in hosts}
        # Who is eligible or exempt when nobody has touched it is a matter of the clock.
        by_clock = (states.ELIGIBLE, states.EXEMPT)
        for place in placed:
            state = told.hosts.pop((place.rollout, place.host), states.ELIGIBLE)
            ran_it = place.reason == "ran the release already"
            assert ran_it or place.state in (by_clock if state in by_clock else (state,)), (place, state)
            SEEN["reconstructed"] += 1
        assert not told.hosts

    def everybody_is_explained(self) -> None:
        """Of every host whose state an event has made, that event says so; and nobody waits for nothing."""
        with self.ledger.read() as connection:
            told = [explain(connection, entry.name, now=self.now) for entry in self.enrolled]
        for one in told:
            place = one["rollout"]
            if place is None:
                continue
            assert place["next"] and explain_lines(one)
            news = [event for event in one["events"] if event["inputs"].get("rollout") == place["id"]]
            by_operator = (states.EXEMPT, states.WAIVED, *states.WAITING)
            if (
                news
                and place["host_state"] not in by_operator
                and place["reason"] != "ran the release already"
            ):
                outcome = news[-1]["outcome"].split(":")[0]
                assert outcome == {states.CLAIMED: "granted"}.get(place["host_state"], place["host_state"])
                SEEN["explained"] += 1

    @staticmethod
    def entry(number: int) -> Enrolment:
        return Enrolment(f"host-{number}", f"rack-{number % 4}", {"canary": number == 0})

    def owner(self, who: int) -> str:
        """Alive in another world: nobody can prove that it is gone."""
        return f"elsewhere/boot/ns/{who}/{self.lives[who]}"

    @rule(who=WHO)
    def open(self, who: int) -> None:
        release = Release(f"r{self.release}", "snapshot", "d")
        with self.ledger.write() as connection:
            opened = open_rollout(connection, release, POLICY, who=self.owner(who), now=self.now)
        self.runs[who] = Run(opened.rollout, opened.plan_hash, self.owner(who))

    @rule(who=WHO, first=st.integers(0, 11))
    def claim_all(self, who: int, first: int) -> None:
        if self.runs[who] is None:
            self.open(who)
        for number in range(6):
            self.claim(who, f"host-{(first + number) % 12}")

    def claim(self, who: int, host: str) -> None:
        run = self.runs[who]
        assert run is not None
        SEEN["claims tried"] += 1
        before = self.states(run.rollout)
        state, failed = self.rollout(run.rollout)
        try:
            with self.ledger.write() as connection:
                answer = claim(connection, run, host, now=self.now)
        except InputError as error:
            assert str(error).startswith(f"{host}: is not in rollout {run.rollout}")
            return
        SEEN["claims granted" if answer.granted else "claims refused"] += 1
        assert answer.granted or answer.reason
        if answer.granted:
            if before[host] in states.WAITING:
                assert state == "running", f"{host} was started in a rollout that is {state}"
                assert failed <= ERRORS, f"{host} was started after {failed} failures"
            self.held[who, host] = (run, answer.fence)
            self.down[host] = self.domain(host)

    @rule(pick=st.integers(0, 99), news=NEWS)
    def record(self, pick: int, news: Record) -> None:
        """News of a host; when a step has failed, the run does what it is told."""
        if not self.held:
            return
        who, host = sorted(self.held)[pick % len(self.held)]
        told = self.tell(who, host, news)
        if news.state == states.STEP_FAILED and told == states.ROLLING_BACK:
            self.tell(who, host, Record(states.ROLLED_BACK, "why", "r", "d"))

    def tell(self, who: int, host: str, news: Record) -> str:
        """Record it; returns the host's state."""
        run, fence = self.held[who, host]
        try:
            with self.ledger.write() as connection:
                told = record(connection, run, host, fence, news, now=self.now)
        except LedgerError as error:
            assert str(error).startswith(f"{host}: its claim was taken over by another run")
            SEEN["late records refused"] += 1
            del self.held[who, host]
            return ""
        SEEN["records"] += 1
        if told.host_state in (states.RETRY, states.HELD):
            SEEN[f"became {told.host_state}"] += 1
        if told.host_state in states.SERVING:
            self.down.pop(host, None)
        if told.host_state in (*states.FINAL, states.RETRY):
            del self.held[who, host]
        return told.host_state

    @rule(who=WHO, first=st.integers(0, 11), news=NEWS)
    def work(self, who: int, first: int, news: Record) -> None:
        """The ordinary thing: a run claims what can be had, and finishes some of it."""
        self.open(who)
        for one in (DONE, news, DONE):
            self.claim_all(who, first)
            self.record(first, one)

    @rule(who=WHO)
    def kill(self, who: int) -> None:
        """Its claims are left behind; that it is gone can be proved. Another begins in its place."""
        dead = f"{WORLD}/{4_000_000 + who}/1"
        with self.ledger.write() as connection:
            table = tables().claim
            mine = table.c.owner == self.owner(who)
            connection.execute(table.update().where(mine).values(owner=dead))
        self.lives[who] += 1
        self.runs[who] = None
        self.held = {key: value for key, value in self.held.items() if key[0] != who}
        SEEN["kills"] += 1

    @rule(sure=st.sampled_from([True, *[False] * 9]))
    def publish(self, sure: bool) -> None:
        self.release += sure

    @rule(seconds=st.sampled_from([1, LEASE + 1]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(state=st.sampled_from(["paused", "halted", "aborted", *["running"] * 7]))
    def operate(self, state: str) -> None:
        try:
            with self.ledger.write() as connection:
                control(connection, state, "why", who="operator", now=self.now)
        except InputError as error:
            assert "cannot become" in str(error) or "no unfinished rollout" in str(error)

    @rule(pick=st.integers(0, 99), lasts=st.sampled_from([0, 1, 2 * LEASE]))
    def exempt(self, pick: int, lasts: int) -> None:
        """An operator answers for a host, or takes that back. Only one that is in flight stays charged."""
        host = [*sorted(self.down) * 3, *(entry.name for entry in self.enrolled)][pick % len(self.enrolled)]
        wanted = exemptions.Exemption("ann", "why", self.now + lasts) if lasts else None
        with self.ledger.write() as connection:
            table = tables().host
            why = connection.scalar(sa.select(table.c.unavailable).where(table.c.name == host))
            exemptions.exempt(connection, [host], wanted, who="operator", now=self.now)
            left = connection.scalar(sa.select(table.c.unavailable).where(table.c.name == host))
        if why and not left:
            assert wanted and why in (*states.FAILED, states.RETRY), f"{host} was {why}"
            SEEN["waived"] += 1
            del self.down[host]

    @rule(number=st.integers(9, 11))
    def join(self, number: int) -> None:
        with self.ledger.write() as connection:
            added, _changed = enrol(connection, [self.entry(number)], who="test", now=self.now)
        self.enrolled += [self.entry(number)] if added else []

    @invariant()
    def the_budgets_hold(self) -> None:
        domains = Counter(self.down.values())
        assert len(self.down) <= PER_FLEET
        assert max(domains.values(), default=0) <= PER_DOMAIN
        SEEN["most unavailable"] = max(SEEN["most unavailable"], len(self.down))

    @invariant()
    def the_ledger_knows_who_is_down_and_its_counters_are_right(self) -> None:
        with self.ledger.write(keep=False) as connection:
            host = tables().host
            out = connection.scalars(sa.select(host.c.name).where(host.c.unavailable != "")).all()
            assert set(out) == set(self.down)
            kept = self.counters(connection)
            tally.count_capacity(connection)
            for number in connection.scalars(sa.select(tables().rollout.c.id)).all():
                tally.count_waves(connection, number)
            assert kept == self.counters(connection)

    @staticmethod
    def counters(connection: sa.Connection) -> list[set[tuple[object, ...]]]:
        wave, capacity = tables().wave, tables().capacity
        # When a host was last done is kept even if it is no more, so it is not compared.
        columns = [column for column in wave.c if column.name != "last_done"]
        return [
            set(map(tuple, connection.execute(query))) for query in (sa.select(capacity), sa.select(*columns))
        ]

    def states(self, rollout: int) -> dict[str, str]:
        table = tables().assignment
        with self.ledger.read() as connection:
            query = sa.select(table.c.host, table.c.state).where(table.c.rollout == rollout)
            return {row.host: row.state for row in connection.execute(query)}

    def rollout(self, number: int) -> tuple[str, int]:
        with self.ledger.read() as connection:
            query = sa.select(tables().rollout).where(tables().rollout.c.id == number)
            row = connection.execute(query).one()
            forgiven = sum(wave.forgiven for wave in tally.waves(connection, number))
        failed = sum(state in states.FAILED for state in self.states(number).values())
        return row.state, failed - forgiven

    def domain(self, host: str) -> str:
        return next(entry.domain for entry in self.enrolled if entry.name == host)


# A history is the same on both databases, and takes thrice as long on PostgreSQL.
@pytest.mark.parametrize(
    ("addresses", "examples"), [("sqlite", 30), ("postgresql", 10)], indirect=["addresses"]
)
def test_no_history_breaks_a_budget(
    addresses: Addresses, examples: int, request: pytest.FixtureRequest
) -> None:
    SEEN.clear()
    machine = type("Fleet", (Fleet,), {"addresses": staticmethod(addresses)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(
        f"\n{request.node.name}: violations 0, " + ", ".join(f"{what} {SEEN[what]}" for what in sorted(SEEN))
    )
    assert SEEN["claims granted"] > 3 * examples and SEEN["explained"] and SEEN["reconstructed"]
    # Few histories need not come to every limit.
    assert examples < 20 or (SEEN["most unavailable"] == PER_FLEET and SEEN["became retry"])
