# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""How far a rollout is, in a few numbers: what a screen shows while it runs."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import statements, tally
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import stored_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import FLEET, tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection, Select


def progress(connection: Connection, rollout: int) -> dict[str, t.Any]:
    """Of each wave its hosts, and of both budgets how much is used.

    As `waves` (with `name`, `hosts`, `done` and `failed`), `unavailable` of at most `max_unavailable` hosts
    of the fleet, and `failed` of at most `error_budget` hosts of the rollout, less those that were forgiven.
    """
    [row] = statements.read(connection, statements.Part(_standing), {"number": rollout})
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
        "failed": sum(wave.charged for wave in waves),
        "error_budget": policy.error_budget.of(sum(wave.hosts for wave in waves)),
    }


def _standing(prefix: str) -> Select[t.Any]:
    rollout, capacity = tables().rollout, tables().capacity
    policy = sa.cast(rollout.c.policy, sa.Text).label("policy")
    return (
        sa.select(policy, capacity.c.hosts, capacity.c.unavailable)
        .where(rollout.c.id == sa.bindparam(f"{prefix}number", type_=sa.Integer))
        .join(capacity, capacity.c.scope == FLEET)
    )
