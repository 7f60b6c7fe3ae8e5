# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Claims in the ledger: taken before a host is touched, renewed by every record, returned with the last."""

from __future__ import annotations

import contextlib
import json
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, LedgerError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import (
    claims,
    failures,
    statements,
    states,
    tally,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import entry
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.owner import is_gone
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy, stored_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import (
    Standing,
    settle,
    settle_from,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import FLEET, tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import BindParameter, Connection, Row, Select
    from sqlalchemy.types import TypeEngine


@dataclass(frozen=True)
class Run:
    """What every step of a run carries: which rollout, by which plan, on whose behalf."""

    rollout: int
    plan_hash: str
    owner: str


@dataclass(frozen=True)
class Claimed:
    """The answer to a request for a claim.

    Refused or not yet granted, it has a reason; `again` says that another try may be granted, `until` not
    before which Unix time (0: at any time). What follows only means something when it was granted; `touched`
    says that a run before has begun to change the host. `gates` must be asked before another try.
    """

    granted: bool
    again: bool
    reason: str
    until: float = 0.0
    fence: int = 0
    attempt: int = 0
    from_release: str = ""
    baseline: Mapping[str, t.Any] | None = None
    touched: bool = False
    gates: bool = False


@dataclass(frozen=True)
class Record:
    """News of a claimed host. `reason` says why a failure happened; `release` and `digest` what runs now.

    `failure` says in what kind of step the state states.STEP_FAILED was come to: one of failures.KINDS.
    """

    state: str
    reason: str = ""
    release: str = ""
    digest: str = ""
    baseline: Mapping[str, t.Any] | None = None
    failure: str = ""


@dataclass(frozen=True)
class Recorded:
    """What came of a record: the host's state, whether it will be `again` tried, and the rollout's state.

    `wave` is the name of the one that the host is in.
    """

    host_state: str
    again: bool
    rollout_state: str
    rollout_reason: str
    wave: str


def claim(connection: Connection, run: Run, host: str, *, now: float) -> Claimed:
    """Decide on a claim of `host` and write it down. Call inside Ledger.write()."""
    row, waves = _look(connection, run.rollout, host, now=now)
    if row.late:
        expire(connection, now=now, who=run.owner, but=host)
        row, waves = _look(connection, run.rollout, host, now=now)
    policy = stored_policy(row.policy)
    view = _view(connection, run, row, waves, policy, now)
    verdict = claims.decide_claim(policy, view, owner=run.owner, now=now)
    if isinstance(verdict, claims.Wait):
        return Claimed(False, True, verdict.reason, verdict.until, gates=verdict.gates)
    if isinstance(verdict, claims.Refused):
        return Claimed(False, False, verdict.reason)
    fence, attempt = row.fence + 1, row.attempt + 1
    counts = _moved(waves, row, states.CLAIMED, now=now)
    granted = entry(
        now=now,
        who=run.owner,
        what="claim",
        subject=host,
        outcome="granted",
        inputs={
            "rollout": run.rollout,
            "attempt": attempt,
            "was": row.state,
            "unavailable": view.unavailable,
            "unavailable_in_domain": view.unavailable_in_domain,
            "domain": view.domain,
        },
    )
    statements.write(
        connection,
        [
            *_take(run, row, fence=fence, expires=now + policy.lease),
            *_assign(row, waves, counts, state=states.CLAIMED, reason="", attempt=attempt),
            granted,
        ],
    )
    if policy.max_hosts_per_run is not None and row.state in states.WAITING:
        _count_start(connection, run, view.started)
    return Claimed(True, False, "", 0.0, fence, attempt, row.from_release, _baseline(row), bool(row.touched))


def record(connection: Connection, run: Run, host: str, fence: int, news: Record, *, now: float) -> Recorded:
    """Write down how a claimed host fares, and decide what a failure comes to. For Ledger.write().

    A state that ends the run's work returns the claim. Raises LedgerError when the claim is not ours any
    more: somebody else works on the host, so this run must leave it alone.
    """
    row, waves = _look(connection, run.rollout, host, now=now)
    if row.claim_fence != fence or row.owner != run.owner:
        raise LedgerError(
            "its claim was taken over by another run",
            where=host,
            way_out="Leave it to that run; its progress shows in osaas.fleet.status",
        )
    policy = stored_policy(row.policy)
    tried = failures.Tried(row.failure, row.retries, bool(row.touched))
    if news.state == states.STEP_FAILED:
        tried = tried._replace(failure=failures.kind_of(news.failure, tried))
    reported, news = news, replace(news, state=failures.state_after(policy.retries, news.state, tried))
    table = tables().claim
    ends = news.state in states.FINAL or news.state == states.RETRY
    if ends:
        lease = statements.delete(table, {"host": host})
    else:
        lease = statements.update(table, {"host": host}, {"expires": now + policy.lease})
    changes = _changes(row, news, now=now)
    if news.state == states.RETRY:
        changes |= {
            "retries": tried.retries + 1,
            "retry_at": now + policy.retries[tried.failure].wait(tried.retries),
        }
    counts = _moved(waves, row, news.state, now=now)
    recorded = entry(
        now=now,
        who=run.owner,
        what="record",
        subject=host,
        outcome=f"{news.state}: {news.reason}" if news.reason else news.state,
        inputs={
            "rollout": run.rollout,
            "fence": fence,
            "was": row.state,
            "reported": reported.state,
            **tried._asdict(),
            "release": news.release,
            "digest": news.digest,
        },
    )
    statements.write(
        connection,
        [
            lease,
            *_assign(row, waves, counts, failure=tried.failure, **changes),
            *_change_host(row, news, now=now),
            recorded,
        ],
    )
    again = news.state in (states.RETRY, states.ROLLING_BACK) and failures.may_retry(policy.retries, tried)
    wave = policy.waves[row.wave].name
    if not ends:
        return Recorded(news.state, again, row.rollout_state, row.rollout_reason, wave)
    standing = Standing(row.rollout_state, row.rollout_reason, policy, counts)
    settled = settle_from(connection, run.rollout, standing, who=run.owner, now=now)
    return Recorded(news.state, again, *settled, wave)


def verdict(connection: Connection, rollout: int, host: str, *, now: float) -> claims.Verdict:
    """What a claim of a new run would be told now; nothing is written."""
    row, waves = _look(connection, rollout, host, now=now)
    policy = stored_policy(row.policy)
    view = _view(connection, Run(rollout, row.plan_hash, ""), row, waves, policy, now)
    return claims.decide_claim(policy, view, owner="", now=now)


def expire(connection: Connection, *, now: float, who: str, but: str = "") -> None:
    """Charge hosts whose lease has run out: nobody has heard of them, and unknown is failed."""
    for late in statements.read(connection, statements.Part(_late), {"now": now, "but": but}):
        reason = "nobody has reported on the host before its lease ended"
        row, waves = _look(connection, late.rollout, late.host, now=now)
        counts = _moved(waves, row, states.UNREACHABLE, now=now)
        expired = entry(
            now=now,
            who=who,
            what="expire",
            subject=late.host,
            outcome=f"{states.UNREACHABLE}: {reason}",
            inputs={
                "rollout": late.rollout,
                "owner": late.owner,
                "expired": late.expires,
                "was": row.state,
            },
        )
        statements.write(
            connection,
            [
                *_assign(row, waves, counts, state=states.UNREACHABLE, reason=reason),
                *_change_host(row, Record(states.UNREACHABLE), now=now),
                expired,
            ],
        )
        settle(connection, late.rollout, who=who, now=now)


def _late(prefix: str) -> Select[t.Any]:
    """Claims whose lease has run out and that are not charged yet, but for one host."""
    table, assignment = tables().claim.alias("silent"), tables().assignment.alias("silent_host")
    same = (assignment.c.host == table.c.host) & (assignment.c.rollout == table.c.rollout)
    silent = (table.c.expires < _given(prefix, "now", sa.Float)) & (
        table.c.host != _given(prefix, "but", sa.String)
    )
    return (
        sa.select(table.c.host, table.c.rollout, table.c.owner, table.c.expires)
        .join(assignment, same)
        .where(silent & (assignment.c.state != states.UNREACHABLE))
    )


def _everything(prefix: str) -> Select[t.Any]:
    """All that is known of one host in one rollout; a row for each wave, to ask only once."""
    host, held, rollout = tables().host, tables().claim, tables().rollout
    assignment, release = tables().assignment, tables().release
    own, barrier = release.alias("own"), release.alias("barrier")
    skipped = (barrier.c.flag == "barrier") & (barrier.c.id > host.c.release) & (host.c.release != "")
    fleet, domain = tables().capacity.alias("fleet"), tables().capacity.alias("domain_capacity")
    wave = tables().wave
    return (
        sa.select(
            assignment,
            host.c.domain,
            host.c.unavailable,
            host.c.fence,
            rollout.c.state.label("rollout_state"),
            rollout.c.reason.label("rollout_reason"),
            rollout.c.plan_hash,
            rollout.c.gated,
            sa.cast(rollout.c.policy, sa.Text).label("policy"),
            release.c.flag,
            own.c.flag.label("own_flag"),
            # Release ids are dates, so that they sort by age.
            sa.select(sa.func.min(barrier.c.id))
            .where(skipped & (barrier.c.id < release.c.id))
            .correlate(host, release)
            .scalar_subquery()
            .label("barrier"),
            held.c.owner,
            held.c.expires,
            held.c.fence.label("claim_fence"),
            fleet.c.hosts.label("fleet_hosts"),
            fleet.c.unavailable.label("fleet_unavailable"),
            domain.c.hosts.label("domain_hosts"),
            domain.c.unavailable.label("domain_unavailable"),
            _late(prefix).exists().label("late"),
            *[wave.c[name].label(f"wave_{name}") for name in tally.WaveCount._fields],
        )
        .join(host, host.c.name == assignment.c.host)
        .join(rollout, rollout.c.id == assignment.c.rollout)
        .join(release, release.c.id == rollout.c.release)
        .join(fleet, fleet.c.scope == FLEET)
        .join(domain, domain.c.scope == sa.literal(tally.scope_of("")) + host.c.domain)
        .join(wave, wave.c.rollout == assignment.c.rollout)
        .outerjoin(own, own.c.id == host.c.release)
        .outerjoin(held, held.c.host == assignment.c.host)
        .where(assignment.c.rollout == _given(prefix, "number", sa.Integer))
        .where(assignment.c.host == _given(prefix, "name", sa.String))
        .order_by(wave.c.number)
    )


def _given(prefix: str, name: str, type_: type[TypeEngine[t.Any]]) -> BindParameter[t.Any]:
    return sa.bindparam(f"{prefix}{name}", type_=type_)


def _look(
    connection: Connection, rollout: int, host: str, *, now: float
) -> tuple[Row[t.Any], Sequence[tally.WaveCount]]:
    """What _everything() says, and the waves that have hosts, in order."""
    asked = {"number": rollout, "name": host, "now": now, "but": host}
    rows = statements.read(connection, statements.Part(_everything), asked)
    if rows:
        return rows[0], [tally.WaveCount(*row[-len(tally.WaveCount._fields) :]) for row in rows]
    known = connection.scalar(sa.select(tables().rollout.c.id).where(tables().rollout.c.id == rollout))
    if known is None:
        raise InputError(f"has no rollout {rollout}", where="ledger")
    raise InputError(
        f"is not in rollout {rollout}", where=host, way_out="Enrol it, and run the rollout again"
    )


def _baseline(row: Row[t.Any]) -> Mapping[str, t.Any] | None:
    """As it was stored; SQLite has JSON as text."""
    found = json.loads(row.baseline) if isinstance(row.baseline, str) else row.baseline
    return t.cast("Mapping[str, t.Any] | None", found)


def _view(
    connection: Connection,
    run: Run,
    row: Row[t.Any],
    waves: Sequence[tally.WaveCount],
    policy: Policy,
    now: float,
) -> claims.ClaimView:
    itself = 1 if row.unavailable else 0
    return claims.ClaimView(
        rollout_state=row.rollout_state,
        rollout_reason=row.rollout_reason,
        plan_matches=row.plan_hash == run.plan_hash,
        release_flag=row.flag,
        barrier=row.barrier or "",
        own_release_flag=row.own_flag or "",
        host_state=row.state,
        holder="" if row.owner is None or is_gone(row.owner) else row.owner,
        holder_expires=row.expires or 0.0,
        wave=row.wave,
        waves=waves,
        fleet=row.fleet_hosts,
        unavailable=row.fleet_unavailable - itself,
        domain=row.domain,
        domain_size=row.domain_hosts,
        unavailable_in_domain=row.domain_unavailable - itself,
        shut=policy.closed(now),
        retry_at=row.retry_at,
        started=0 if policy.max_hosts_per_run is None else _starts(connection, run),
        gated=row.gated,
    )


def _starts(connection: Connection, run: Run) -> int:
    """How many hosts the run has started."""
    table = tables().run
    mine = (table.c.owner == run.owner) & (table.c.rollout == run.rollout)
    return connection.scalar(sa.select(table.c.started).where(mine)) or 0


def _count_start(connection: Connection, run: Run, before: int) -> None:
    table = tables().run
    if before:
        mine = (table.c.owner == run.owner) & (table.c.rollout == run.rollout)
        connection.execute(table.update().where(mine).values(started=before + 1))
    else:
        connection.execute(table.insert().values(owner=run.owner, rollout=run.rollout, started=1))


def _take(run: Run, row: Row[t.Any], *, fence: int, expires: float) -> list[statements.Change]:
    """The claim, over whatever was there; its fence is higher than any before for this host."""
    table, host = tables().claim, tables().host
    charged = {} if row.unavailable else {"unavailable": states.CLAIMED}
    values = {"rollout": run.rollout, "owner": run.owner, "expires": expires, "fence": fence}
    if row.owner is None:
        lease = statements.insert(table, {"host": row.host, **values})
    else:
        lease = statements.update(table, {"host": row.host}, values)
    taken = [statements.update(host, {"name": row.host}, {"fence": fence, **charged}), lease]
    return [*taken, tally.charge(row.domain, 1)] if charged else taken


def _changes(row: Row[t.Any], news: Record, *, now: float) -> dict[str, t.Any]:
    """What a record changes in the assignment."""
    since, spent = row.unavailable_since, row.unavailable_seconds
    if news.state in states.DISRUPTED and since is None:
        since = now
    elif news.state in states.UNDISTURBED and since is not None:
        since, spent = None, spent + now - since
    changes: dict[str, t.Any] = {
        "state": news.state,
        "unavailable_since": since,
        "unavailable_seconds": spent,
    }
    if news.state in states.CHANGED:
        changes["touched"] = True
    elif news.state in states.UNDISTURBED:
        changes["touched"] = False
    final = news.state in states.FINAL
    if news.state == states.QUARANTINED and row.reason:
        # What failed first is why the host was to be put back; both are wanted.
        changes["reason"] = f"{row.reason}; then {news.reason}"
    elif news.reason or not final:
        changes["reason"] = news.reason
    if news.baseline is not None:
        changes["baseline"] = dict(news.baseline)
    if final:
        changes["ended"] = now
    return changes


def _moved(
    waves: Sequence[tally.WaveCount], row: Row[t.Any], state: str, *, now: float
) -> Sequence[tally.WaveCount]:
    """The waves when the host has gone to the state."""
    return [wave.moved(row.state, state, now=now) if wave.number == row.wave else wave for wave in waves]


def _assign(
    row: Row[t.Any],
    before: Sequence[tally.WaveCount],
    after: Sequence[tally.WaveCount],
    **values: t.Any,
) -> list[statements.Change]:
    """Change the host's assignment, and with it what its wave counts."""
    place = {"rollout": row.rollout, "host": row.host}
    counts = [change for pair in zip(before, after) for change in tally.count(row.rollout, *pair)]
    return [statements.update(tables().assignment, place, values), *counts]


def _change_host(row: Row[t.Any], news: Record, *, now: float) -> list[statements.Change]:
    values: dict[str, t.Any] = {}
    if news.state in states.SERVING:
        values = {"unavailable": "", "last_seen": now}
    elif news.state in (*states.DISRUPTED, *states.FAILED, states.RETRY):
        values = {"unavailable": news.state}
    if news.state == states.DONE:
        values["last_update"] = now
    if news.release:
        values |= {"release": news.release, "digest": news.digest}
    if not values:
        return []
    changed = statements.update(tables().host, {"name": row.host}, values)
    charged = int(values.get("unavailable", row.unavailable) != "") - int(row.unavailable != "")
    return [changed, tally.charge(row.domain, charged)] if charged else [changed]
