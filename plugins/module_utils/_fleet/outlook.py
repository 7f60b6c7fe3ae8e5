# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a rollout can do next: is there work for a run now, later, or only after somebody has acted?"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import claims, states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.gatekeeping import PAUSE
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import verdict
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Row

# A run that begins now finds work.
NOW = "now"
# One that begins at a time to come does.
AT = "at"
# None does before an operator has acted.
BLOCKED = "blocked"
# None ever does.
OVER = "over"

_SOON = 60.0  # seconds until another run may have got on
_DOMAINS = 100  # so many hosts of different domains are asked about


@dataclass(frozen=True)
class Outlook:
    """When a run finds work: `at` is a Unix time for AT, 0 otherwise; `reason` why not now."""

    when: str
    at: float
    reason: str


def outlook(connection: Connection, rollout: int, *, now: float) -> Outlook:
    """For the rollout of that number, for a run that is not there yet. Nothing is written."""
    table = tables().rollout
    row = connection.execute(sa.select(table).where(table.c.id == rollout)).one()
    told = f"the rollout is {row.state}{f': {row.reason}' if row.reason else ''}"
    if row.state not in states.UNFINISHED:
        return Outlook(OVER, 0.0, told)
    flying = _ask(connection, rollout, _in_flight(connection, rollout), now)
    if any(isinstance(answer, claims.Granted) for answer in flying):
        return Outlook(NOW, 0.0, "")
    if row.state != states.RUNNING:
        return Outlook(AT, now + _SOON, "another run is at work") if flying else Outlook(BLOCKED, 0.0, told)
    waiting = _ask(connection, rollout, _next_wave(connection, rollout), now)
    if any(isinstance(answer, claims.Granted) for answer in waiting):
        return Outlook(NOW, 0.0, "")
    waits = [answer for answer in waiting if isinstance(answer, claims.Wait)]
    if any(answer.gates for answer in waits):
        return _gates(row, next(answer.reason for answer in waits if answer.gates), now)
    timed = [answer for answer in waits if answer.until]
    if timed:
        first = min(timed, key=lambda answer: answer.until)
        return Outlook(AT, first.until, first.reason)
    if flying:
        return Outlook(AT, now + _SOON, "another run is at work")
    refused = [answer for answer in waiting if not isinstance(answer, claims.Granted)]
    return Outlook(BLOCKED, 0.0, refused[0].reason if refused else "every host that is left is exempt")


def _gates(row: Row[t.Any], reason: str, now: float) -> Outlook:
    again = row.asked + PAUSE
    return Outlook(NOW, 0.0, "") if again <= now else Outlook(AT, again, reason)


def _ask(connection: Connection, rollout: int, hosts: Sequence[str], now: float) -> list[claims.Verdict]:
    """What claims would be told, up to the first that is granted."""
    answers: list[claims.Verdict] = []
    for host in hosts:
        answers.append(verdict(connection, rollout, host, now=now))
        if isinstance(answers[-1], claims.Granted):
            break
    return answers


def _in_flight(connection: Connection, rollout: int) -> Sequence[str]:
    table = tables().assignment
    resting = (*states.WAITING, *states.FINAL, *states.LEFT_OUT)
    query = sa.select(table.c.host).where((table.c.rollout == rollout) & table.c.state.not_in(resting))
    return connection.scalars(query.order_by(table.c.rank).limit(_DOMAINS)).all()


def _next_wave(connection: Connection, rollout: int) -> Sequence[str]:
    """Of the first wave that is not through, each domain's first host to start, and first to try again."""
    table, host = tables().assignment, tables().host
    waiting = (table.c.rollout == rollout) & table.c.state.in_(states.WAITING)
    first = sa.select(sa.func.min(table.c.wave)).where(waiting).scalar_subquery()
    order = (table.c.retry_at, table.c.rank, table.c.host)
    turns = sa.func.row_number().over(partition_by=(host.c.domain, table.c.state), order_by=order)
    ranked = (
        sa.select(table.c.host, turns.label("turn"))
        .join(host, host.c.name == table.c.host)
        .where(waiting & (table.c.wave == first))
        .subquery()
    )
    return connection.scalars(sa.select(ranked.c.host).where(ranked.c.turn == 1).limit(_DOMAINS)).all()
