# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The ledger's tables. Times are Unix seconds (UTC); JSON columns hold plain data."""

from __future__ import annotations

import functools

try:
    import sqlalchemy as sa
except ImportError:
    HAS_SQLALCHEMY = False
else:
    HAS_SQLALCHEMY = True

# Raised with every change of the tables. An older ledger is migrated (migrations.py), a newer one refused.
SCHEMA = 5

# The scope of `capacity` that counts the whole fleet; the others are "domain:" and a failure domain's name.
FLEET = "fleet"


class Tables:
    """All tables, in one MetaData."""

    def __init__(self) -> None:
        self.metadata = sa.MetaData()
        self.meta = sa.Table(
            "meta",
            self.metadata,
            sa.Column("key", sa.String, primary_key=True),
            sa.Column("value", sa.String, nullable=False),
        )
        self.release = sa.Table(
            "release",
            self.metadata,
            sa.Column("id", sa.String, primary_key=True),
            sa.Column("kind", sa.String, nullable=False),
            sa.Column("digest", sa.String, nullable=False),
            sa.Column("created", sa.Float, nullable=False),
            sa.Column("flag", sa.String, nullable=False, default=""),
            sa.Column("reason", sa.String, nullable=False, default=""),
        )
        self.host = sa.Table(
            "host",
            self.metadata,
            sa.Column("name", sa.String, primary_key=True),
            sa.Column("machine_id", sa.String, nullable=False),
            sa.Column("domain", sa.String, nullable=False, index=True),
            sa.Column("labels", sa.JSON, nullable=False),
            sa.Column("release", sa.String, nullable=False, default=""),
            sa.Column("digest", sa.String, nullable=False, default=""),
            # The module streams that it enabled, and those that it disabled; NULL while nobody knows.
            sa.Column("streams", sa.JSON(none_as_null=True)),
            # Why the host does not serve, "" while it does.
            sa.Column("unavailable", sa.String, nullable=False, default=""),
            # Grows with every claim: a run whose claim was taken over can write nothing any more.
            sa.Column("fence", sa.Integer, nullable=False, default=0),
            sa.Column("last_seen", sa.Float),
            sa.Column("last_update", sa.Float),
        )
        # What is installed on all hosts with this digest: see package_sets.py.
        self.package_set = sa.Table(
            "package_set",
            self.metadata,
            sa.Column("digest", sa.String, primary_key=True),
            sa.Column("packages", sa.LargeBinary, nullable=False),
        )
        # How many hosts there are and do not serve; kept with every change, so that a claim need not count.
        self.capacity = sa.Table(
            "capacity",
            self.metadata,
            sa.Column("scope", sa.String, primary_key=True),
            sa.Column("hosts", sa.Integer, nullable=False),
            sa.Column("unavailable", sa.Integer, nullable=False),
        )
        # Hosts that somebody keeps out of rollouts, for a while.
        self.exemption = sa.Table(
            "exemption",
            self.metadata,
            sa.Column("host", sa.String, sa.ForeignKey("host.name"), primary_key=True),
            sa.Column("owner", sa.String, nullable=False),
            sa.Column("reason", sa.String, nullable=False),
            sa.Column("expires", sa.Float, nullable=False),
        )
        self.rollout = sa.Table(
            "rollout",
            self.metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("release", sa.String, sa.ForeignKey("release.id"), nullable=False),
            sa.Column("policy", sa.JSON, nullable=False),
            sa.Column("plan_hash", sa.String, nullable=False),
            sa.Column("state", sa.String, nullable=False),
            sa.Column("reason", sa.String, nullable=False, default=""),
            # Unused: `wave` has it.
            sa.Column("forgiven", sa.Integer, nullable=False, default=0),
            # The last wave whose gates have passed, and when gates were last asked.
            sa.Column("gated", sa.Integer, nullable=False, server_default="-1"),
            sa.Column("asked", sa.Float, nullable=False, server_default="0"),
            sa.Column("created", sa.Float, nullable=False),
            sa.Column("ended", sa.Float),
        )
        # How far each wave is; kept with every change, so that a claim need not count.
        self.wave = sa.Table(
            "wave",
            self.metadata,
            sa.Column("rollout", sa.Integer, sa.ForeignKey("rollout.id"), primary_key=True),
            sa.Column("number", sa.Integer, primary_key=True),
            sa.Column("hosts", sa.Integer, nullable=False),
            sa.Column("done", sa.Integer, nullable=False),
            sa.Column("failed", sa.Integer, nullable=False),
            sa.Column("unreachable", sa.Integer, nullable=False),
            sa.Column("last_done", sa.Float, nullable=False),
            # Failures that an operator has seen and resumed from: they no longer count.
            sa.Column("forgiven", sa.Integer, nullable=False, server_default="0"),
        )
        self.assignment = sa.Table(
            "assignment",
            self.metadata,
            sa.Column("rollout", sa.Integer, sa.ForeignKey("rollout.id"), primary_key=True),
            sa.Column("host", sa.String, sa.ForeignKey("host.name"), primary_key=True),
            sa.Column("wave", sa.Integer, nullable=False),
            sa.Column("rank", sa.Integer, nullable=False),
            sa.Column("state", sa.String, nullable=False),
            sa.Column("reason", sa.String, nullable=False, default=""),
            sa.Column("attempt", sa.Integer, nullable=False, default=0),
            sa.Column("from_release", sa.String, nullable=False),
            # What health_check saw before the host was touched: kept here, so that another run can compare.
            sa.Column("baseline", sa.JSON),
            # Whether a run has begun to change the host: then only the release, or the way back, ends it.
            sa.Column("touched", sa.Boolean, nullable=False, server_default=sa.false()),
            # Which kind of step failed last, how often the host was tried again, and when it may be next.
            sa.Column("failure", sa.String, nullable=False, server_default=""),
            sa.Column("retries", sa.Integer, nullable=False, server_default="0"),
            sa.Column("retry_at", sa.Float, nullable=False, server_default="0"),
            sa.Column("unavailable_since", sa.Float),
            sa.Column("unavailable_seconds", sa.Float, nullable=False, default=0),
            sa.Column("ended", sa.Float),
            sa.Index("assignment_state", "rollout", "state"),
        )
        self.claim = sa.Table(
            "claim",
            self.metadata,
            sa.Column("host", sa.String, sa.ForeignKey("host.name"), primary_key=True),
            sa.Column("rollout", sa.Integer, sa.ForeignKey("rollout.id"), nullable=False),
            sa.Column("owner", sa.String, nullable=False),
            sa.Column("expires", sa.Float, nullable=False, index=True),
            sa.Column("fence", sa.Integer, nullable=False),
        )
        # The newest answer of a gate at the end of a wave, or that an operator has let it pass.
        self.gate = sa.Table(
            "gate",
            self.metadata,
            sa.Column("rollout", sa.Integer, sa.ForeignKey("rollout.id"), primary_key=True),
            sa.Column("wave", sa.Integer, primary_key=True),
            sa.Column("name", sa.String, primary_key=True),
            sa.Column("outcome", sa.String, nullable=False),
            sa.Column("reason", sa.String, nullable=False),
            sa.Column("waived", sa.Boolean, nullable=False),
            sa.Column("asked", sa.Float, nullable=False),
        )
        # How many hosts a run has started, where the policy has a limit.
        self.run = sa.Table(
            "run",
            self.metadata,
            sa.Column("owner", sa.String, primary_key=True),
            sa.Column("rollout", sa.Integer, sa.ForeignKey("rollout.id"), primary_key=True),
            sa.Column("started", sa.Integer, nullable=False),
        )
        self.event = sa.Table(
            "event",
            self.metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("time", sa.Float, nullable=False),
            sa.Column("who", sa.String, nullable=False),
            sa.Column("what", sa.String, nullable=False),
            sa.Column("subject", sa.String, nullable=False, index=True),
            sa.Column("inputs", sa.JSON, nullable=False),
            sa.Column("outcome", sa.String, nullable=False),
        )


@functools.lru_cache(maxsize=1)
def tables() -> Tables:
    """The tables, made once per process. Needs SQLAlchemy."""
    return Tables()
