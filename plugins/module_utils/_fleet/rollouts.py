# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The life of a rollout in the ledger: opened or resumed, superseded, halted, ended."""

from __future__ import annotations

import contextlib
import time
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import claims, plan
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import candidates
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import log
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy, parse_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection

UNFINISHED = ("running", "paused", "halted")


@dataclass(frozen=True)
class Release:
    """The thing rolled out: its id, its kind (snapshot or image), and the digest that proves it."""

    id: str
    kind: str
    digest: str


@dataclass(frozen=True)
class OpenHost:
    """A host that this run may still have to touch."""

    name: str
    wave: int
    domain: str


@dataclass(frozen=True)
class Opened:
    """A rollout, ready to be worked on. `hosts` are in the order in which they shall be touched.

    `domains` maps each failure domain of the whole fleet to the number of its hosts.
    """

    rollout: int
    state: str
    reason: str
    plan_hash: str
    resumed: bool
    policy: Policy
    hosts: Sequence[OpenHost]
    domains: Mapping[str, int]

    @property
    def fleet(self) -> int:
        """How many hosts the ledger has."""
        return sum(self.domains.values())


def open_rollout(
    connection: Connection, release: Release, raw_policy: Mapping[str, t.Any], *, who: str
) -> Opened:
    """Open the rollout of `release` to every host of the ledger, or resume it where it stands.

    An unfinished rollout of another release is superseded. Hosts enrolled meanwhile join. Raises InputError
    when the policy is bad, the ledger has no hosts, the release is marked, or its digest is not what it was.
    """
    policy = parse_policy(raw_policy)
    _register(connection, release)
    hosts = candidates(connection)
    if not hosts:
        raise InputError("has no hosts", where="ledger", way_out="Enrol some first: osaas.fleet.enrol")
    planned = plan.make_plan(hosts, policy)
    plan_hash = plan.plan_hash(release.id, raw_policy, planned)
    rollout = tables().rollout
    row = connection.execute(
        sa.select(rollout).where(rollout.c.release == release.id).order_by(rollout.c.id.desc()).limit(1)
    ).first()
    if row is not None and row.state in ("superseded", "aborted"):
        row = None
    if row is None:
        _supersede(connection, release, who=who)
        number = _insert(connection, release, raw_policy, plan_hash)
        log(
            connection,
            who=who,
            what="open rollout",
            subject=f"rollout {number}",
            outcome="running",
            inputs={"release": release.id, "policy": dict(raw_policy), "plan_hash": plan_hash},
        )
    else:
        number = row.id
        if row.policy != raw_policy:
            raise InputError(
                "differs from the one that this rollout was opened with",
                where=f"policy of rollout {number}",
                way_out="Give the same policy to go on, or roll out a newer release",
            )
    _assign(connection, number, planned)
    connection.execute(rollout.update().where(rollout.c.id == number).values(plan_hash=plan_hash))
    state, reason = settle(connection, number, who=who)
    domains: dict[str, int] = {}
    for host in hosts:
        domains[host.domain] = domains.get(host.domain, 0) + 1
    open_hosts = _open_hosts(connection, number, state)
    return Opened(number, state, reason, plan_hash, row is not None, policy, open_hosts, domains)


def settle(connection: Connection, number: int, *, who: str) -> tuple[str, str]:
    """Move a rollout to the state that its hosts' states demand; returns the state and its reason.

    More failed hosts than the error budget halt it; when every host is final it has ended. What is halted, or
    paused by an operator, stays so until an operator resumes it.
    """
    rollout = tables().rollout
    row = connection.execute(sa.select(rollout).where(rollout.c.id == number)).one()
    counts = host_states(connection, number)
    fleet = sum(counts.values())
    failed = sum(counts.get(state, 0) for state in claims.FAILED)
    over = claims.error_budget(parse_policy(row.policy), failed - row.forgiven, fleet)
    ended = None
    if row.state in ("halted", "superseded", "aborted") or (row.state == "paused" and not over):
        return row.state, row.reason
    if over:
        state, reason = "halted", over.reason
    elif sum(counts.get(state, 0) for state in claims.FINAL) == fleet:
        state, reason = (
            ("succeeded with exceptions", f"{failed} of {fleet} hosts failed")
            if failed
            else ("succeeded", "")
        )
        ended = time.time()
    else:
        # An operator's reason for resuming stays.
        state, reason = "running", row.reason if row.state == "running" else ""
    if (state, reason) != (row.state, row.reason):
        values = {"state": state, "reason": reason, "ended": ended}
        connection.execute(rollout.update().where(rollout.c.id == number).values(**values))
        log(
            connection,
            who=who,
            what="settle rollout",
            subject=f"rollout {number}",
            outcome=f"{state}: {reason}" if reason else state,
            inputs={"hosts": counts, "was": row.state},
        )
    return state, reason


