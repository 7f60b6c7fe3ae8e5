# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Claims in the ledger: taken before a host is touched, renewed by every record, returned with the last."""

from __future__ import annotations

import contextlib
import time
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import claims
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import log
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.owner import is_gone
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy, parse_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import host_states, settle
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Row


@dataclass(frozen=True)
class Run:
    """What every step of a run carries: which rollout, by which plan, on whose behalf."""

    rollout: int
    plan_hash: str
    owner: str


@dataclass(frozen=True)
class Claimed:
    """The answer to a request for a claim. The rest only means something when it was granted."""

    granted: bool
    again: bool
    reason: str
    fence: int = 0
    attempt: int = 0
    from_release: str = ""
    baseline: Mapping[str, t.Any] | None = None


@dataclass(frozen=True)
class Record:
    """News of a claimed host. `reason` says why a failure happened; `release` and `digest` what runs now."""

    state: str
    reason: str = ""
    release: str = ""
    digest: str = ""
    baseline: Mapping[str, t.Any] | None = None


# A host does not serve from when it is changed until it is known to be well.
_SERVING = (claims.DONE, "rolled back")
_DISRUPTED = ("activating", "rebooting", "verifying", "rolling back")
STATES = (*claims.IN_FLIGHT[1:], *claims.FINAL)


def claim(connection: Connection, run: Run, host: str) -> Claimed:
    """Decide on a claim of `host` and write it down. Call inside Ledger.write()."""
    now = time.time()
    expire(connection, run, now=now, but=host)
    rollout = connection.execute(
        sa.select(tables().rollout).where(tables().rollout.c.id == run.rollout)
    ).one_or_none()
    if rollout is None:
        raise InputError(f"has no rollout {run.rollout}", where="ledger")
    assigned = _assignment(connection, run.rollout, host)
    policy = parse_policy(rollout.policy)
    view = _view(connection, run, rollout, assigned)
    verdict = claims.decide_claim(policy, view, owner=run.owner, now=now)
    if not isinstance(verdict, claims.Granted):
        return Claimed(False, isinstance(verdict, claims.Wait), verdict.reason)
    fence = _take(connection, run, host, expires=now + policy.lease)
    attempt = assigned.attempt + 1
    _update_assignment(connection, run.rollout, host, state="claimed", reason="", attempt=attempt)
    log(
        connection,
        who=run.owner,
        what="claim",
        subject=host,
        outcome="granted",
        inputs={
            "rollout": run.rollout,
            "attempt": attempt,
            "unavailable": view.unavailable,
            "unavailable_in_domain": view.unavailable_in_domain,
            "failed": view.failed,
        },
    )
    return Claimed(True, False, "", fence, attempt, assigned.from_release, assigned.baseline)


def record(connection: Connection, run: Run, host: str, fence: int, news: Record) -> tuple[str, str]:
    """Write down how a claimed host fares; returns the rollout's state and reason. For Ledger.write().

    A final state returns the claim. Raises LedgerError when the claim is not ours any more: somebody else
    works on the host, so this run must leave it alone.
    """
    now = time.time()
    table = tables().claim
    held = connection.execute(sa.select(table).where(table.c.host == host)).one_or_none()
    if held is None or held.fence != fence or held.owner != run.owner:
        raise LedgerError(
            "its claim was taken over by another run",
            where=host,
            way_out="Leave it to that run; its progress shows in osaas.fleet.status",
        )
    assigned = _assignment(connection, run.rollout, host)
    since, spent = assigned.unavailable_since, assigned.unavailable_seconds
    if news.state in _DISRUPTED and since is None:
        since = now
    elif news.state in _SERVING and since is not None:
        since, spent = None, spent + now - since
    final = news.state in claims.FINAL
    changes: dict[str, t.Any] = {
        "state": news.state,
        "unavailable_since": since,
        "unavailable_seconds": spent,
    }
    if news.state == "quarantined" and assigned.reason:
        # What failed first is why the host was to be put back; both are wanted.
        changes["reason"] = f"{assigned.reason}; then {news.reason}"
    elif news.reason or not final:
        changes["reason"] = news.reason
    if news.baseline is not None:
        changes["baseline"] = dict(news.baseline)
    if final:
        changes["ended"] = now
        connection.execute(table.delete().where(table.c.host == host))
    else:
        rollout = tables().rollout
        raw = connection.scalar(sa.select(rollout.c.policy).where(rollout.c.id == run.rollout))
        lease = parse_policy(raw or {}).lease
        connection.execute(table.update().where(table.c.host == host).values(expires=now + lease))
    _update_assignment(connection, run.rollout, host, **changes)
    _update_host(connection, host, news, now=now)
    log(
        connection,
        who=run.owner,
        what="record",
        subject=host,
        outcome=f"{news.state}: {news.reason}" if news.reason else news.state,
        inputs={"rollout": run.rollout, "release": news.release, "digest": news.digest},
    )
    return settle(connection, run.rollout, who=run.owner)


