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
import typing as t
from collections.abc import Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import statements, states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import FLEET, tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Select, Update


_COUNTED = ("failed", "unreachable")
_BUCKETS = ("done", *_COUNTED)


class WaveCount(t.NamedTuple):
    """One wave of a rollout. `failed` are rolled back, quarantined or held; `last_done` is a time, or 0.

    `forgiven` are failures that an operator has seen and resumed from.
    """

    number: int
    hosts: int
    done: int
    failed: int
    unreachable: int
    last_done: float
    forgiven: int = 0

    @property
    def charged(self) -> int:
        """Failures that count against the error budgets."""
        return self.failed + self.unreachable - self.forgiven

    def moved(self, before: str, after: str, *, now: float) -> WaveCount:
        """The same when one of its hosts has gone from one state to another."""
        old, new = _bucket(before), _bucket(after)
        if old == new:
            return self
        counts = {name: getattr(self, name) + (name == new) - (name == old) for name in _BUCKETS}
        if new == "done":
            counts["last_done"] = max(self.last_done, now)
        if old in _COUNTED and new not in _COUNTED:
            # Whether it was this host that was forgiven nobody knows: assume so.
            counts["forgiven"] = max(self.forgiven - 1, 0)
        return self._replace(**counts)


def scope_of(domain: str) -> str:
    """The scope of `capacity` for a failure domain."""
    return f"domain:{domain}"


def charge(domain: str, hosts: int) -> statements.Change:
    """So many more hosts of the domain are unavailable (fewer, when negative)."""
    return statements.Change(statements.Part(_charge), {"domain": scope_of(domain), "more": hosts})


def _charge(prefix: str) -> Update:
    table = tables().capacity
    touched = (table.c.scope == FLEET) | (table.c.scope == sa.bindparam(f"{prefix}domain"))
    more = sa.bindparam(f"{prefix}more", type_=sa.Integer)
    return sa.update(table).where(touched).values(unavailable=table.c.unavailable + more)


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


def count(rollout: int, before: WaveCount, after: WaveCount) -> list[statements.Change]:
    """What has become of a wave."""
    if before == after:
        return []
    values = {name: getattr(after, name) for name in (*_BUCKETS, "last_done", "forgiven")}
    return [statements.update(tables().wave, {"rollout": rollout, "number": after.number}, values)]


def unforgive(connection: Connection, rollout: int, wave: int) -> None:
    """A host of the wave has failed no more. See WaveCount.moved."""
    table = tables().wave
    place = (table.c.rollout == rollout) & (table.c.number == wave) & (table.c.forgiven > 0)
    connection.execute(table.update().where(place).values(forgiven=table.c.forgiven - 1))


def forgive(connection: Connection, rollout: int) -> int:
    """No failure so far counts any more; returns how many there are."""
    table = tables().wave
    mine = table.c.rollout == rollout
    connection.execute(table.update().where(mine).values(forgiven=table.c.failed + table.c.unreachable))
    return int(connection.scalar(sa.select(sa.func.sum(table.c.forgiven)).where(mine)) or 0)


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
    forgiven = {wave.number: wave.forgiven for wave in waves(connection, rollout)}
    counted: dict[int, dict[str, t.Any]] = {}
    for row in connection.execute(query):
        counts = counted.setdefault(
            row.wave,
            {
                **dict.fromkeys(("hosts", *_BUCKETS), 0),
                "last_done": 0.0,
                "forgiven": forgiven.get(row.wave, 0),
            },
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
    return [WaveCount(*row) for row in statements.read(connection, statements.Part(_waves), {"of": rollout})]


def _waves(prefix: str) -> Select[t.Any]:
    table = tables().wave
    query = sa.select(*[table.c[name] for name in WaveCount._fields])
    mine = table.c.rollout == sa.bindparam(f"{prefix}of", type_=sa.Integer)
    return query.where(mine).order_by(table.c.number)


def _bucket(state: str) -> str:
    """The column of `wave` that counts hosts in this state, "" if none does."""
    if state == states.DONE:
        return "done"
    if state == states.UNREACHABLE:
        return "unreachable"
    return "failed" if state in states.FAILED else ""
