# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What an operator may do to a rollout that runs: pause, halt, resume or abort it, with a reason."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import states, tally
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.gatekeeping import waive
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import log
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Row

# Which state may be asked for in which: every other change is refused.
ALLOWED = {
    "paused": ("running",),
    "halted": ("running", "paused"),
    "running": (states.PLANNED, "paused", "halted"),
    "aborted": states.UNFINISHED,
}


def control(
    connection: Connection,
    state: str,
    reason: str,
    *,
    number: int | None = None,
    pass_gates: Sequence[str] = (),
    who: str,
    now: float,
) -> tuple[int, bool]:
    """Bring rollout `number`, or the newest unfinished one, to `state`.

    Returns its number, and whether it changed. Only in state running hosts are started; those in flight
    finish. Going to running approves a planned rollout, and forgives the failures so far: the error budget
    begins anew. With `pass_gates` the operator answers for these gates of the wave that the rollout is at.
    Raises InputError when there is no reason, no such rollout or gate, or no way from its state to that.
    """
    if not reason.strip():
        raise InputError("is empty", where="reason", way_out="Say why: it is kept, and shown to everyone")
    row = _find(connection, number)
    passed = waive(connection, row.id, pass_gates, reason, who=who, now=now) if pass_gates else False
    if row.state == state:
        return row.id, passed
    if row.state not in ALLOWED[state]:
        raise InputError(f"is {row.state}, it cannot become {state}", where=f"rollout {row.id}")
    values: dict[str, t.Any] = {"state": state, "reason": reason}
    forgiven = 0
    if state == "running":
        forgiven = tally.forgive(connection, row.id)
    if state == "aborted":
        values["ended"] = now
    rollout = tables().rollout
    connection.execute(rollout.update().where(rollout.c.id == row.id).values(**values))
    log(
        connection,
        now=now,
        who=who,
        what="control rollout",
        subject=f"rollout {row.id}",
        outcome=f"{state}: {reason}",
        inputs={"was": row.state, "because": row.reason, "forgiven": forgiven},
    )
    return row.id, True


def _find(connection: Connection, number: int | None) -> Row[t.Any]:
    rollout = tables().rollout
    query = sa.select(rollout).order_by(rollout.c.id.desc()).limit(1)
    wanted = rollout.c.state.in_(states.UNFINISHED) if number is None else rollout.c.id == number
    row = connection.execute(query.where(wanted)).first()
    if row is None:
        raise InputError(
            f"has no rollout {number}" if number else "has no unfinished rollout", where="ledger"
        )
    return row
