# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The fleet's inventory of record: hosts come in from any inventory, and go out as candidates of a plan."""

from __future__ import annotations

import contextlib
import json
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import statements, tally
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import log_all
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import Candidate
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

with contextlib.suppress(ImportError):
    import sqlalchemy as sa

if t.TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Enrolment:
    """A host as an inventory and its facts describe it. "" and None are unknown, and overwrite nothing."""

    name: str
    domain: str
    labels: Mapping[str, t.Any] = field(default_factory=dict)
    machine_id: str = ""
    release: str = ""
    digest: str = ""
    streams: Sequence[str] | None = None


def enrol(
    connection: Connection, hosts: Iterable[Enrolment], *, who: str, now: float
) -> tuple[list[str], list[str]]:
    """Write the hosts into the ledger; returns the names that were added and that were changed."""
    host = tables().host
    known = {row.name: row for row in connection.execute(sa.select(host))}
    new: list[dict[str, t.Any]] = []
    inputs: dict[str, dict[str, t.Any]] = {}
    changed = []
    for entry in hosts:
        row = known.get(entry.name)
        facts = {
            key: value
            for key in ("machine_id", "release", "digest", "streams")
            if (value := getattr(entry, key)) not in ("", None)
            and (row is None or getattr(row, key) != value)
        }
        described = {"domain": entry.domain, "labels": dict(entry.labels)}
        if row is None:
            # Without a machine id the name is the best stable identity there is.
            unknown = {"machine_id": entry.name, "release": "", "digest": "", "streams": None}
            new.append({"name": entry.name, "last_seen": now, **unknown, **facts, **described})
        elif facts or any(getattr(row, key) != value for key, value in described.items()):
            values = {"last_seen": now, **facts, **described}
            statements.write(connection, [statements.update(host, {"name": entry.name}, values)])
            changed.append(entry.name)
        else:
            continue
        inputs[entry.name] = {**facts, **described}
    if new:
        connection.execute(sa.insert(host), new)
    if inputs:
        log_all(connection, now=now, who=who, what="enrol", outcome="ok", inputs=inputs)
        tally.count_capacity(connection)
    return [row["name"] for row in new], changed


def having(connection: Connection, release: str) -> set[str]:
    """The hosts that run a release, or may: those that were left half way to it."""
    host, assignment, rollout = tables().host, tables().assignment, tables().rollout
    half_way = (
        sa.select(assignment.c.host)
        .join(rollout, rollout.c.id == assignment.c.rollout)
        .where((rollout.c.release == release) & assignment.c.touched)
    )
    return set(
        connection.scalars(sa.union(sa.select(host.c.name).where(host.c.release == release), half_way))
    )


def candidates(connection: Connection) -> list[Candidate]:
    """All hosts of the ledger as a plan sees them, in the order of their names."""
    host = tables().host
    labels = sa.cast(host.c.labels, sa.Text)
    query = sa.select(host.c.name, host.c.machine_id, host.c.domain, labels).order_by(host.c.name)
    # Many hosts have equal labels: one mapping serves all of them.
    shared: dict[str, Mapping[str, t.Any]] = {}
    found = []
    for name, machine_id, domain, text in connection.execute(query):
        if text not in shared:
            shared[text] = json.loads(text)
        found.append(Candidate(name, machine_id, domain, shared[text]))
    return found
