# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The life of a rollout in the ledger: opened or resumed, superseded, halted, ended."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import claims, plan, states, tally
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.exemptions import mark_exempt
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.feasible import check_feasible
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import candidates, having
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import log
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import (
    Policy,
    parse_policy,
    stored_policy,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import FLEET, tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Select


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

    `fleet` is how many hosts the ledger has.
    """

    rollout: int
    state: str
    reason: str
    plan_hash: str
    resumed: bool
    policy: Policy
    hosts: Sequence[OpenHost]
    fleet: int


@dataclass(frozen=True)
class Standing:
    """How a rollout stands, and its waves that have hosts."""

    state: str
    reason: str
    policy: Policy
    waves: Sequence[tally.WaveCount]


def open_rollout(
    connection: Connection,
    release: Release,
    raw_policy: Mapping[str, t.Any],
    *,
    who: str,
    now: float,
    start: bool = True,
    leaving: str = "",
) -> Opened:
    """Open the rollout of `release` to every host of the ledger, or resume it where it stands.

    With the release that hosts are `leaving`, only to those that have that one (or are in the rollout).

    Opened without `start`, or by a policy that asks for approval, it is planned: an operator starts it.
    An unfinished rollout of another release is superseded. Hosts enrolled meanwhile join. Raises InputError
    when the policy is bad, the ledger has no hosts, the release is marked, or its digest is not what it was.
    """
    policy = parse_policy(raw_policy)
    _register(connection, release, now=now)
    rollout = tables().rollout
    row = connection.execute(sa.select(rollout).order_by(rollout.c.id.desc()).limit(1)).first()
    if row is not None and (row.release != release.id or row.state in ("superseded", "aborted")):
        row = None
    hosts = _concerned(connection, None if row is None else row.id, leaving)
    planned = plan.make_plan(hosts, policy)
    plan_hash = plan.plan_hash(release.id, raw_policy, planned)
    if row is None:
        check_feasible(policy, hosts, now)
        _supersede(connection, release, who=who, now=now)
        state = states.RUNNING if start and not policy.approval else states.PLANNED
        number = _insert(connection, release, raw_policy, plan_hash, state=state, now=now)
        log(
            connection,
            now=now,
            who=who,
            what="open rollout",
            subject=f"rollout {number}",
            outcome=state,
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
    _assign(connection, release, number, planned, now=now)
    mark_exempt(connection, number, now=now)
    connection.execute(rollout.update().where(rollout.c.id == number).values(plan_hash=plan_hash))
    tally.count_waves(connection, number)
    state, reason = settle(connection, number, who=who, now=now)
    capacity = tables().capacity
    fleet = connection.scalar(sa.select(capacity.c.hosts).where(capacity.c.scope == FLEET))
    open_hosts = _open_hosts(connection, number, state)
    return Opened(number, state, reason, plan_hash, row is not None, policy, open_hosts, int(fleet or 0))


def _concerned(connection: Connection, number: int | None, leaving: str) -> Sequence[plan.Candidate]:
    """Whom the rollout is for; see open_rollout()."""
    hosts = candidates(connection)
    if not hosts:
        raise InputError("has no hosts", where="ledger", way_out="Enrol some first: osaas.fleet.enrol")
    if not leaving:
        return hosts
    assignment = tables().assignment
    mine = sa.select(assignment.c.host).where(assignment.c.rollout == number)
    wanted = having(connection, leaving).union(connection.scalars(mine))
    if not wanted:
        raise InputError(
            "no host has it", where=f"release {leaving}", way_out="There is nothing to take back"
        )
    return [host for host in hosts if host.name in wanted]


def settle(connection: Connection, number: int, *, who: str, now: float) -> tuple[str, str]:
    """Move a rollout to the state that its hosts' states demand; returns the state and its reason.

    More failed hosts than the error budget halt it; when every host is final it has ended. What is halted, or
    paused by an operator, stays so until an operator resumes it.
    """
    row = connection.execute(_standing(), {"number": number}).one()
    standing = Standing(row.state, row.reason, stored_policy(row.policy), tally.waves(connection, number))
    return settle_from(connection, number, standing, who=who, now=now)


def settle_from(
    connection: Connection, number: int, row: Standing, *, who: str, now: float
) -> tuple[str, str]:
    """The same, for who has read already how the rollout stands."""
    waves = row.waves
    over = claims.error_budget(row.policy, waves)
    if row.state in (states.PLANNED, "halted", "superseded", "aborted") or (
        row.state == "paused" and not over
    ):
        return row.state, row.reason
    hosts = sum(wave.hosts for wave in waves)
    failed = sum(wave.failed for wave in waves)
    ended = None
    if over:
        state, reason = "halted", over.reason
    elif sum(wave.done for wave in waves) + failed == hosts:
        state, reason = _success(hosts, failed, _waived(connection, number))
        ended = now
    else:
        # An operator's reason for resuming stays.
        state, reason = states.RUNNING, row.reason if row.state == states.RUNNING else ""
    if (state, reason) != (row.state, row.reason):
        values = {"state": state, "reason": reason, "ended": ended}
        rollout = tables().rollout
        connection.execute(rollout.update().where(rollout.c.id == number).values(**values))
        log(
            connection,
            now=now,
            who=who,
            what="settle rollout",
            subject=f"rollout {number}",
            outcome=f"{state}: {reason}" if reason else state,
            inputs={"was": row.state, "waves": [wave._asdict() for wave in waves]},
        )
    return state, reason


@functools.lru_cache(maxsize=1)
def _standing() -> Select[t.Any]:
    rollout = tables().rollout
    policy = sa.cast(rollout.c.policy, sa.Text).label("policy")
    query = sa.select(rollout.c.state, rollout.c.reason, policy)
    return query.where(rollout.c.id == sa.bindparam("number"))


def _success(hosts: int, failed: int, waived: int) -> tuple[str, str]:
    """The state of a rollout that every host is through with, and its reason."""
    exceptions = [f"{failed} of {hosts} hosts failed"] * bool(failed) + [f"{waived} are waived"] * bool(
        waived
    )
    return ("succeeded with exceptions", ", ".join(exceptions)) if exceptions else ("succeeded", "")


def _waived(connection: Connection, number: int) -> int:
    """Hosts that failed, and are counted no more."""
    table = tables().assignment
    mine = (table.c.rollout == number) & (table.c.state == states.WAIVED)
    return connection.scalar(sa.select(sa.func.count()).where(mine)) or 0


def _register(connection: Connection, release: Release, *, now: float) -> None:
    table = tables().release
    row = connection.execute(sa.select(table).where(table.c.id == release.id)).first()
    if row is None:
        values = {"id": release.id, "kind": release.kind, "digest": release.digest, "created": now}
        connection.execute(table.insert().values(**values))
    elif row.digest != release.digest:
        raise InputError(
            f"has digest {release.digest}, the ledger knows it with {row.digest}",
            where=f"release {release.id}",
            way_out="A release never changes: find out who changed the store",
        )
    elif row.flag in claims.NEVER_OFFERED:
        raise InputError(
            f"is marked {row.flag}: {row.reason}",
            where=f"release {release.id}",
            way_out="Roll out another one",
        )


def _supersede(connection: Connection, release: Release, *, who: str, now: float) -> None:
    rollout = tables().rollout
    unfinished = rollout.c.state.in_(states.UNFINISHED)
    for row in connection.execute(sa.select(rollout.c.id, rollout.c.state).where(unfinished)).all():
        reason = f"by release {release.id}"
        values = {"state": "superseded", "reason": reason, "ended": now}
        connection.execute(rollout.update().where(rollout.c.id == row.id).values(**values))
        log(
            connection,
            now=now,
            who=who,
            what="supersede rollout",
            subject=f"rollout {row.id}",
            outcome=reason,
            inputs={"was": row.state},
        )


def _insert(
    connection: Connection,
    release: Release,
    raw_policy: Mapping[str, t.Any],
    plan_hash: str,
    *,
    state: str,
    now: float,
) -> int:
    values = {
        "release": release.id,
        "policy": dict(raw_policy),
        "plan_hash": plan_hash,
        "state": state,
        "reason": "" if state == states.RUNNING else "awaits approval",
        "created": now,
    }
    # Not RETURNING: SQLite has it since 3.35 only, EL9 ships 3.34.
    result = connection.execute(tables().rollout.insert().values(**values))
    return int(t.cast(t.Any, result.inserted_primary_key)[0])


def _assign(
    connection: Connection, release: Release, number: int, planned: Sequence[plan.Assignment], *, now: float
) -> None:
    """Write the plan down: new hosts are added, those not touched yet get their place in it.

    Hosts that run the release already are done: a rollout back to it touches only those that have left it.
    """
    assignment, host = tables().assignment, tables().host
    query = sa.select(assignment.c.host, assignment.c.wave, assignment.c.rank, assignment.c.state)
    known = {
        name: (wave, rank, state)
        for name, wave, rank, state in connection.execute(query.where(assignment.c.rollout == number))
    }
    new = [place._asdict() for place in planned if place.host not in known]
    if new:
        releases = dict(connection.execute(sa.select(host.c.name, host.c.release)).all())
        waiting = {"rollout": number, "state": states.ELIGIBLE, "reason": "", "ended": None}
        there = {**waiting, "state": states.DONE, "reason": "ran the release already", "ended": now}
        for row in new:
            before = releases[row["host"]]
            row.update(there if before == release.id else waiting, from_release=before)
        connection.execute(assignment.insert(), new)
    moved = [
        {"new_wave": place.wave, "new_rank": place.rank, "name": place.host}
        for place in planned
        if place.host in known
        and known[place.host] != (place.wave, place.rank, states.ELIGIBLE)
        and known[place.host][2] == states.ELIGIBLE
    ]
    if moved:
        place = (assignment.c.rollout == number) & (assignment.c.host == sa.bindparam("name"))
        change: dict[str, t.Any] = {"wave": sa.bindparam("new_wave"), "rank": sa.bindparam("new_rank")}
        connection.execute(assignment.update().where(place).values(**change), moved)


def _open_hosts(connection: Connection, number: int, state: str) -> list[OpenHost]:
    """Hosts that a run left in flight first, whatever their wave; others only while the rollout runs."""
    if state not in states.UNFINISHED:
        return []
    assignment, host = tables().assignment, tables().host
    query = (
        sa.select(assignment.c.host, assignment.c.wave, assignment.c.state, host.c.domain)
        .join(host, host.c.name == assignment.c.host)
        .where((assignment.c.rollout == number) & assignment.c.state.not_in((*states.FINAL, states.EXEMPT)))
        .order_by(assignment.c.wave, assignment.c.rank, assignment.c.host)
    )
    touched: list[OpenHost] = []
    waves: dict[int, list[OpenHost]] = {}
    for row in connection.execute(query):
        if row.state not in states.WAITING:
            touched.append(OpenHost(row.host, plan.IN_FLIGHT, row.domain))
        else:
            waves.setdefault(row.wave, []).append(OpenHost(row.host, row.wave, row.domain))
    if state != states.RUNNING:
        return touched
    turns = (plan.taking_turns(hosts, lambda open_host: open_host.domain) for hosts in waves.values())
    return touched + [open_host for hosts in turns for open_host in hosts]
