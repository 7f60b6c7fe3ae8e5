# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The ledger's counters: how many hosts serve (`capacity`), and how far each wave is (`wave`).

Each is changed in the transaction that changes what it counts, and counted anew whenever hosts are enrolled
or a rollout is opened. All functions are for Ledger.write().
"""

from __future__ import annotations

import contextlib
import functools
import typing as t
from collections.abc import Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import FLEET, tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Select, Update


_COUNTED = ("failed", "unreachable")
_BUCKETS = ("done", *_COUNTED)


class WaveCount(t.NamedTuple):
    """One wave of a rollout. `failed` are rolled back, quarantined or held; `last_done` is a time, or 0."""

    number: int
    hosts: int
    done: int
    failed: int
    unreachable: int
    last_done: float


def scope_of(domain: str) -> str:
    """The scope of `capacity` for a failure domain."""
    return f"domain:{domain}"


def charge(connection: Connection, domain: str, hosts: int) -> None:
    """So many more hosts of the domain are unavailable (fewer, when negative)."""
    connection.execute(_charge(), {"domain": scope_of(domain), "more": hosts})


@functools.lru_cache(maxsize=1)
def _charge() -> Update:
    table = tables().capacity
    touched = (table.c.scope == FLEET) | (table.c.scope == sa.bindparam("domain"))
    return sa.update(table).where(touched).values(unavailable=table.c.unavailable + sa.bindparam("more"))


def count_capacity(connection: Connection) -> None:
    """Count all hosts."""
    table, host = tables().capacity, tables().host
    query = sa.select(
        host.c.domain,
        sa.func.count().label("hosts"),
        sa.func.sum(sa.case((host.c.unavailable != "", 1), else_=0)).label("unavailable"),
    ).group_by(host.c.domain)
    rows = [
        {"scope": scope_of(row.domain), "hosts": row.hosts, "unavailable": row.unavailable}
        for row in connection.execute(query)
    ]
    whole = {key: sum(row[key] for row in rows) for key in ("hosts", "unavailable")}
    connection.execute(table.delete())
    connection.execute(table.insert(), [{"scope": FLEET, **whole}, *rows])


def move(connection: Connection, rollout: int, wave: int, before: str, after: str, *, now: float) -> None:
    """A host of the wave has gone from one state to another."""
    old, new = _bucket(before), _bucket(after)
    if old == new:
        return
    more = {f"more_{name}": (name == new) - (name == old) for name in _BUCKETS}
    ended = now if after == states.DONE else 0.0
    connection.execute(_move(), {"of": rollout, "place": wave, "ended": ended, **more})
    if old in _COUNTED and new not in _COUNTED:
        unforgive(connection, rollout, 1)


@functools.lru_cache(maxsize=1)
def _move() -> Update:
    table, ended = tables().wave, sa.bindparam("ended", type_=sa.Float)
    here = (table.c.rollout == sa.bindparam("of")) & (table.c.number == sa.bindparam("place"))
    counts = {name: table.c[name] + sa.bindparam(f"more_{name}") for name in _BUCKETS}
    last_done = sa.case((table.c.last_done < ended, ended), else_=table.c.last_done)
    return sa.update(table).where(here).values(**counts, last_done=last_done)


def unforgive(connection: Connection, rollout: int, hosts: int) -> None:
    """So many hosts have failed no more. Whether it was they who were forgiven nobody knows: assume so."""
    table = tables().rollout
    left = sa.case((table.c.forgiven > hosts, table.c.forgiven - hosts), else_=0)
    place = (table.c.id == rollout) & (table.c.forgiven > 0)
    connection.execute(table.update().where(place).values(forgiven=left))


def count_waves(connection: Connection, rollout: int) -> None:
    """Count all hosts of a rollout; those that are exempt are no part of their wave."""
    table, assignment = tables().wave, tables().assignment
    query = (
        sa.select(
            assignment.c.wave,
            assignment.c.state,
            sa.func.count().label("hosts"),
            sa.func.max(assignment.c.ended).label("ended"),
        )
        .where(assignment.c.rollout == rollout)
        .group_by(assignment.c.wave, assignment.c.state)
    )
    counted: dict[int, dict[str, t.Any]] = {}
    for row in connection.execute(query):
        counts = counted.setdefault(
            row.wave, {"hosts": 0, "done": 0, "failed": 0, "unreachable": 0, "last_done": 0.0}
        )
        if row.state not in states.LEFT_OUT:
            counts["hosts"] += row.hosts
        bucket = _bucket(row.state)
        if bucket:
            counts[bucket] += row.hosts
        if row.state == states.DONE:
            counts["last_done"] = row.ended or 0.0
    connection.execute(table.delete().where(table.c.rollout == rollout))
    if counted:
        rows = [{"rollout": rollout, "number": number, **counts} for number, counts in counted.items()]
        connection.execute(table.insert(), rows)


def waves(connection: Connection, rollout: int) -> Sequence[WaveCount]:
    """The waves that have hosts, in order."""
    return [WaveCount(*row) for row in connection.execute(_waves(), {"of": rollout})]


@functools.lru_cache(maxsize=1)
def _waves() -> Select[t.Any]:
    table = tables().wave
    query = sa.select(*[table.c[name] for name in WaveCount._fields])
    return query.where(table.c.rollout == sa.bindparam("of")).order_by(table.c.number)


def _bucket(state: str) -> str:
    """The column of `wave` that counts hosts in this state, "" if none does."""
    if state == states.DONE:
        return "done"
    if state == states.UNREACHABLE:
        return "unreachable"
    return "failed" if state in states.FAILED else ""
