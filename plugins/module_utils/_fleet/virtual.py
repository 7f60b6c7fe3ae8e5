# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A fleet of hosts that do not exist."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import Candidate
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy


def virtual_fleet(hosts: int, per_domain: int, policy: Policy) -> list[Candidate]:
    """So many hosts in racks of `per_domain`. Every wave by label has a thousandth of them, at least one."""
    by_label = [wave.labels for wave in policy.waves if wave.labels is not None]
    each = max(1, hosts // 1000)
    nothing: Mapping[str, t.Any] = {}
    return [
        Candidate(
            f"host-{number:07}",
            f"machine-{number}",
            f"rack-{number // per_domain:05}",
            by_label[number // each] if number < each * len(by_label) else nothing,
        )
        for number in range(hosts)
    ]
