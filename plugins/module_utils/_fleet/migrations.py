# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""From an older ledger, or none, to tables.SCHEMA. A change of the tables only ever adds.

What is missing is made from the tables themselves; STEPS fill it with data, one function for each version.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Callable, Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import statements, states, tally
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import SCHEMA, tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Select

# What is in `event` stays there as it is: the database itself refuses anything but new rows.
_APPEND_ONLY: Mapping[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER IF NOT EXISTS event_no_{change.lower()} BEFORE {change} ON event "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        for change in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION event_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$",
        "DROP TRIGGER IF EXISTS event_append_only ON event",
        "CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event "
        "FOR EACH STATEMENT EXECUTE FUNCTION event_append_only()",
    ),
}


def migrate(connection: Connection) -> None:
    """Bring the ledger to SCHEMA, whatever version it has. Call inside Ledger.write()."""
    found = version(connection) or 0
    _add_what_is_missing(connection)
    for statement in _APPEND_ONLY.get(connection.dialect.name, ()):
        connection.exec_driver_sql(statement)
    for number in range(found + 1, SCHEMA + 1):
        STEPS[number](connection)
    meta = tables().meta
    if found:
        connection.execute(meta.update().where(meta.c.key == "schema").values(value=str(SCHEMA)))
    else:
        connection.execute(meta.insert().values(key="schema", value=str(SCHEMA)))


def version(connection: Connection) -> int | None:
    """The schema of the ledger, None for a database that is none yet."""
    meta = tables().meta
    if not sa.inspect(connection).has_table(meta.name):
        return None
    found = connection.scalar(sa.select(meta.c.value).where(meta.c.key == "schema"))
    return None if found is None else int(found)


def is_current(connection: Connection) -> bool:
    """Whether the ledger is one of SCHEMA; the driver raises if it is none. Faster than version()."""
    rows = statements.read(connection, statements.Part(_known), {})
    return [row.value for row in rows] == [str(SCHEMA)]


def _known(_prefix: str) -> Select[t.Any]:
    meta = tables().meta
    return sa.select(meta.c.value).where(meta.c.key == "schema")


def _add_what_is_missing(connection: Connection) -> None:
    metadata = tables().metadata
    known = set(sa.inspect(connection).get_table_names())
    metadata.create_all(connection)
    inspector = sa.inspect(connection)
    for table in metadata.sorted_tables:
        if table.name not in known:
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in columns:
                # Of a dialect's compiler: a column in that dialect's words, as CREATE TABLE would have it.
                compiler = t.cast(t.Any, connection.dialect.ddl_compiler)(connection.dialect, None)
                words = compiler.get_column_specification(column)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {words}")
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        for index in table.indexes:
            if index.name not in indexes:
                index.create(connection)


def _first(_connection: Connection) -> None:
    """Version 1 had no data to begin with."""


def _count(connection: Connection) -> None:
    """Version 2 keeps `capacity` and `wave`, and has hosts unavailable from their claim on."""
    host, claim = tables().host, tables().claim
    claimed = (host.c.unavailable == "") & host.c.name.in_(sa.select(claim.c.host))
    connection.execute(host.update().where(claimed).values(unavailable="claimed"))
    tally.count_capacity(connection)
    for number in connection.scalars(sa.select(tables().rollout.c.id)).all():
        tally.count_waves(connection, number)


def _touch(connection: Connection) -> None:
    """Version 3 knows which hosts a run has begun to change."""
    assignment = tables().assignment
    touched = assignment.c.state.in_(states.CHANGED) | (assignment.c.state == states.UNREACHABLE)
    connection.execute(assignment.update().where(touched).values(touched=True))


def _forgive(connection: Connection) -> None:
    """Version 4 knows of each wave how many of its failures were forgiven; before, the rollout did."""
    rollout, wave = tables().rollout, tables().wave
    forgiven = connection.execute(sa.select(rollout.c.id, rollout.c.forgiven).where(rollout.c.forgiven > 0))
    for number, left in forgiven.all():
        given = 0
        for counts in tally.waves(connection, number):
            some = min(left - given, counts.failed + counts.unreachable)
            place = (wave.c.rollout == number) & (wave.c.number == counts.number)
            connection.execute(wave.update().where(place).values(forgiven=some))
            given += some


def _know_packages(_connection: Connection) -> None:
    """Version 5 knows what hosts have installed; of each kind of host it learns that when one is asked."""


STEPS: Mapping[int, Callable[[t.Any], None]] = {
    1: _first,
    2: _count,
    3: _touch,
    4: _forgive,
    5: _know_packages,
}
