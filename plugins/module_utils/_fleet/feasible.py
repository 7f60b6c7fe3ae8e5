# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Does the policy suit this fleet, and this time? What cannot go well is refused before anything starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import Candidate, make_plan
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import spans, stamp


def check_feasible(policy: Policy, hosts: Sequence[Candidate], now: float) -> None:
    """Raises InputError with the arithmetic: unknown labels, kinds of hosts left out, no time to start."""
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
    _check_cover(policy, hosts, known)
    _check_time(policy, now)


def _check_cover(policy: Policy, hosts: Sequence[Candidate], known: Collection[str]) -> None:
    """The first wave needs a host of each kind that there is: canaries of one say nothing of another."""
    if not policy.cover:
        return
    for label in policy.cover:
        if label not in known:
            raise InputError(
                f"no host has a label {label!r}",
                where="policy.cover",
                way_out=f"Known are {', '.join(sorted(known)) or 'none'}",
            )
    kinds = Counter(_kind(policy, host) for host in hosts)
    plan = make_plan(hosts, policy)
    first = {place.host for place in plan if place.wave == plan[0].wave}
    missing = set(kinds) - {_kind(policy, host) for host in hosts if host.name in first}
    if missing:
        worst = max(sorted(missing), key=lambda kind: kinds[kind])
        raise InputError(
            f"wave {policy.waves[plan[0].wave].name} has hosts of {len(kinds) - len(missing)} of {len(kinds)}"
            f" kinds of {' and '.join(policy.cover)}, and of {', '.join(worst)} none of {kinds[worst]}",
            where="policy.cover",
            way_out="Have more hosts in it, by label",
        )


def _kind(policy: Policy, host: Candidate) -> tuple[str, ...]:
    return tuple(str(host.labels.get(label, "")) for label in policy.cover)


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
