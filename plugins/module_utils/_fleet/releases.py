# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The releases that a fleet still needs: what hosts run, may go back to, and are being moved to."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class InUse:
    """A release (its kind is "" if no rollout ever named it) and why it is needed.

    `running` hosts run it, `previous` hosts may go back to it; `rollouts` to it are unfinished, or have hosts
    half way.
    """

    id: str
    kind: str
    running: int
    previous: int
    rollouts: tuple[int, ...]


def releases_in_use(connection: Connection) -> list[InUse]:
    """All of them, by id. Raises LedgerError if the ledger knows no host: then it cannot tell."""
    host, rollout, release = tables().host, tables().rollout, tables().release
    if connection.execute(sa.select(sa.func.count()).select_from(host)).scalar_one() == 0:
        raise LedgerError(
            "knows no host, so it cannot tell what hosts run",
            where="ledger",
            way_out="Give the ledger of this fleet, or enrol the hosts first",
        )
    rollouts: dict[str, list[int]] = {}
    wanted = rollout.c.state.in_(states.UNFINISHED) | rollout.c.id.in_(_with_hosts_half_way())
    for row in connection.execute(
        sa.select(rollout.c.release, rollout.c.id).where(wanted).order_by(rollout.c.id)
    ):
        rollouts.setdefault(row.release, []).append(row.id)
    running = _hosts(connection, host.c.release, host.c.name, sa.true())
    previous = _previous(connection, [number for numbers in rollouts.values() for number in numbers])
    kinds = {row.id: row.kind for row in connection.execute(sa.select(release.c.id, release.c.kind))}
    return [
        InUse(
            id=name,
            kind=kinds.get(name, ""),
            running=running.get(name, 0),
            previous=previous.get(name, 0),
            rollouts=tuple(rollouts.get(name, ())),
        )
        for name in sorted({*running, *previous, *rollouts})
    ]


def _with_hosts_half_way() -> sa.Select[tuple[int]]:
    assignment = tables().assignment
    return sa.select(assignment.c.rollout).where(assignment.c.state.not_in((states.ELIGIBLE, *states.FINAL)))


def _previous(connection: Connection, rollouts: Sequence[int]) -> dict[str, int]:
    """What hosts ran before `rollouts`, before their last update, and before the last that went well."""
    assignment = tables().assignment
    tried = assignment.c.state != states.ELIGIBLE
    wanted = (
        assignment.c.rollout.in_(rollouts) | _is_newest(assignment.c.state == states.DONE) | _is_newest(tried)
    )
    return _hosts(connection, assignment.c.from_release, assignment.c.host, wanted)


def _is_newest(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether an assignment is the newest of its host of those that `condition` holds for."""
    assignment = tables().assignment
    newest = sa.select(assignment.c.host, sa.func.max(assignment.c.rollout).label("rollout"))
    found = newest.where(condition).group_by(assignment.c.host).subquery()
    same = (found.c.host == assignment.c.host) & (found.c.rollout == assignment.c.rollout)
    return sa.select(found.c.host).where(same).exists()


def _hosts(
    connection: Connection,
    release: sa.Column[str],
    host: sa.Column[str],
    condition: sa.ColumnElement[bool],
) -> dict[str, int]:
    """How many hosts there are for each release that is known."""
    query = sa.select(release, sa.func.count(sa.distinct(host))).where(condition & (release != ""))
    return {str(name): int(count) for name, count in connection.execute(query.group_by(release))}
