# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Changes of single rows, by statements that are built once.

To build a statement and its cache key anew costs SQLAlchemy ten times as much as to run it, and all of that
while the other writers wait.
"""

from __future__ import annotations

import contextlib
import functools
import typing as t
from collections.abc import Mapping

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Delete, Insert, Table, Update


def insert(connection: Connection, table: Table, values: Mapping[str, t.Any]) -> None:
    """Add a row; columns that are not given have their defaults."""
    connection.execute(_insert(table), values)


def update(
    connection: Connection, table: Table, key: Mapping[str, t.Any], values: Mapping[str, t.Any]
) -> None:
    """Change what `values` names, in the rows whose columns are equal to `key`."""
    parameters = {f"key_{name}": value for name, value in key.items()}
    parameters.update((f"new_{name}", value) for name, value in values.items())
    connection.execute(_update(table, tuple(key), tuple(values)), parameters)


def delete(connection: Connection, table: Table, key: Mapping[str, t.Any]) -> None:
    """Remove the rows whose columns are equal to `key`."""
    connection.execute(_delete(table, tuple(key)), {f"key_{name}": value for name, value in key.items()})


@functools.cache
def _insert(table: Table) -> Insert:
    return sa.insert(table)


@functools.cache
def _update(table: Table, key: tuple[str, ...], values: tuple[str, ...]) -> Update:
    changes = {name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in values}
    return sa.update(table).where(*_equal(table, key)).values(changes)


@functools.cache
def _delete(table: Table, key: tuple[str, ...]) -> Delete:
    return sa.delete(table).where(*_equal(table, key))


def _equal(table: Table, key: tuple[str, ...]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == sa.bindparam(f"key_{name}") for name in key]
