# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan, forecast and simulate fleets of 100,000 and 1,000,000 hosts by a policy of ten waves."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import make_plan, plan_hash
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import parse_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.simulate import Model, simulate
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.virtual import virtual_fleet

from bench.measure import Cost, Table

POLICY: dict[str, Any] = {
    "ladder": "standard",
    "max_unavailable": "2%",
    "max_unavailable_per_domain": 2,
    "error_budget": "1%",
}
MONDAY = 1_780_272_000.0
T = TypeVar("T")


def run(_work: Path, _packages: int) -> list[Table]:
    """See __main__.py. The peak is of this process so far."""
    rows: dict[str, Cost] = {}
    policy = parse_policy(POLICY)
    for size in (100_000, 1_000_000):
        hosts = virtual_fleet(size, 40, policy)
        plan = _timed(rows, f"plan {size:,} hosts", partial(make_plan, hosts, policy))
        _timed(rows, f"hash of that plan, {size:,}", partial(plan_hash, "r", POLICY, plan))
        del plan
        for rate in (0.001, 1.0):
            outcome = _timed(
                rows,
                f"simulate {size:,} hosts, {rate:.1%} fail",
                partial(simulate, hosts, policy, Model(rate, 0.1, 900), begin=MONDAY),
            )
            assert outcome.peak <= size // 50
    return [Table("decisions of the fleet wing, ten waves", "plan 100,000 hosts", rows)]


def _timed(rows: dict[str, Cost], name: str, work: Callable[[], T]) -> T:
    wall, cpu = time.monotonic(), time.process_time()
    done = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows[name] = Cost(time.monotonic() - wall, time.process_time() - cpu, peak)
    return done
