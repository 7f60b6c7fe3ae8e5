# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""How far a rollout is, in a few numbers: what a screen shows while it runs."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import tally
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import stored_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import FLEET, tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection


def progress(connection: Connection, rollout: int) -> dict[str, t.Any]:
    """Of each wave its hosts, and of both budgets how much is used.

    As `waves` (with `name`, `hosts`, `done` and `failed`), `unavailable` of at most `max_unavailable` hosts
    of the fleet, and `failed` of at most `error_budget` hosts of the rollout, less those that were forgiven.
    """
    row = connection.execute(
        sa.select(
            sa.cast(tables().rollout.c.policy, sa.Text).label("policy"),
            tables().rollout.c.forgiven,
            tables().capacity.c.hosts,
            tables().capacity.c.unavailable,
        )
        .where(tables().rollout.c.id == rollout)
        .join(tables().capacity, tables().capacity.c.scope == FLEET)
    ).one()
    policy, waves = stored_policy(row.policy), tally.waves(connection, rollout)
    return {
        "waves": [
            {
                "name": policy.waves[wave.number].name,
                "hosts": wave.hosts,
                "done": wave.done,
                "failed": wave.failed + wave.unreachable,
            }
            for wave in waves
        ],
        "unavailable": row.unavailable,
        "max_unavailable": policy.max_unavailable.of(row.hosts, least=1),
        "failed": sum(wave.failed + wave.unreachable for wave in waves) - row.forgiven,
        "error_budget": policy.error_budget.of(sum(wave.hosts for wave in waves)),
    }


def wave_of(connection: Connection, rollout: int, host: str) -> str:
    """The name of the wave that a host of the rollout is in."""
    table, assignment = tables().rollout, tables().assignment
    query = (
        sa.select(assignment.c.wave, sa.cast(table.c.policy, sa.Text).label("policy"))
        .join(table, table.c.id == assignment.c.rollout)
        .where((assignment.c.rollout == rollout) & (assignment.c.host == host))
    )
    row = connection.execute(query).one()
    return str(stored_policy(row.policy).waves[row.wave].name)
