# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The statements of every step of every host, written out once for all processes and connections.

To write a statement out costs SQLAlchemy a hundred times as much as to run it, to find it in its cache ten
times as much, and every message to a server takes its time: all of that while the other writers wait. So what
a process wrote out before it forks each of its children has, whatever ledger it opens (see _warm.py); it goes
straight to the driver; and changes that belong together are one message where the database can.
"""

from __future__ import annotations

import contextlib
import functools
import typing as t
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Delete, Dialect, Insert, Table, Update

    Processor = Callable[[t.Any], t.Any]

# The kinds of database, by an address that has their words. Of them, one takes many changes at once.
_KINDS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}
_MANY_AT_ONCE = "postgresql"


class Part(t.NamedTuple):
    """Makes a statement, as `build(prefix, *shape)`; the names of its parameters begin with the prefix."""

    build: Callable[..., t.Any]
    shape: tuple[t.Any, ...] = ()


class Change(t.NamedTuple):
    """A statement that changes something, and the values of its parameters."""

    part: Part
    values: Mapping[str, t.Any]


class _Text(t.NamedTuple):
    """SQL, its constants, what to do with some of its other parameters, and how its rows look."""

    sql: str
    constants: Mapping[str, t.Any]
    processors: Mapping[str, Processor]
    row: Callable[..., t.Any]


_WRITTEN_OUT: dict[tuple[str, tuple[Part, ...]], list[_Text]] = {}


def insert(table: Table, values: Mapping[str, t.Any]) -> Change:
    """Add a row; columns that are not given have the database's defaults."""
    return Change(Part(_insert, (table, tuple(values))), values)


def update(table: Table, key: Mapping[str, t.Any], values: Mapping[str, t.Any]) -> Change:
    """Change what `values` names, in the rows whose columns are equal to `key`."""
    parameters = {f"key_{name}": value for name, value in key.items()}
    parameters.update((f"new_{name}", value) for name, value in values.items())
    return Change(Part(_update, (table, tuple(key), tuple(values))), parameters)


def delete(table: Table, key: Mapping[str, t.Any]) -> Change:
    """Remove the rows whose columns are equal to `key`."""
    return Change(Part(_delete, (table, tuple(key))), {f"key_{name}": value for name, value in key.items()})


def write(connection: Connection, changes: Sequence[Change]) -> None:
    """Make the changes. No two of them may be of the same row: nobody says which comes first."""
    texts = _texts(connection.dialect.name, tuple(change.part for change in changes))
    values = {
        f"{_prefix(number)}{name}": value
        for number, change in enumerate(changes)
        for name, value in change.values.items()
    }
    with contextlib.closing(connection.connection.cursor()) as cursor:
        for text in texts:
            _run(cursor, text, values)


def read(connection: Connection, part: Part, values: Mapping[str, t.Any]) -> list[t.Any]:
    """Ask; returns rows whose columns are attributes. JSON and truth values are as the driver has them."""
    [text] = _texts(connection.dialect.name, (part,))
    with contextlib.closing(connection.connection.cursor()) as cursor:
        _run(cursor, text, {f"{_prefix(0)}{name}": value for name, value in values.items()})
        return [text.row(*row) for row in cursor.fetchall()]


def write_out_for_all() -> None:
    """What was written out for one kind of database, write out for those whose drivers are there."""
    for kind in _KINDS:
        with contextlib.suppress(ImportError):
            for _kind, parts in list(_WRITTEN_OUT):
                _texts(kind, parts)


def _run(cursor: t.Any, text: _Text, values: Mapping[str, t.Any]) -> None:
    processed = {name: process(values[name]) for name, process in text.processors.items()}
    cursor.execute(text.sql, {**text.constants, **values, **processed})


def _texts(kind: str, parts: tuple[Part, ...]) -> list[_Text]:
    """One for each part, or one for all."""
    found = _WRITTEN_OUT.get((kind, parts))
    if found is None:
        built = [part.build(_prefix(number), *part.shape) for number, part in enumerate(parts)]
        if kind == _MANY_AT_ONCE and len(built) > 1:
            *others, last = built
            built = [last.add_cte(*[one.cte(f"change_{number}") for number, one in enumerate(others)])]
        found = _WRITTEN_OUT[kind, parts] = [_text(_dialect(kind), statement) for statement in built]
    return found


def _text(dialect: Dialect, statement: t.Any) -> _Text:
    compiled = statement.compile(dialect=dialect)
    parameters = {name: compiled.binds[name] for name in compiled.params}
    processors = {
        name: process
        for name, parameter in parameters.items()
        if (process := parameter.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    constants = {name: parameter.value for name, parameter in parameters.items() if not parameter.required}
    names = statement.selected_columns.keys() if statement.is_select else []
    return _Text(str(compiled), constants, processors, namedtuple("Row", names))


@functools.cache
def _dialect(kind: str) -> Dialect:
    """Its words; parameters have names with all of them."""
    named = {"paramstyle": "named"} if kind == "sqlite" else {}
    return sa.create_engine(_KINDS[kind], **named).dialect


def _prefix(number: int) -> str:
    return f"c{number}_"


def _insert(prefix: str, table: Table, values: tuple[str, ...]) -> Insert:
    return sa.insert(table).values(_parameters(prefix, table, values)).inline()


def _update(prefix: str, table: Table, key: tuple[str, ...], values: tuple[str, ...]) -> Update:
    changes = _parameters(f"{prefix}new_", table, values)
    return sa.update(table).where(*_equal(prefix, table, key)).values(changes)


def _delete(prefix: str, table: Table, key: tuple[str, ...]) -> Delete:
    return sa.delete(table).where(*_equal(prefix, table, key))


def _parameters(prefix: str, table: Table, names: tuple[str, ...]) -> dict[str, t.Any]:
    return {name: sa.bindparam(f"{prefix}{name}", type_=table.c[name].type) for name in names}


def _equal(prefix: str, table: Table, key: tuple[str, ...]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == sa.bindparam(f"{prefix}key_{name}", type_=table.c[name].type) for name in key]
