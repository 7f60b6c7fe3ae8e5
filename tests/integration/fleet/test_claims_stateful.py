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
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import owner, states, tally
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.control import control
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Record, Run, claim, record
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Release, open_rollout
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from integration.fleet.conftest import Addresses

LEASE = 100
CONTROLLERS = 8
PER_FLEET, PER_DOMAIN, ERRORS = 3, 1, 2
POLICY = {
    "waves": [{"name": "canary", "labels": {"canary": True}}, {"name": "fleet", "percent": 100}],
    "max_unavailable": PER_FLEET,
    "max_unavailable_per_domain": PER_DOMAIN,
    "error_budget": ERRORS,
    "lease": LEASE,
}
WORLD = owner.run_of_process(1).rsplit("/", 2)[0]
WHO = st.integers(0, CONTROLLERS - 1)
SEEN: Counter[str] = Counter()


class Fleet(RuleBasedStateMachine):
    """Eight controllers, twelve hosts in four racks, releases one after the other."""

    addresses: Addresses

    @initialize()
    def begin(self) -> None:
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

    def teardown(self) -> None:
        self.ledger.close()

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
            if before[host] == states.ELIGIBLE:
                assert state == "running", f"{host} was started in a rollout that is {state}"
                assert failed <= ERRORS, f"{host} was started after {failed} failures"
            self.held[who, host] = (run, answer.fence)
            self.down[host] = self.domain(host)

    @rule(pick=st.integers(0, 99), state=st.sampled_from([*states.RECORDED, *[states.DONE] * 9]))
    def record(self, pick: int, state: str) -> None:
        if not self.held:
            return
        who, host = sorted(self.held)[pick % len(self.held)]
        run, fence = self.held[who, host]
        try:
            with self.ledger.write() as connection:
                record(connection, run, host, fence, Record(state, "why", "r", "d"), now=self.now)
        except LedgerError as error:
            assert str(error).startswith(f"{host}: its claim was taken over by another run")
            SEEN["late records refused"] += 1
            del self.held[who, host]
            return
        SEEN["records"] += 1
        if state in states.SERVING:
            self.down.pop(host, None)
        if state in states.FINAL:
            del self.held[who, host]

    @rule(who=WHO, first=st.integers(0, 11))
    def work(self, who: int, first: int) -> None:
        """The ordinary thing: claim what can be had, and finish some of it."""
        self.claim_all(who, first)
        for pick in range(2):
            self.record(pick, states.DONE)

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
        failed = sum(state in states.FAILED for state in self.states(number).values())
        return row.state, failed - row.forgiven

    def domain(self, host: str) -> str:
        return next(entry.domain for entry in self.enrolled if entry.name == host)


def test_no_history_breaks_a_budget(addresses: Addresses, request: pytest.FixtureRequest) -> None:
    SEEN.clear()
    machine = type("Fleet", (Fleet,), {"addresses": staticmethod(addresses)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(
        f"\n{request.node.name}: violations 0, " + ", ".join(f"{what} {SEEN[what]}" for what in sorted(SEEN))
    )
    assert SEEN["claims granted"] > 100 and SEEN["most unavailable"] == PER_FLEET
