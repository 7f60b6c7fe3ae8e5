# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Where a rollout and its hosts stand, as data and as a table for a person."""

from __future__ import annotations

import contextlib
import time
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.gatekeeping import answers
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.outlook import AT, BLOCKED, outlook
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import parse_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import stamp

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection

COLUMNS = ("host", "domain", "wave", "before", "after", "result", "unavailable")


def rollout_status(connection: Connection, number: int | None = None) -> dict[str, t.Any]:
    """The rollout `number`, or the newest, with its hosts in the order of the plan.

    Times are Unix seconds, `unavailable_seconds` counts on while a host is disrupted. Raises InputError when
    there is no such rollout.

    `next` says when a run finds work, see Outlook; `gates` has each gate's newest answer.
    """
    rollout = tables().rollout
    query = sa.select(rollout).order_by(rollout.c.id.desc()).limit(1)
    row = connection.execute(query if number is None else query.where(rollout.c.id == number)).first()
    if row is None:
        raise InputError(f"has no rollout {number}" if number else "has no rollouts yet", where="ledger")
    now = time.time()
    policy = parse_policy(row.policy)
    hosts = _hosts(connection, row.id, [wave.name for wave in policy.waves], now)
    counts: dict[str, int] = {}
    for host in hosts:
        counts[host["state"]] = counts.get(host["state"], 0) + 1
    return {
        "id": row.id,
        "release": row.release,
        "state": row.state,
        "reason": row.reason,
        "created": row.created,
        "ended": row.ended,
        "next": asdict(outlook(connection, row.id, now=now)),
        "gates": answers(connection, row.id),
        "counts": counts,
        "hosts": hosts,
    }


def _hosts(connection: Connection, number: int, waves: Sequence[str], now: float) -> list[dict[str, t.Any]]:
    assignment, host = tables().assignment, tables().host
    query = (
        sa.select(assignment, host.c.domain, host.c.release, host.c.digest)
        .join(host, host.c.name == assignment.c.host)
        .where(assignment.c.rollout == number)
        .order_by(assignment.c.wave, assignment.c.rank, assignment.c.host)
    )
    return [
        {
            "host": row.host,
            "domain": row.domain,
            "wave": waves[row.wave],
            "state": row.state,
            "reason": row.reason,
            "attempt": row.attempt,
            "from_release": row.from_release,
            "release": row.release,
            "digest": row.digest,
            "unavailable_seconds": row.unavailable_seconds
            + (now - row.unavailable_since if row.unavailable_since else 0),
        }
        for row in connection.execute(query)
    ]


def status_lines(status: Mapping[str, t.Any]) -> list[str]:
    """The status as lines for a person: a heading, a table of hosts, and why some did not go well."""
    counts = ", ".join(f"{count} {state}" for state, count in sorted(status["counts"].items()))
    heading = f"Rollout {status['id']} of release {status['release']}: {status['state']} ({counts})"
    rows = [_row(host) for host in status["hosts"]]
    reasons = [f"{host['host']}: {host['reason']}" for host in status["hosts"] if host["reason"]]
    if status["reason"]:
        reasons.insert(0, f"{status['state']}: {status['reason']}")
    reasons += map(gate_line, status["gates"])
    following = status["next"]
    if following["when"] == AT:
        reasons.append(f"goes on at {stamp(following['at'])}: {following['reason']}")
    elif following["when"] == BLOCKED and status["state"] == "running":
        reasons.append(f"cannot go on: {following['reason']}")
    return [heading, "", *table_lines(COLUMNS, rows), *([""] if reasons else []), *reasons]


def gate_line(gate: Mapping[str, t.Any]) -> str:
    """A gate's newest answer, for a person."""
    return (
        f"gate {gate['gate']} after wave {gate['wave']} {gate['outcome']} at {stamp(gate['asked'])}:"
        f" {gate['reason']}"
    )


def _row(host: Mapping[str, t.Any]) -> tuple[str, ...]:
    minutes, seconds = divmod(round(host["unavailable_seconds"]), 60)
    after = host["release"] or "unknown"
    before = host["from_release"] or "unknown"
    return (
        host["host"],
        host["domain"] or "-",
        host["wave"],
        before,
        after,
        host["state"],
        f"{minutes}:{seconds:02d} min",
    )


def table_lines(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows under their headings, as wide as their widest cell."""
    table = [tuple(columns), *map(tuple, rows)]
    widths = [max(len(row[index]) for row in table) for index in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in table]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
