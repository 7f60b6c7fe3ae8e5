# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Does the policy suit this fleet, and this time? What cannot go well is refused before anything starts."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import Candidate
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import spans, stamp


def check_feasible(policy: Policy, hosts: Sequence[Candidate], now: float) -> None:
    """Raises InputError with the arithmetic: labels that nobody has, no time before the deadline."""
    known = {label for host in hosts for label in host.labels}
    for index, wave in enumerate(policy.waves):
        for label in wave.labels or {}:
            if label not in known:
                raise InputError(
                    f"no host has a label {label!r}",
                    where=f"policy.waves[{index}]",
                    way_out=f"Known are {', '.join(sorted(known)) or 'none'}; enrolling hosts copies labels",
                )
        if wave.labels and not any(wave.takes(host.labels) for host in hosts):
            wanted = ", ".join(f"{label}={value}" for label, value in wave.labels.items())
            raise InputError(
                f"0 of {len(hosts)} hosts have {wanted}",
                where=f"policy.waves[{index}]",
                way_out="Label some hosts when you enrol them, or leave the wave out",
            )
    _check_time(policy, now)


def _check_time(policy: Policy, now: float) -> None:
    end = now + policy.deadline
    need = policy.host_time if policy.strict_window else 0.0
    open_seconds = sum(until - begin for begin, until in spans(policy.windows, (), now, end))
    left = list(spans(policy.windows, policy.freezes, now, end))
    if any(until - begin >= need for begin, until in left):
        return
    free = sum(until - begin for begin, until in left)
    told = f"windows are open for {open_seconds:.0f} s, freezes take {open_seconds - free:.0f} s of them"
    rest = f", and none of the {len(left)} spans left lasts {need:.0f} s" if left else ""
    raise InputError(
        f"no host can be started before the deadline {stamp(end)}: {told}{rest}",
        where="policy.freezes" if policy.freezes else "policy.windows",
        way_out="Move the deadline, or shorten a freeze",
    )
