# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers race for one fleet and are killed at random, and so is the database."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from ansible_collections.osaas.fleet.plugins.module_utils._errors import LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.status import rollout_status
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables
from integration.fleet.conftest import Addresses
from integration.fleet.controllers import Controllers, Diary, Job
from integration.fleet.postgres import postgres

HOSTS, RACKS = 60, 6
DOMAINS = {f"host-{number:02}": f"rack-{number % RACKS}" for number in range(HOSTS)}
POLICY = {
    "waves": [
        {"name": "canary", "labels": {"canary": True}},
        {"name": "half", "percent": 50},
        {"name": "fleet", "percent": 100},
    ],
    "max_unavailable": 8,
    "max_unavailable_per_domain": 2,
    "error_budget": 4,
    "lease": 60,
}
# One of the racks loses a host for good, and three hosts go back to what they had.
FATES = {
    "host-07": "quarantined",
    "host-22": "rolled back",
    "host-35": "rolled back",
    "host-41": "rolled back",
}
STARTED = "granted eligible"


def enrolled(address: str) -> None:
    with Ledger.open(address) as ledger, ledger.write() as connection:
        hosts = [Enrolment(name, rack, {"canary": name < "host-02"}) for name, rack in DOMAINS.items()]
        enrol(connection, hosts, who="test", now=time.time())


def story(address: str) -> list[tuple[str, str, str]]:
    """What the events say: what, about whom, and with what outcome."""
    event = tables().event
    with Ledger.open(address) as ledger, ledger.read() as connection:
        rows = connection.execute(sa.select(event).order_by(event.c.id)).all()
    assert all(row.inputs for row in rows), "an event does not say what it rests on"
    return [(row.what, row.subject, f"{row.outcome} {row.inputs.get('was', '')}") for row in rows]


def check(address: str, diary: Path, controllers: Controllers, name: str) -> None:
    """The budgets held in truth and in the ledger's own story; every host was finished exactly once."""
    truth = Diary.read(diary, DOMAINS)
    with Ledger.open(address) as ledger, ledger.read() as connection:
        status = rollout_status(connection)
    events = story(address)
    granted = sum(what == "claim" for what, *_rest in events)
    print(
        f"\n{name}: claims tried {truth.tries}, granted {granted}, kills {controllers.kills}, most down"
        f" {truth.most_down} of 8, in a rack {truth.most_down_in_domain} of 2, violations 0"
    )
    assert truth.most_down <= 8 and truth.most_down_in_domain <= 2
    assert status["state"] == "succeeded with exceptions"
    assert {host["host"]: host["state"] for host in status["hosts"]} == {
        host: FATES.get(host, states.DONE) for host in DOMAINS
    }
    ends = [subject for what, subject, outcome in events if outcome.startswith((*states.FINAL,))]
    assert sorted(ends) == sorted(DOMAINS), "a host was finished twice, or never"
    starts = [subject for what, subject, outcome in events if (what, outcome) == ("claim", STARTED)]
    assert sorted(starts) == sorted(DOMAINS), "a host was started twice, or never"


@pytest.mark.parametrize("number", [1, 2, 8])
def test_budgets_hold_whoever_is_killed(
    addresses: Addresses, number: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    address, diary = addresses(), tmp_path / "diary"
    enrolled(address)
    controllers = Controllers(Job(address, diary, POLICY, FATES), number)
    controllers.run(random.Random(number), controllers.kill_one)
    check(address, diary, controllers, request.node.name)
    assert controllers.kills


def test_a_killed_database_loses_nothing(tmp_path: Path) -> None:
    """It crashes three times under two controllers; they go on as soon as it answers again."""
    with postgres(durable=True) as server:
        address, diary = server.address(), tmp_path / "diary"
        enrolled(address)
        controllers = Controllers(Job(address, diary, POLICY, FATES), 2)
        crashes = iter(range(3))

        def crash() -> None:
            if next(crashes, None) is not None:
                server.stop(signal.SIGQUIT)
                server.start()

        controllers.run(random.Random(5), crash)
        check(address, diary, controllers, "database killed 3 times")


def test_after_the_error_budget_nobody_starts_a_host_and_those_in_flight_finish(
    addresses: Addresses, tmp_path: Path
) -> None:
    address, diary = addresses(), tmp_path / "diary"
    enrolled(address)
    fates = {name: "rolled back" for name in DOMAINS if name >= "host-02"}
    controllers = Controllers(Job(address, diary, POLICY, fates), 8)
    controllers.run(random.Random(1), controllers.kill_one)
    events = story(address)
    (halted,) = [index for index, (_what, _who, outcome) in enumerate(events) if outcome.startswith("halted")]
    assert STARTED not in [outcome for _what, _who, outcome in events[halted:]]
    with Ledger.open(address) as ledger, ledger.read() as connection:
        status = rollout_status(connection)
    assert status["state"] == "halted"
    # Five are one more than the budget; at most seven others were in flight when the fifth failed.
    assert 5 <= status["counts"]["rolled back"] <= 5 + 7
    assert set(status["counts"]) == {"done", "eligible", "rolled back"}


def test_events_stay_as_they_were_written(addresses: Addresses) -> None:
    address = addresses()
    enrolled(address)
    before = story(address)
    event = tables().event
    with Ledger.open(address) as ledger:
        for change in (event.update().values(outcome="nothing happened"), event.delete()):
            with pytest.raises(LedgerError, match="events are append-only"), ledger.write() as connection:
                connection.execute(change)
    if "postgresql" in address:
        with (
            psycopg.connect(address.replace("+psycopg", "")) as plain,
            pytest.raises(psycopg.errors.RaiseException, match="events are append-only"),
        ):
            plain.execute("TRUNCATE event")
    assert story(address) == before


def test_a_ledger_of_the_first_version_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.executescript(Path(__file__).with_name("ledger_1.sql").read_text())
        old.execute("UPDATE assignment SET state = 'rolled back' WHERE host != 'host-0'")
        old.execute("UPDATE rollout SET forgiven = 1")
    old.close()
    with Ledger.open(str(path)) as ledger:
        with ledger.read() as connection:
            capacity = {row.scope: (row.hosts, row.unavailable) for row in connection.execute(CAPACITY)}
            counts = (column for column in tables().wave.c if column.name not in ("rollout", "last_done"))
            waves = [tuple(row) for row in connection.execute(sa.select(*counts))]
            migrated = columns(connection)
        assert capacity == {"fleet": (3, 1), "domain:rack-0": (2, 1), "domain:rack-1": (1, 0)}
        assert waves == [(0, 1, 1, 0, 0, 0), (1, 2, 0, 2, 0, 1)]
    with Ledger.open(str(tmp_path / "new.db")) as ledger, ledger.read() as connection:
        assert columns(connection) == migrated


CAPACITY = sa.select(tables().capacity)


def columns(connection: sa.Connection) -> dict[str, list[tuple[str, str]]]:
    """Every table's columns and their types, and the triggers."""
    inspector = sa.inspect(connection)
    found = {
        table: sorted((column["name"], str(column["type"])) for column in inspector.get_columns(table))
        for table in inspector.get_table_names()
    }
    triggers = connection.exec_driver_sql("SELECT name, type FROM sqlite_master WHERE type != 'table'")
    return {**found, "": sorted((row.name, row.type) for row in triggers if "autoindex" not in row.name)}
