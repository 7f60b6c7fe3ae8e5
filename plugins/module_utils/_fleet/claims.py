# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""May this host be touched now? The one decision that every host's update begins with; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tally import WaveCount
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import Closed

# Marks of a release that keep every host from it. A barrier, on the other hand, is to be visited.
NEVER_OFFERED = ("bad", "dead-end")


class ClaimView(t.NamedTuple):
    """All that a claim's decision rests on, read in the transaction that will also write the claim.

    `unavailable` counts every *other* host of the ledger that is unavailable for any reason: claimed,
    whether or not the lease has ended, or failed and not recovered. `waves` are those of this rollout that
    have hosts. `holder` is the owner of a claim whose process may still live, "" otherwise.
    `shut` is the policy's answer to whether it is open. `barrier` is a release that the host would skip,
    `own_release_flag` marks the release that it runs. A host that failed is tried again at `retry_at`.
    The run has `started` so many hosts. `gated` is the last wave whose gates have passed.
    """

    rollout_state: str
    rollout_reason: str
    plan_matches: bool
    release_flag: str
    barrier: str
    own_release_flag: str
    host_state: str
    holder: str
    holder_expires: float
    wave: int
    waves: Sequence[WaveCount]
    fleet: int
    unavailable: int
    domain: str
    domain_size: int
    unavailable_in_domain: int
    shut: Closed | None
    retry_at: float = 0.0
    started: int = 0
    gated: int = -1


@dataclass(frozen=True)
class Granted:
    """The host is yours until the lease ends."""


@dataclass(frozen=True)
class Wait:
    """Not now; ask again, but not before `until` (a Unix time, 0 when nobody can tell).

    With `gates`, only after those of the wave before have been asked.
    """

    reason: str
    until: float = 0.0
    gates: bool = False


@dataclass(frozen=True)
class Refused:
    """Not in this run, and asking again will not help."""

    reason: str


Verdict = t.Union[Granted, Wait, Refused]


def decide_claim(policy: Policy, view: ClaimView, *, owner: str, now: float) -> Verdict:
    """The verdict for one host. Order matters: what can never pass comes before what may pass later."""
    if view.host_state in states.FINAL:
        return Refused(f"the host is {view.host_state} already")
    if view.host_state == states.EXEMPT:
        return Refused("the host is exempt; osaas.fleet.explain tells by whom and for how long")
    if view.holder and view.holder != owner and view.holder_expires > now:
        return Wait(f"another run holds the host for {view.holder_expires - now:.0f} s more")
    if view.host_state not in states.WAITING and view.rollout_state in states.UNFINISHED:
        # Touched before: finishing it frees budget, leaving it alone would keep it unavailable for ever.
        return Granted()
    if view.rollout_state != states.RUNNING:
        why = f": {view.rollout_reason}" if view.rollout_reason else ""
        return Refused(f"the rollout is {view.rollout_state}{why}")
    if not view.plan_matches:
        return Refused("the plan has changed since this run began; run the rollout again")
    if view.release_flag in NEVER_OFFERED:
        return Refused(f"the release is marked {view.release_flag}")
    if view.own_release_flag == "dead-end":
        return Refused("the host runs a release that is a dead-end: provision it anew")
    if view.barrier:
        return Refused(f"the host must not skip release {view.barrier}, a barrier: roll that out first")
    over = error_budget(policy, view.waves)
    if over is not None:
        return over
    if policy.max_hosts_per_run is not None and view.started >= policy.max_hosts_per_run:
        return Refused(f"this run has started {view.started} hosts, as many as one run may")
    if now < view.retry_at:
        return Wait(f"the host is tried again in {view.retry_at - now:.0f} s", view.retry_at)
    if view.shut is not None:
        return Wait(view.shut.reason, view.shut.until)
    return _budgets(policy, view) or _gate(policy, view, now)


def error_budget(policy: Policy, waves: Sequence[WaveCount]) -> Refused | None:
    """None while a rollout may go on with so many failed hosts, less those that were forgiven."""
    hosts = sum(wave.hosts for wave in waves)
    failed = sum(wave.charged for wave in waves)
    budget = policy.error_budget.of(hosts)
    if failed > budget:
        return Refused(f"{failed} of {hosts} hosts failed, the error budget is {budget}")
    if policy.error_budget_per_wave is None:
        return None
    for wave in waves:
        budget = policy.error_budget_per_wave.of(wave.hosts)
        if wave.charged > budget:
            name = policy.waves[wave.number].name
            return Refused(
                f"{wave.charged} of {wave.hosts} hosts of wave {name} failed, its error budget is {budget}"
            )
    return None


def _budgets(policy: Policy, view: ClaimView) -> Wait | None:
    limit = policy.max_unavailable.of(view.fleet, least=1)
    if view.unavailable >= limit:
        return Wait(f"{view.unavailable} of at most {limit} hosts are unavailable")
    limit = policy.max_unavailable_per_domain.of(view.domain_size, least=1)
    if view.unavailable_in_domain >= limit:
        return Wait(f"{view.unavailable_in_domain} of at most {limit} hosts of {view.domain} are unavailable")
    return None


def _gate(policy: Policy, view: ClaimView, now: float) -> Verdict:
    """Granted when the host's wave is open: all before it are through, soaked, and past their gates."""
    before = [wave for wave in view.waves if wave.number < view.wave]
    for wave in before:
        if not wave.hosts:
            continue  # all of it are exempt
        name = policy.waves[wave.number].name
        left = wave.hosts - wave.done - wave.failed - wave.unreachable
        if left > 0:
            return Wait(f"wave {name} is not through, {left} of {wave.hosts} hosts are left")
        if not wave.done:
            return Refused(f"no host of wave {name} is on the release")
        soaked = wave.last_done + policy.soak_of(wave.done)
        if now < soaked:
            return Wait(f"wave {name} soaks for {soaked - now:.0f} s more", until=soaked)
        if wave.number > view.gated and policy.gates_of(wave.number):
            return Wait(f"wave {name} has not passed its gates; osaas.fleet.status tells why", gates=True)
    if before and not any(wave.done for wave in before):
        return Refused("every host of the waves before is exempt, so nobody has tried the release")
    return Granted()