def expire(connection: Connection, run: Run, *, now: float, but: str) -> None:
    """Charge hosts whose lease has run out: nobody has heard of them, and unknown is failed."""
    table, assignment = tables().claim, tables().assignment
    query = (
        sa.select(table.c.host, table.c.rollout, table.c.owner)
        .join(assignment, (assignment.c.host == table.c.host) & (assignment.c.rollout == table.c.rollout))
        .where((table.c.expires < now) & (table.c.host != but) & (assignment.c.state != "unreachable"))
    )
    for row in connection.execute(query).all():
        reason = "nobody has reported on the host before its lease ended"
        _update_assignment(connection, row.rollout, row.host, state="unreachable", reason=reason)
        _update_host(connection, row.host, Record("unreachable"), now=now)
        log(
            connection,
            who=run.owner,
            what="expire",
            subject=row.host,
            outcome=f"unreachable: {reason}",
            inputs={"rollout": row.rollout, "owner": row.owner},
        )
        settle(connection, row.rollout, who=run.owner)


def _assignment(connection: Connection, rollout: int, host: str) -> Row[t.Any]:
    table = tables().assignment
    place = (table.c.rollout == rollout) & (table.c.host == host)
    row = connection.execute(sa.select(table).where(place)).one_or_none()
    if row is None:
        raise InputError(
            f"is not in rollout {rollout}", where=host, way_out="Enrol it, and run the rollout again"
        )
    return row


def _view(connection: Connection, run: Run, rollout: Row[t.Any], assigned: Row[t.Any]) -> claims.ClaimView:
    host, claim_, release = tables().host, tables().claim, tables().release
    domain = connection.scalar(sa.select(host.c.domain).where(host.c.name == assigned.host)) or ""
    out = sa.or_(host.c.unavailable != "", claim_.c.host.is_not(None)) & (host.c.name != assigned.host)
    disrupted = (
        sa.select(sa.func.count())
        .select_from(host.outerjoin(claim_, claim_.c.host == host.c.name))
        .where(out)
    )
    size = sa.select(sa.func.count()).select_from(host)
    held = connection.execute(sa.select(claim_).where(claim_.c.host == assigned.host)).one_or_none()
    counts = host_states(connection, run.rollout)
    return claims.ClaimView(
        rollout_state=rollout.state,
        rollout_reason=rollout.reason,
        plan_matches=rollout.plan_hash == run.plan_hash,
        release_flag=connection.scalar(sa.select(release.c.flag).where(release.c.id == rollout.release))
        or "",
        host_state=assigned.state,
        holder="" if held is None or is_gone(held.owner) else held.owner,
        holder_expires=held.expires if held is not None else 0,
        wave=assigned.wave,
        waves=_waves(connection, run.rollout, parse_policy(rollout.policy)),
        fleet=connection.scalar(size) or 0,
        unavailable=connection.scalar(disrupted) or 0,
        domain=domain,
        domain_size=connection.scalar(size.where(host.c.domain == domain)) or 0,
        unavailable_in_domain=connection.scalar(disrupted.where(host.c.domain == domain)) or 0,
        failed=sum(counts.get(state, 0) for state in claims.FAILED) - rollout.forgiven,
    )


def _waves(connection: Connection, rollout: int, policy: Policy) -> list[claims.WaveView]:
    table = tables().assignment
    query = (
        sa.select(
            table.c.wave,
            table.c.state,
            sa.func.count().label("hosts"),
            sa.func.max(table.c.ended).label("ended"),
        )
        .where(table.c.rollout == rollout)
        .group_by(table.c.wave, table.c.state)
    )
    rows = connection.execute(query).all()
    views = []
    for index, wave in enumerate(policy.waves):
        mine = [row for row in rows if row.wave == index]
        done = [row for row in mine if row.state == claims.DONE]
        views.append(
            claims.WaveView(
                name=wave.name,
                hosts=sum(row.hosts for row in mine),
                done=sum(row.hosts for row in done),
                failed=sum(row.hosts for row in mine if row.state in claims.FAILED),
                last_done=max((row.ended for row in done), default=0),
            )
        )
    return views


def _take(connection: Connection, run: Run, host: str, *, expires: float) -> int:
    """Write the claim, over whatever was there; returns its fence, higher than any before for this host."""
    table, hosts = tables().claim, tables().host
    connection.execute(hosts.update().where(hosts.c.name == host).values(fence=hosts.c.fence + 1))
    fence = connection.scalar(sa.select(hosts.c.fence).where(hosts.c.name == host)) or 0
    values = {"rollout": run.rollout, "owner": run.owner, "expires": expires, "fence": fence}
    if not connection.execute(table.update().where(table.c.host == host).values(**values)).rowcount:
        connection.execute(table.insert().values(host=host, **values))
    return fence


def _update_assignment(connection: Connection, rollout: int, host: str, **values: t.Any) -> None:
    table = tables().assignment
    place = (table.c.rollout == rollout) & (table.c.host == host)
    connection.execute(table.update().where(place).values(**values))


def _update_host(connection: Connection, host: str, news: Record, *, now: float) -> None:
    table = tables().host
    values: dict[str, t.Any] = {}
    if news.state in _SERVING:
        values = {"unavailable": "", "last_seen": now}
    elif news.state in (*_DISRUPTED, *claims.FAILED):
        values = {"unavailable": news.state}
    if news.state == claims.DONE:
        values["last_update"] = now
    if news.release:
        values |= {"release": news.release, "digest": news.digest}
    if values:
        connection.execute(table.update().where(table.c.name == host).values(**values))