def host_states(connection: Connection, number: int) -> dict[str, int]:
    """How many hosts of a rollout are in each state."""
    assignment = tables().assignment
    query = (
        sa.select(assignment.c.state, sa.func.count().label("hosts"))
        .where(assignment.c.rollout == number)
        .group_by(assignment.c.state)
    )
    return {row.state: row.hosts for row in connection.execute(query)}


def _register(connection: Connection, release: Release) -> None:
    table = tables().release
    row = connection.execute(sa.select(table).where(table.c.id == release.id)).first()
    if row is None:
        values = {"id": release.id, "kind": release.kind, "digest": release.digest, "created": time.time()}
        connection.execute(table.insert().values(**values))
    elif row.digest != release.digest:
        raise InputError(
            f"has digest {release.digest}, the ledger knows it with {row.digest}",
            where=f"release {release.id}",
            way_out="A release never changes: find out who changed the store",
        )
    elif row.flag:
        raise InputError(
            f"is marked {row.flag}: {row.reason}",
            where=f"release {release.id}",
            way_out="Roll out another one",
        )


def _supersede(connection: Connection, release: Release, *, who: str) -> None:
    rollout = tables().rollout
    unfinished = rollout.c.state.in_(UNFINISHED)
    for row in connection.execute(sa.select(rollout.c.id, rollout.c.state).where(unfinished)).all():
        reason = f"by release {release.id}"
        values = {"state": "superseded", "reason": reason, "ended": time.time()}
        connection.execute(rollout.update().where(rollout.c.id == row.id).values(**values))
        log(
            connection,
            who=who,
            what="supersede rollout",
            subject=f"rollout {row.id}",
            outcome=reason,
            inputs={"was": row.state},
        )


def _insert(connection: Connection, release: Release, raw_policy: Mapping[str, t.Any], plan_hash: str) -> int:
    values = {
        "release": release.id,
        "policy": dict(raw_policy),
        "plan_hash": plan_hash,
        "state": "running",
        "created": time.time(),
    }
    # Not RETURNING: SQLite has it since 3.35 only, EL9 ships 3.34.
    result = connection.execute(tables().rollout.insert().values(**values))
    return int(t.cast(t.Any, result.inserted_primary_key)[0])


def _assign(connection: Connection, number: int, planned: Sequence[plan.Assignment]) -> None:
    """Write the plan down: new hosts are added, those not touched yet get their place in it."""
    assignment, host = tables().assignment, tables().host
    releases = {row.name: row.release for row in connection.execute(sa.select(host.c.name, host.c.release))}
    query = sa.select(assignment.c.host, assignment.c.wave, assignment.c.rank).where(
        assignment.c.rollout == number
    )
    known = {name: (wave, rank) for name, wave, rank in connection.execute(query)}
    new = [
        {
            "rollout": number,
            "host": entry.host,
            "wave": entry.wave,
            "rank": entry.rank,
            "state": claims.ELIGIBLE,
            "from_release": releases[entry.host],
        }
        for entry in planned
        if entry.host not in known
    ]
    if new:
        connection.execute(assignment.insert(), new)
    for entry in planned:
        if known.get(entry.host, (entry.wave, entry.rank)) != (entry.wave, entry.rank):
            place = (assignment.c.rollout == number) & (assignment.c.host == entry.host)
            connection.execute(assignment.update().where(place).values(wave=entry.wave, rank=entry.rank))


def _open_hosts(connection: Connection, number: int, state: str) -> list[OpenHost]:
    """Hosts that a run left in flight first, whatever their wave; others only while the rollout runs."""
    if state not in UNFINISHED:
        return []
    assignment, host = tables().assignment, tables().host
    query = (
        sa.select(assignment.c.host, assignment.c.wave, assignment.c.state, host.c.domain)
        .join(host, host.c.name == assignment.c.host)
        .where((assignment.c.rollout == number) & assignment.c.state.not_in(claims.FINAL))
        .order_by(assignment.c.rank)
    )
    rows = connection.execute(query).all()
    touched = [OpenHost(row.host, -1, row.domain) for row in rows if row.state != claims.ELIGIBLE]
    waiting = [OpenHost(row.host, row.wave, row.domain) for row in rows if row.state == claims.ELIGIBLE]
    return touched + (waiting if state == "running" else [])
