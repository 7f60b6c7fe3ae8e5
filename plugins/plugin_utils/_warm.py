# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Learn once how to talk to a ledger, before Ansible forks a worker for every step of every host.

A process that has never talked to a database spends most of its first step on that: SQLAlchemy finds out
about drivers, types and statements. Whatever was found out before the fork, each worker has for nothing.
"""

from __future__ import annotations

import functools
import tempfile

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import statements
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Record, Run, claim, record
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.progress import progress
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Release, open_rollout
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import HAS_SQLALCHEMY


@functools.lru_cache(maxsize=1)
def warm_up() -> None:
    """Play one host through a rollout in a ledger that is thrown away. Without SQLAlchemy nothing is done."""
    if not HAS_SQLALCHEMY:
        return
    policy = {"waves": [{"name": "all", "percent": 100}]}
    with (
        tempfile.TemporaryDirectory(prefix="osaas-warm.") as directory,
        Ledger.open(f"{directory}/ledger.db") as ledger,
        ledger.write(keep=False) as connection,
    ):
        enrol(connection, [Enrolment("host", "")], who="", now=0.0)
        opened = open_rollout(connection, Release("r", "snapshot", ""), policy, who="", now=0.0)
        run = Run(opened.rollout, opened.plan_hash, "///0/0")
        fence = claim(connection, run, "host", now=0.0).fence
        for state in ("activating", "done"):
            record(connection, run, "host", fence, Record(state), now=0.0)
        progress(connection, opened.rollout)
    statements.write_out_for_all()
