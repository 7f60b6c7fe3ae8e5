# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a rollout will come to, told before it starts: its end, who is late, and what it can break at most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import Candidate, make_plan
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.simulate import Model, simulate
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import stamp


@dataclass(frozen=True)
class BlastRadius:
    """The most hosts, of `candidates`, that a release can break which breaks every host; and by domain."""

    hosts: int
    by_domain: Mapping[str, int]
    candidates: Sequence[str]
    arithmetic: str


@dataclass(frozen=True)
class Forecast:
    """Times are Unix seconds; `finish` is None for a rollout that would not end. `late` miss the deadline."""

    finish: float | None
    deadline: float
    late: Sequence[str]
    blast_radius: BlastRadius
    lines: Sequence[str]


def forecast(hosts: Sequence[Candidate], policy: Policy, *, begin: float) -> Forecast:
    """If every host takes the policy's `host_time` and none fails."""
    outcome = simulate(hosts, policy, Model(0.0, 0.0, policy.host_time, spread=0.0), begin=begin)
    finish = begin + outcome.seconds if outcome.state == "succeeded" else None
    deadline = begin + policy.deadline
    blast = blast_radius(hosts, policy)
    return Forecast(
        finish, deadline, outcome.late, blast, _lines(finish, deadline, outcome.late, blast, policy)
    )


def blast_radius(hosts: Sequence[Candidate], policy: Policy) -> BlastRadius:
    """Sound, whatever happens when: see the arithmetic.

    No host of the second wave is started before one of the first is done, so only the first wave is in
    danger. Of it, no host is started once more have failed than the error budget has; at that moment at most
    the disruption budget is in flight.
    """
    plan = make_plan(hosts, policy)
    domain_of = {host.name: host.domain for host in hosts}
    sizes: dict[str, int] = {}
    for host in hosts:
        sizes[host.domain] = sizes.get(host.domain, 0) + 1
    first = [place.host for place in plan if place.wave == plan[0].wave]
    in_flight = policy.max_unavailable.of(len(hosts), least=1)
    errors = policy.error_budget.of(len(hosts))
    if policy.error_budget_per_wave is not None:
        errors = min(errors, policy.error_budget_per_wave.of(len(first)))
    most = min(len(first), errors + in_flight)
    by_domain: dict[str, int] = {}
    for name in first:
        domain = domain_of[name]
        limit = policy.max_unavailable_per_domain.of(sizes[domain], least=1)
        by_domain[domain] = min(by_domain.get(domain, 0) + 1, most, errors + limit)
    wave = policy.waves[plan[0].wave].name
    arithmetic = (
        f"the smaller of {len(first)} hosts of wave {wave} and error budget {errors} + in flight {in_flight}"
    )
    return BlastRadius(min(most, sum(by_domain.values())), by_domain, first, arithmetic)


def _lines(
    finish: float | None, deadline: float, late: Sequence[str], blast: BlastRadius, policy: Policy
) -> list[str]:
    """For a person."""
    end = f"Finishes at {stamp(finish)}" if finish else "Does not finish"
    lines = [f"{end} if no host fails and each takes {policy.host_time:.0f} s; deadline {stamp(deadline)}."]
    if late:
        soaks, share = len(policy.waves) - 1, policy.max_unavailable
        lines.append(
            f"{len(late)} hosts miss the deadline: of the {policy.deadline:.0f} s, {soaks} soaks take"
            f" {policy.soak * soaks:.0f} s, and {share.number:g}{'%' if share.percent else ''} of the hosts"
            " may be unavailable at once."
        )
    domains = len(blast.by_domain)
    lines.append(
        f"If the release breaks every host, at most {blast.hosts} in {domains} domains are broken before the"
        f" halt: {blast.arithmetic}."
    )
    return lines
