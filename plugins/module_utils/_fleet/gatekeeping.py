# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Which gates are to be asked now, and what their answers do to a rollout.

Asking takes time and may fail, so it happens between two transactions: due() before it, keep() after it. All
functions but answers() are for Ledger.write().
"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import gates, states, tally
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import log
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy, stored_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Row

# Seconds after which gates that hold are asked again, whoever wants to know.
PAUSE = 60.0


@dataclass(frozen=True)
class Due:
    """The gates to ask now, at the end of the wave `number`, which the policy calls `wave`."""

    rollout: int
    number: int
    wave: str
    gates: Sequence[gates.Gate]


@dataclass(frozen=True)
class Asked:
    """A gate's answer, and how many seconds it took."""

    gate: gates.Gate
    answer: gates.Answer
    seconds: float


def due(connection: Connection, rollout: int, *, now: float) -> Due | None:
    """The gates between this rollout and its next wave, None if it is not up to them.

    For whoever gets an answer: nobody else does for PAUSE seconds.
    """
    row = _row(connection, rollout)
    policy = stored_policy(row.policy)
    if row.state != states.RUNNING or now < row.asked + PAUSE or policy.closed(now):
        return None
    number = _wave_at_its_end(policy, tally.waves(connection, rollout), row.gated, now)
    if number is None:
        return None
    table = tables().rollout
    connection.execute(table.update().where(table.c.id == rollout).values(asked=now))
    waived = _waived(connection, rollout, number)
    asked = [gate for gate in policy.gates_of(number) if gate.name not in waived]
    return Due(rollout, number, policy.waves[number].name, asked)


def keep(connection: Connection, what: Due, asked: Sequence[Asked], *, who: str, now: float) -> gates.Answer:
    """Write the answers down, and open the next wave or halt, if that is what they come to."""
    for one in asked:
        _write(connection, what, one.gate.name, one.answer, waived=False, now=now)
        log(
            connection,
            now=now,
            who=who,
            what="ask gate",
            subject=f"rollout {what.rollout}",
            outcome=f"{one.gate.name} {one.answer.outcome}: {one.answer.reason}",
            inputs={
                "wave": what.wave,
                "gate": one.gate.name,
                "check": asdict(one.gate.check),
                "values": one.answer.values,
                "seconds": round(one.seconds, 3),
            },
        )
    verdict = gates.together({one.gate.name: one.answer for one in asked})
    table = tables().rollout
    running = (table.c.id == what.rollout) & (table.c.state == states.RUNNING)
    if verdict.outcome == gates.PASSED:
        connection.execute(table.update().where(running).values(gated=what.number))
    elif verdict.outcome in gates.HALTING:
        reason = f"wave {what.wave}: {verdict.reason}"
        changed = connection.execute(table.update().where(running).values(state="halted", reason=reason))
        if changed.rowcount:
            log(
                connection,
                now=now,
                who=who,
                what="settle rollout",
                subject=f"rollout {what.rollout}",
                outcome=f"halted: {reason}",
                inputs={"was": states.RUNNING, "answers": [[one.gate.name, *one.answer] for one in asked]},
            )
    return verdict


def waive(
    connection: Connection, rollout: int, names: Sequence[str], reason: str, *, who: str, now: float
) -> bool:
    """An operator lets gates pass at the end of the wave that the rollout is at; returns whether that is new.

    Raises InputError for a name that is no gate there.
    """
    row = _row(connection, rollout)
    policy = stored_policy(row.policy)
    waves = [wave.number for wave in tally.waves(connection, rollout) if wave.hosts]
    number = next((one for one in waves[:-1] if one > row.gated and policy.gates_of(one)), None)
    known = [] if number is None else [gate.name for gate in policy.gates_of(number)]
    for name in names:
        if name not in known:
            raise InputError(
                f"{name!r} is no gate that the rollout is still to pass",
                where=f"pass_gates of rollout {rollout}",
                way_out=f"Choose of {', '.join(known) or 'none'}",
            )
    if number is None:
        return False
    fresh = [name for name in names if name not in _waived(connection, rollout, number)]
    what = Due(rollout, number, policy.waves[number].name, ())
    for name in fresh:
        _write(connection, what, name, gates.Answer(gates.PASSED, reason), waived=True, now=now)
        log(
            connection,
            now=now,
            who=who,
            what="pass gate",
            subject=f"rollout {rollout}",
            outcome=f"{name} {gates.PASSED}: {reason}",
            inputs={"wave": what.wave, "gate": name},
        )
    if fresh:
        # Somebody waits for it: ask the others at once.
        table = tables().rollout
        connection.execute(table.update().where(table.c.id == rollout).values(asked=0))
    return bool(fresh)


def answers(connection: Connection, rollout: int) -> list[dict[str, t.Any]]:
    """The newest answer of each gate, wave by wave, for Ledger.read() too."""
    table = tables().gate
    query = sa.select(table).where(table.c.rollout == rollout).order_by(table.c.wave, table.c.name)
    waves = stored_policy(_row(connection, rollout).policy).waves
    return [
        {
            "wave": waves[row.wave].name,
            "gate": row.name,
            "outcome": row.outcome,
            "reason": row.reason,
            "waived": row.waived,
            "asked": row.asked,
        }
        for row in connection.execute(query)
    ]


def _wave_at_its_end(policy: Policy, waves: Sequence[tally.WaveCount], gated: int, now: float) -> int | None:
    """The wave whose gates are all that keeps the next one shut."""
    waves = [wave for wave in waves if wave.hosts]
    for wave in waves[:-1]:
        left = wave.hosts - wave.done - wave.failed - wave.unreachable
        if left or not wave.done or now < wave.last_done + policy.soak_of(wave.done):
            return None
        if wave.number > gated and policy.gates_of(wave.number):
            return wave.number
    return None


def _row(connection: Connection, rollout: int) -> Row[t.Any]:
    table = tables().rollout
    columns = (table.c.state, table.c.asked, table.c.gated, sa.cast(table.c.policy, sa.Text).label("policy"))
    return connection.execute(sa.select(*columns).where(table.c.id == rollout)).one()


def _waived(connection: Connection, rollout: int, wave: int) -> set[str]:
    table = tables().gate
    mine = (table.c.rollout == rollout) & (table.c.wave == wave) & table.c.waived
    return set(connection.scalars(sa.select(table.c.name).where(mine)))


def _write(
    connection: Connection, what: Due, name: str, answer: gates.Answer, *, waived: bool, now: float
) -> None:
    table = tables().gate
    key: Mapping[str, t.Any] = {"rollout": what.rollout, "wave": what.number, "name": name}
    connection.execute(table.delete().where(*(table.c[field] == value for field, value in key.items())))
    values = {"outcome": answer.outcome, "reason": answer.reason, "waived": waived, "asked": now}
    connection.execute(table.insert().values(**key, **values))
