# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The ledger: one database of releases, hosts, rollouts, claims and events. SQLite by path, others by URL."""

from __future__ import annotations

import contextlib
import functools
import os
import typing as t
from collections.abc import Iterator, Mapping
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import migrations, statements
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.databases import Database, database_of
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import HAS_SQLALCHEMY, SCHEMA, tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_OF_PARENT: list[sa.Pool] = []


class Ledger:
    """An open ledger. Every write is one transaction; writers take turns, so decisions see the truth."""

    def __init__(self, engine: Engine, database: Database) -> None:
        self._engine = engine
        self._database = database

    @classmethod
    def open(cls, address: str, *, make: bool = True) -> Ledger:
        """Open the ledger at `address` (an absolute path, or a SQLAlchemy URL), made or migrated if needed.

        Without `make` a SQLite file must be there already. Raises InputError for an address that is neither,
        LedgerError when the database cannot be used.
        """
        if not HAS_SQLALCHEMY:
            raise LedgerError(
                "needs the Python library SQLAlchemy 2 on the controller",
                where="ledger",
                way_out="Install it beside ansible-core: pip install 'SQLAlchemy>=2'",
            )
        if "://" not in address and not address.startswith("/"):
            raise InputError(
                f"{address!r} is neither an absolute path nor a database URL",
                where="ledger",
                way_out="Give for example /var/lib/osaas/ledger.db or postgresql+psycopg://HOST/NAME",
            )
        engine, database = _engine(address)
        url = engine.url
        if not make and url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            raise LedgerError(
                "is not there", where=f"ledger {url.database}", way_out="Enrol hosts first: osaas.fleet.enrol"
            )
        ledger = cls(engine, database)
        try:
            ledger._prepare()
        except BaseException:
            ledger.close()
            raise
        return ledger

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextlib.contextmanager
    def write(self, *, keep: bool = True) -> Iterator[Connection]:
        """A transaction that no other writer overlaps, on disk when the block has ended.

        It is undone when the block raises, or unless `keep`.
        """
        with _told(self._engine), self._engine.connect() as connection:
            with self._database.turn(connection) as transaction:
                yield connection
                if not keep:
                    transaction.rollback()
            if keep:
                self._database.flush(connection)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the ledger and never blocks a writer."""
        with _told(self._engine), self._engine.connect() as connection, connection.begin():
            yield connection

    def _prepare(self) -> None:
        # What is wrong with a database, or missing in it, comes to light below.
        with contextlib.suppress(*_errors(self._engine)), self._engine.connect() as connection:
            if migrations.is_current(connection):
                return
        with self.read() as connection:
            found = migrations.version(connection)
        if found is not None and found > SCHEMA:
            raise LedgerError(
                f"has schema {found}, this version of the collection knows {SCHEMA}",
                where=f"ledger {self._engine.url.render_as_string()}",
                way_out="Use the version of osaas.fleet that has written it, or a newer one",
            )
        if found != SCHEMA:
            with self.write() as connection:
                migrations.migrate(connection)


@functools.lru_cache(maxsize=16)
def _engine(address: str) -> tuple[Engine, Database]:
    """One for each address, with the statements that it has compiled, for forks too."""
    url = sa.make_url(address if "://" in address else f"sqlite:///{address}")
    database = database_of(url)
    engine = sa.create_engine(url, pool_size=1, connect_args=database.connect_args)
    database.prepare(engine)
    os.register_at_fork(after_in_child=functools.partial(_leave_to_parent, engine))
    return engine, database


def _leave_to_parent(engine: Engine) -> None:
    """Make connections anew: those that there are belong to the parent, and must not even be closed here."""
    _OF_PARENT.append(engine.pool)
    engine.dispose(close=False)


def log(
    connection: Connection,
    *,
    now: float,
    who: str,
    what: str,
    subject: str,
    outcome: str,
    inputs: dict[str, t.Any],
) -> None:
    """Append an event: who did what to which subject, on what grounds, with what outcome."""
    event = entry(now=now, who=who, what=what, subject=subject, outcome=outcome, inputs=inputs)
    statements.write(connection, [event])


def entry(
    *, now: float, who: str, what: str, subject: str, outcome: str, inputs: dict[str, t.Any]
) -> statements.Change:
    """The same, to be written together with what was done."""
    values = {"who": who, "what": what, "subject": subject, "outcome": outcome, "inputs": inputs}
    return statements.insert(tables().event, {"time": now, **values})


def log_all(
    connection: Connection,
    *,
    now: float,
    who: str,
    what: str,
    outcome: str,
    inputs: Mapping[str, Mapping[str, t.Any]],
) -> None:
    """Append an event for each subject that has inputs: the same was done to all, on grounds of their own."""
    alike = {"time": now, "who": who, "what": what, "outcome": outcome}
    rows = [{**alike, "subject": subject, "inputs": dict(mine)} for subject, mine in inputs.items()]
    if rows:
        connection.execute(sa.insert(tables().event), rows)


@contextlib.contextmanager
def _told(engine: Engine) -> Iterator[None]:
    try:
        yield
    except _errors(engine) as error:
        orig = getattr(error, "orig", error)
        reason = (str(orig).strip() or type(orig).__name__).splitlines()[0]
        raise LedgerError(
            reason,
            where=f"ledger {engine.url.render_as_string()}",
            way_out="Check that the database is there, not full, and that this user may write to it",
        ) from error


def _errors(engine: Engine) -> tuple[type[Exception], ...]:
    """Of SQLAlchemy, or of the driver itself: see statements.py."""
    return (sa.exc.DBAPIError, t.cast(t.Any, engine.dialect.dbapi).Error)
