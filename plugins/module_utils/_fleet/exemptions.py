# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Hosts that somebody keeps out of rollouts: with an owner, a reason and an end, or not at all."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import statements, states, tally
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import log
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import stamp

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Exemption:
    """Who answers for it, why, and until when (a Unix time)."""

    owner: str
    reason: str
    expires: float


def exempt(
    connection: Connection, hosts: Sequence[str], wanted: Exemption | None, *, who: str, now: float
) -> list[str]:
    """Give each host the exemption, or end what it has (None); returns the hosts that this changed.

    A host that has failed is charged no more: whoever exempts it answers for it. One in flight is finished
    all the same. Raises InputError for an exemption without owner, reason or future end, and for a host that
    the ledger does not have.
    """
    _check(connection, hosts, wanted, now)
    table = tables().exemption
    known = {
        row.host: Exemption(row.owner, row.reason, row.expires)
        for row in connection.execute(sa.select(table))
    }
    waived = [] if wanted is None else [host for host in hosts if _waive(connection, host)]
    changed = [host for host in hosts if known.get(host) != wanted or host in waived]
    for host in changed:
        connection.execute(table.delete().where(table.c.host == host))
        if wanted is not None:
            connection.execute(table.insert().values(host=host, **wanted.__dict__))
        log(
            connection,
            now=now,
            who=who,
            what="exempt",
            subject=host,
            outcome=describe(wanted) if wanted else "no longer exempt",
            inputs={
                "wanted": wanted and wanted.__dict__,
                "was": known[host].__dict__ if host in known else None,
                "waived": host in waived,
            },
        )
    rollout = tables().rollout
    for number in connection.scalars(
        sa.select(rollout.c.id).where(rollout.c.state.in_(states.UNFINISHED))
    ).all():
        mark_exempt(connection, number, now=now)
        tally.count_waves(connection, number)
    return changed


def _waive(connection: Connection, host: str) -> bool:
    """Take the charge from a host that has failed; returns whether there was one.

    One that was changed stays out of its rollout, as the release has failed it. One that was held, or waits
    to be tried again, runs what it ran: it is exempt as others are.
    """
    assignment, rollout, table = tables().assignment, tables().rollout, tables().host
    row = connection.execute(sa.select(table).where(table.c.name == host)).one()
    open_ones = sa.select(rollout.c.id).where(rollout.c.state.in_(states.UNFINISHED))
    mine = (assignment.c.host == host) & assignment.c.rollout.in_(open_ones)
    failed = connection.execute(
        sa.select(assignment.c.rollout, assignment.c.wave, assignment.c.state).where(
            mine & assignment.c.state.in_((*states.FAILED, states.RETRY))
        )
    ).all()
    for number, wave, state in failed:
        untouched = state in (states.HELD, states.RETRY)
        values: dict[str, t.Any] = {"state": states.EXEMPT if untouched else states.WAIVED}
        if untouched:
            values |= {"retries": 0, "retry_at": 0.0, "ended": None}
        connection.execute(
            assignment.update().where(mine & (assignment.c.rollout == number)).values(**values)
        )
        if state in states.FAILED:
            tally.unforgive(connection, number, wave)
    charged = row.unavailable in (*states.FAILED, states.RETRY)
    if charged:
        connection.execute(tables().claim.delete().where(tables().claim.c.host == host))
        connection.execute(table.update().where(table.c.name == host).values(unavailable=""))
        statements.write(connection, [tally.charge(row.domain, -1)])
    return charged or bool(failed)


def mark_exempt(connection: Connection, rollout: int, *, now: float) -> None:
    """Take hosts that are exempt now out of a rollout, and those that are no longer back in."""
    table, assignment = tables().exemption, tables().assignment
    lasting = sa.select(table.c.host).where(table.c.expires > now)
    mine = assignment.c.rollout == rollout
    joining = mine & (assignment.c.state == states.EXEMPT) & assignment.c.host.not_in(lasting)
    leaving = mine & (assignment.c.state == states.ELIGIBLE) & assignment.c.host.in_(lasting)
    connection.execute(assignment.update().where(joining).values(state=states.ELIGIBLE))
    connection.execute(assignment.update().where(leaving).values(state=states.EXEMPT))


def exemption_of(connection: Connection, host: str, *, now: float) -> Exemption | None:
    """The exemption that a host has now."""
    table = tables().exemption
    row = connection.execute(sa.select(table).where((table.c.host == host) & (table.c.expires > now))).first()
    return None if row is None else Exemption(row.owner, row.reason, row.expires)


def describe(exemption: Exemption) -> str:
    """For a person."""
    return f"exempt until {stamp(exemption.expires)} ({exemption.owner}: {exemption.reason})"


def _check(connection: Connection, hosts: Sequence[str], wanted: Exemption | None, now: float) -> None:
    if not hosts:
        raise InputError("names no host", where="hosts", way_out="An empty selection never means all hosts")
    if wanted is not None:
        for field in ("owner", "reason"):
            if not getattr(wanted, field).strip():
                raise InputError("is empty", where=field, way_out="An exemption needs an owner and a reason")
        if wanted.expires <= now:
            raise InputError(
                f"{stamp(wanted.expires)} is over", where="expires", way_out="Give a time to come"
            )
    host = tables().host
    known = set(connection.scalars(sa.select(host.c.name).where(host.c.name.in_(hosts))))
    for name in hosts:
        if name not in known:
            raise InputError("is not in the ledger", where=name, way_out="Enrol it first: osaas.fleet.enrol")
