# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""May this host be touched now? The one decision that every host's update begins with; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy

# States of a host in a rollout (DESIGN, section 6).
ELIGIBLE = "eligible"
IN_FLIGHT = ("claimed", "staged", "activating", "rebooting", "verifying", "rolling back")
DONE = "done"
# What counts against the error budget. An unreachable host may still be finished when it answers again.
FAILED = ("rolled back", "quarantined", "unreachable")
FINAL = (DONE, "rolled back", "quarantined")


@dataclass(frozen=True)
class WaveView:
    """How far a wave is. `last_done` is a Unix time, 0 when no host of it is done."""

    name: str
    hosts: int
    done: int
    failed: int
    last_done: float


@dataclass(frozen=True)
class ClaimView:
    """All that a claim's decision rests on, read in the transaction that will also write the claim.

    `unavailable` counts every *other* host of the ledger that is unavailable for any reason: claimed,
    whether or not the lease has ended, or failed and not recovered. `failed` counts hosts of this rollout,
    less those that an operator has forgiven. `holder` is the owner of a claim whose process may still live,
    "" otherwise.
    """

    rollout_state: str
    rollout_reason: str
    plan_matches: bool
    release_flag: str
    host_state: str
    holder: str
    holder_expires: float
    wave: int
    waves: Sequence[WaveView]
    fleet: int
    unavailable: int
    domain: str
    domain_size: int
    unavailable_in_domain: int
    failed: int


@dataclass(frozen=True)
class Granted:
    """The host is yours until the lease ends."""


@dataclass(frozen=True)
class Wait:
    """Not now; ask again."""

    reason: str


@dataclass(frozen=True)
class Refused:
    """Not in this run, and asking again will not help."""

    reason: str


Verdict = t.Union[Granted, Wait, Refused]


def decide_claim(policy: Policy, view: ClaimView, *, owner: str, now: float) -> Verdict:
    """The verdict for one host. Order matters: what can never pass comes before what may pass later."""
    if view.host_state in FINAL:
        return Refused(f"the host is {view.host_state} already")
    if view.holder and view.holder != owner and view.holder_expires > now:
        return Wait(f"another run holds the host for {view.holder_expires - now:.0f} s more")
    if view.host_state != ELIGIBLE and view.rollout_state in ("running", "paused", "halted"):
        # Touched before: finishing it frees budget, leaving it alone would keep it unavailable for ever.
        return Granted()
    if view.rollout_state != "running":
        why = f": {view.rollout_reason}" if view.rollout_reason else ""
        return Refused(f"the rollout is {view.rollout_state}{why}")
    if not view.plan_matches:
        return Refused("the plan has changed since this run began; run the rollout again")
    if view.release_flag:
        return Refused(f"the release is marked {view.release_flag}")
    hosts = sum(wave.hosts for wave in view.waves)
    return error_budget(policy, view.failed, hosts) or _budgets(policy, view) or _gate(policy, view, now)


def error_budget(policy: Policy, failed: int, hosts: int) -> Refused | None:
    """None while a rollout to `hosts` hosts, of which `failed` have failed, may go on."""
    budget = policy.error_budget.of(hosts)
    if failed <= budget:
        return None
    return Refused(f"{failed} of {hosts} hosts failed, the error budget is {budget}")


def _budgets(policy: Policy, view: ClaimView) -> Wait | None:
    limit = policy.max_unavailable.of(view.fleet, least=1)
    if view.unavailable >= limit:
        return Wait(f"{view.unavailable} of at most {limit} hosts are unavailable")
    limit = policy.max_unavailable_per_domain.of(view.domain_size, least=1)
    if view.unavailable_in_domain >= limit:
        return Wait(f"{view.unavailable_in_domain} of at most {limit} hosts of {view.domain} are unavailable")
    return None


def _gate(policy: Policy, view: ClaimView, now: float) -> Verdict:
    """Granted when the host's wave is open: all before it are through and have soaked long enough."""
    for wave in view.waves[: view.wave]:
        left = wave.hosts - wave.done - wave.failed
        if left > 0:
            return Wait(f"wave {wave.name} is not through, {left} of {wave.hosts} hosts are left")
        if wave.hosts and not wave.done:
            return Refused(f"no host of wave {wave.name} is on the release")
        soaked = now - wave.last_done
        if wave.done and soaked < policy.soak:
            return Wait(f"wave {wave.name} soaks for {policy.soak - soaked:.0f} s more")
    return Granted()
