# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What an operator says of a release: it is bad, a barrier that no host may skip, or a dead-end."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import log
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection

FLAGS = ("bad", "barrier", "dead-end")


def mark(connection: Connection, release: str, flag: str, reason: str, *, who: str, now: float) -> bool:
    """Mark a release, or take its mark away (""); returns whether that changed it.

    Raises InputError without a reason, or for a release that the ledger does not know.
    """
    if not reason.strip():
        raise InputError("is empty", where="reason", way_out="Say why: it is kept, and shown to everyone")
    table = tables().release
    row = connection.execute(sa.select(table).where(table.c.id == release)).first()
    if row is None:
        raise InputError(
            "is not in the ledger", where=f"release {release}", way_out="Only what was rolled out is"
        )
    if row.flag == flag:
        return False
    connection.execute(table.update().where(table.c.id == release).values(flag=flag, reason=reason))
    log(
        connection,
        now=now,
        who=who,
        what="mark release",
        subject=f"release {release}",
        outcome=f"{flag or 'no mark'}: {reason}",
        inputs={"was": row.flag, "because": row.reason},
    )
    return True


def release_before(connection: Connection, release: str) -> str:
    """What most hosts ran before the newest rollout of `release`; "" when nobody knows."""
    rollout, assignment = tables().rollout, tables().assignment
    newest = sa.select(sa.func.max(rollout.c.id)).where(rollout.c.release == release).scalar_subquery()
    left = assignment.c.from_release.not_in(("", release))
    query = (
        sa.select(assignment.c.from_release)
        .where((assignment.c.rollout == newest) & left)
        .group_by(assignment.c.from_release)
        .order_by(sa.desc(sa.func.count()), assignment.c.from_release.desc())
    )
    return connection.scalar(query.limit(1)) or ""
