# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Why a host is where it is, as data and as lines for a person."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import claims, states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.exemptions import describe, exemption_of
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.gatekeeping import answers
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import verdict
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import stored_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.status import gate_line
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import stamp

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection

_STORY = 20  # events


def explain(connection: Connection, host: str, *, now: float) -> dict[str, t.Any]:
    """What the ledger knows of a host: what it runs, where it stands, why it waits, and its story.

    `events` are its newest, oldest first. Raises InputError for a host that the ledger does not have.
    """
    table, event = tables().host, tables().event
    row = connection.execute(sa.select(table).where(table.c.name == host)).first()
    if row is None:
        raise InputError("is not in the ledger", where=host, way_out="Enrol it first: osaas.fleet.enrol")
    exemption = exemption_of(connection, host, now=now)
    story = connection.execute(
        sa.select(event).where(event.c.subject == host).order_by(event.c.id.desc()).limit(_STORY)
    ).all()
    return {
        "host": host,
        "domain": row.domain,
        "labels": row.labels,
        "release": row.release,
        "unavailable": row.unavailable,
        "exemption": describe(exemption) if exemption else "",
        "rollout": _place(connection, host, now=now),
        "events": [
            {"time": one.time, "who": one.who, "what": one.what, "outcome": one.outcome, "inputs": one.inputs}
            for one in reversed(story)
        ],
    }


def _place(connection: Connection, host: str, *, now: float) -> dict[str, t.Any] | None:
    """The host's place in the newest rollout that it is part of."""
    assignment, rollout = tables().assignment, tables().rollout
    row = connection.execute(
        sa.select(
            assignment,
            rollout.c.release,
            rollout.c.state.label("rollout_state"),
            sa.cast(rollout.c.policy, sa.Text).label("policy"),
        )
        .join(rollout, rollout.c.id == assignment.c.rollout)
        .where(assignment.c.host == host)
        .order_by(assignment.c.rollout.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    return {
        "id": row.rollout,
        "release": row.release,
        "state": row.rollout_state,
        "wave": stored_policy(row.policy).waves[row.wave].name,
        "cohort": row.rank,
        "host_state": row.state,
        "reason": row.reason,
        "attempt": row.attempt,
        "failure": row.failure,
        "retries": row.retries,
        "retry_at": row.retry_at,
        "gates": answers(connection, row.rollout),
        "next": _next(verdict(connection, row.rollout, host, now=now), row.state),
    }


def _tries(place: Mapping[str, t.Any]) -> list[str]:
    """How often it was tried again, if a step of it has failed."""
    if not place["failure"]:
        return []
    again = f", retries: {place['retries']}" if place["retries"] else ""
    at = f", next at {stamp(place['retry_at'])}" if place["host_state"] == states.RETRY else ""
    return [f"The last step that failed was one of {place['failure']}{again}{at}."]


def _next(answer: claims.Verdict, state: str) -> str:
    if state in states.FINAL:
        return "nothing: the host is through"
    if isinstance(answer, claims.Granted):
        return (
            "the next run updates it"
            if state == states.ELIGIBLE
            else "a run is at it, or the next one finishes it"
        )
    word = "it waits" if isinstance(answer, claims.Wait) else "it is refused"
    until = f" (until {stamp(answer.until)})" if isinstance(answer, claims.Wait) and answer.until else ""
    return f"{word}: {answer.reason}{until}"


def explain_lines(told: Mapping[str, t.Any]) -> list[str]:
    """The same for a person."""
    serving = f"unavailable: {told['unavailable']}" if told["unavailable"] else "serving"
    lines = [f"{told['host']} of {told['domain']} runs {told['release'] or 'an unknown release'}, {serving}"]
    if told["exemption"]:
        lines.append(told["exemption"])
    place = told["rollout"]
    if place is None:
        lines.append("It is in no rollout.")
    else:
        why = f" ({place['reason']})" if place["reason"] else ""
        lines += [
            f"Rollout {place['id']} of release {place['release']} is {place['state']}; in wave"
            f" {place['wave']}, cohort {place['cohort']}, the host is {place['host_state']}{why}.",
            *_tries(place),
            *(f"{gate_line(gate)}." for gate in place["gates"]),
            f"Next: {place['next']}",
        ]
    events = [f"  {stamp(one['time'])} {one['what']}: {one['outcome']}" for one in told["events"]]
    return [*lines, *(["Events:", *events] if events else [])]
