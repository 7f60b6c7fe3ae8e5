# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""How the two kinds of database let writers take turns, and when what they wrote is on disk.

A writer decides and commits in its turn, passes the turn on, and only then waits for the disk, where one
flush serves everybody who waits. That is safe: nobody acts on what was written before write() has returned,
and both databases keep one log in the order of the turns, so whoever has flushed has flushed all that it saw.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, LedgerError

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Select, Transaction

_LOCK_TIMEOUT = 60
# Any constant: writers of one PostgreSQL ledger take turns on this advisory lock.
_PG_LOCK = 0x05AA5


class Database(t.Protocol):
    """What differs between the kinds."""

    connect_args: Mapping[str, t.Any]

    def prepare(self, engine: Engine) -> None:
        """Set up every connection that `engine` will make."""

    def turn(self, connection: Connection) -> contextlib.AbstractContextManager[Transaction]:
        """A transaction that no other writer overlaps; when it ends it need not be on disk."""

    def flush(self, connection: Connection) -> None:
        """Return when all that `connection` has committed is on disk."""


def database_of(url: sa.URL) -> Database:
    """The kind of database that `url` is for. Raises InputError for one that has no ledgers."""
    kind = url.get_backend_name()
    if kind == "sqlite":
        return Sqlite(url.database or "")
    if kind == "postgresql":
        return Postgresql()
    raise InputError(
        f"{kind} is not supported",
        where="ledger",
        way_out="Use a SQLite file or postgresql+psycopg://HOST/NAME",
    )


class Sqlite:
    """A file, and its write-ahead log beside it."""

    connect_args: Mapping[str, t.Any] = {"timeout": _LOCK_TIMEOUT}

    def __init__(self, path: str) -> None:
        self._path = path

    def prepare(self, engine: Engine) -> None:
        """See Database."""
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)

    @contextlib.contextmanager
    def turn(self, connection: Connection) -> Iterator[Transaction]:
        """See Database.

        SQLite itself lets the waiting poll, so that of many writers some starve. The kernel queues them, and
        lets the next one in when a writer is killed.
        """
        path = f"{self._path}.turn"
        with _opened(path, os.O_RDWR | os.O_CREAT) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            connection = connection.execution_options(osaas_write=True)
            with connection.begin() as transaction:
                yield transaction

    def flush(self, connection: Connection) -> None:
        """See Database. What is no longer in the log was flushed when it was moved from there."""
        del connection
        with _opened(f"{self._path}-wal", os.O_RDONLY) as descriptor:
            os.fdatasync(descriptor)


class Postgresql:
    """A server, which several controllers may share."""

    connect_args: Mapping[str, t.Any] = {}

    def prepare(self, engine: Engine) -> None:
        """See Database."""

    @contextlib.contextmanager
    def turn(self, connection: Connection) -> Iterator[Transaction]:
        """See Database."""
        with connection.begin() as transaction:
            connection.execute(_take_turn())
            yield transaction

    def flush(self, connection: Connection) -> None:
        """See Database. A message in the log is flushed as every commit is, with all that comes before it."""
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        with alone.begin():
            alone.exec_driver_sql("SELECT pg_logical_emit_message(true, 'osaas', '')")


@functools.lru_cache(maxsize=1)
def _take_turn() -> Select[t.Any]:
    return sa.select(
        sa.func.set_config("synchronous_commit", "off", True), sa.func.pg_advisory_xact_lock(_PG_LOCK)
    )


@contextlib.contextmanager
def _opened(path: str, flags: int) -> Iterator[int]:
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC, 0o660)
    except OSError as error:
        raise LedgerError(
            f"cannot be written to: {error.strerror}",
            where=f"ledger {path}",
            way_out="Check that the directory is there, and that this user may write to it",
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _prepare_sqlite(connection: t.Any, _record: t.Any) -> None:
    # The driver must not begin transactions by itself, see _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # A commit does not wait for the disk: Sqlite.flush() does, see above.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once: a deferred one could see a state that is stale when it writes.
    write = connection.get_execution_options().get("osaas_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
