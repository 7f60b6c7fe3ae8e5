# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The hosts that an inventory wants of the ledger, chosen by the database."""

from __future__ import annotations

import contextlib
import json
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import stored_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Selection:
    """All hosts of the ledger, less those that a field rules out.

    `rollout` is its number, None the newest; `open_only` leaves those that it may still have to touch,
    `waves` those of its waves with these names, `labels` those that carry all of them, written alike.
    """

    rollout: int | None = None
    open_only: bool = False
    waves: Sequence[str] = ()
    labels: Mapping[str, t.Any] = field(default_factory=dict)


class SelectedHost(t.NamedTuple):
    """What the ledger knows of a host. Outside of the rollout its wave, state and reason are ""."""

    host: str
    domain: str
    labels: Mapping[str, t.Any]
    release: str
    digest: str
    unavailable: str
    wave: str
    state: str
    reason: str


def select_hosts(connection: Connection, wanted: Selection) -> list[SelectedHost]:
    """The hosts by name. Raises InputError for a rollout or a wave that is not there."""
    number, waves = _rollout(connection, wanted)
    host, assignment = tables().host, tables().assignment
    here = (assignment.c.host == host.c.name) & (assignment.c.rollout == number)
    labels = sa.cast(host.c.labels, sa.Text)
    query = sa.select(
        host.c.name,
        host.c.domain,
        labels,
        host.c.release,
        host.c.digest,
        host.c.unavailable,
        assignment.c.wave,
        assignment.c.state,
        assignment.c.reason,
    ).order_by(host.c.name)
    if wanted.open_only or wanted.waves:
        query = query.join(assignment, here)
    else:
        query = query.outerjoin(assignment, here)
    if wanted.open_only:
        query = query.where(assignment.c.state.not_in((*states.FINAL, states.EXEMPT)))
    if wanted.waves:
        query = query.where(assignment.c.wave.in_([waves.index(name) for name in wanted.waves]))
    for key, value in wanted.labels.items():
        # How the label stands in the JSON. It may stand deeper too, or begin a longer value: see below.
        query = query.where(labels.contains(f"{json.dumps(key)}: {json.dumps(value)}", autoescape=True))
    # Many hosts have equal labels: one mapping serves all of them.
    shared: dict[str, Mapping[str, t.Any]] = {}
    found = []
    for name, domain, text, release, digest, unavailable, wave, state, reason in connection.execute(query):
        if text not in shared:
            shared[text] = json.loads(text)
        mine = shared[text]
        if any(mine.get(key) != value for key, value in wanted.labels.items()):
            continue
        place = ("", "", "") if wave is None else (waves[wave], state, reason)
        found.append(SelectedHost(name, domain, mine, release, digest, unavailable, *place))
    return found


def _rollout(connection: Connection, wanted: Selection) -> tuple[int | None, Sequence[str]]:
    """The number of the rollout that is meant, None if there is none yet, and the names of its waves."""
    rollout = tables().rollout
    query = sa.select(rollout.c.id, sa.cast(rollout.c.policy, sa.Text)).order_by(rollout.c.id.desc()).limit(1)
    if wanted.rollout is not None:
        query = query.where(rollout.c.id == wanted.rollout)
    row = connection.execute(query).first()
    if row is None and wanted.rollout is not None:
        raise InputError(f"has no rollout {wanted.rollout}", where="ledger")
    if row is None:
        number, waves, way_out = None, [], "The ledger has no rollout yet"
    else:
        number, waves = row[0], [wave.name for wave in stored_policy(row[1]).waves]
        way_out = f"Rollout {number} has {', '.join(waves)}"
    for name in wanted.waves:
        if name not in waves:
            raise InputError(f"{name!r} is unknown", where="wave", way_out=way_out)
    return number, waves
