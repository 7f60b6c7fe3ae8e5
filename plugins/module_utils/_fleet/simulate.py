# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A rollout under a virtual clock: the plan and the verdicts are the real ones, hosts and time are not."""

from __future__ import annotations

import heapq
import random
import typing as t
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import claims, states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import (
    Candidate,
    make_plan,
    taking_turns,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tally import WaveCount
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import Closed

_POINTS = 300  # of a curve, about


@dataclass(frozen=True)
class Model:
    """How hosts fare: which share of them fails, and which share of those is lost, not rolled back.

    A host takes `host_time` seconds, more or less by up to the share `spread`. Equal models act equally.
    """

    failure_rate: float
    lost: float
    host_time: float
    spread: float = 0.3
    seed: int = 0


class Point(t.NamedTuple):
    """Where the rollout stands, `time` seconds after its beginning."""

    time: float
    done: int
    failed: int
    unavailable: int


@dataclass(frozen=True)
class Outcome:
    """How it ended, `seconds` after it began: `failed` hosts are broken, of which `lost` stay unavailable.

    `late` are hosts that were not done at the deadline. `reason` says why it did not succeed.
    """

    state: str
    reason: str
    seconds: float
    done: int
    failed: int
    lost: int
    untouched: int
    peak: int
    peak_by_domain: Mapping[str, int]
    late: Sequence[str]
    curve: Sequence[Point]


def simulate(hosts: Iterable[Candidate], policy: Policy, model: Model, *, begin: float) -> Outcome:
    """Roll out to all hosts, beginning at the Unix time `begin`, until nothing more can happen."""
    return _Simulation(list(hosts), policy, model, begin).run()


class _Simulation:
    """The ledger, the controllers and the hosts, in memory."""

    def __init__(self, hosts: Sequence[Candidate], policy: Policy, model: Model, begin: float) -> None:
        self._policy, self._model, self._begin, self._now = policy, model, begin, begin
        self._dice = random.Random(model.seed)  # no secret depends on it
        self._fleet = len(hosts)
        self._domain_of = {host.name: host.domain for host in hosts}
        self._sizes: dict[str, int] = {}
        for host in hosts:
            self._sizes[host.domain] = self._sizes.get(host.domain, 0) + 1
        waves: dict[int, list[str]] = {}
        for place in make_plan(hosts, policy):
            waves.setdefault(place.wave, []).append(place.host)
        self._waiting = deque(
            (wave, taking_turns(names, self._domain_of.__getitem__)) for wave, names in waves.items()
        )
        self._index = {wave: index for index, wave in enumerate(waves)}
        self._counts = [WaveCount(wave, len(names), 0, 0, 0, 0.0) for wave, names in waves.items()]
        self._down: dict[str, int] = dict.fromkeys(self._sizes, 0)
        self._peaks: dict[str, int] = dict.fromkeys(self._sizes, 0)
        self._in_flight: list[tuple[float, int, str]] = []
        self._unavailable = self._peak = self._done = self._failed = self._lost = self._started = 0
        self._state, self._reason = states.RUNNING, ""
        self._curve = [Point(0.0, 0, 0, 0)]
        self._late: list[str] = []
        self._shut: Closed | None = None
        self._shut_known_until = begin

    def run(self) -> Outcome:
        """See simulate()."""
        wave, ready, pending = self._next_wave()
        while True:
            wake = 0.0
            while self._state == states.RUNNING and pending:
                if not ready:
                    break  # every domain that has hosts left is at its budget
                domain = ready[0]
                verdict = self._ask(wave, domain)
                if isinstance(verdict, claims.Granted):
                    self._start(wave, pending[domain].popleft())
                    ready.popleft()
                    if not pending[domain]:
                        del pending[domain]
                        if not pending and self._waiting:
                            wave, ready, pending = self._next_wave()
                    elif self._has_room(domain):
                        ready.append(domain)
                    continue
                if isinstance(verdict, claims.Wait):
                    wake = verdict.until
                    if not wake and verdict.reason.endswith(f"of {domain} are unavailable"):
                        ready.popleft()
                        continue
                else:
                    self._state, self._reason = "halted", verdict.reason
                break
            if self._in_flight and (not wake or self._in_flight[0][0] <= wake):
                freed = self._finish()
                if freed in pending and freed not in ready and self._has_room(freed):
                    ready.append(freed)
            elif wake:
                self._note()
                self._now = wake
                self._note()
            else:
                return self._outcome()

    def _next_wave(self) -> tuple[int, deque[str], dict[str, deque[str]]]:
        """A wave's number, the domains that may start a host of it, and its hosts by domain."""
        wave, names = self._waiting.popleft()
        pending: dict[str, deque[str]] = {}
        for name in names:
            pending.setdefault(self._domain_of[name], deque()).append(name)
        return wave, deque(domain for domain in pending if self._has_room(domain)), pending

    def _has_room(self, domain: str) -> bool:
        limit = self._policy.max_unavailable_per_domain.of(self._sizes[domain], least=1)
        return self._down[domain] < limit

    def _ask(self, wave: int, domain: str) -> claims.Verdict:
        view = claims.ClaimView(
            rollout_state=self._state,
            rollout_reason=self._reason,
            plan_matches=True,
            release_flag="",
            barrier="",
            own_release_flag="",
            host_state=states.ELIGIBLE,
            holder="",
            holder_expires=0.0,
            wave=wave,
            waves=self._counts,
            fleet=self._fleet,
            unavailable=self._unavailable,
            domain=domain,
            domain_size=self._sizes[domain],
            unavailable_in_domain=self._down[domain],
            forgiven=0,
            shut=self._closed(),
        )
        return claims.decide_claim(self._policy, view, owner="simulation", now=self._now)

    def _closed(self) -> Closed | None:
        """The policy's answer, asked again at most once a virtual minute while it is open."""
        if self._now >= self._shut_known_until:
            self._shut = self._policy.closed(self._now)
            self._shut_known_until = self._shut.until if self._shut else self._now + 60.0
        return self._shut

    def _start(self, wave: int, name: str) -> None:
        self._charge(self._domain_of[name], 1)
        spread = self._model.spread * (2 * self._dice.random() - 1)
        self._started += 1
        heapq.heappush(self._in_flight, (self._now + self._model.host_time * (1 + spread), wave, name))

    def _finish(self) -> str:
        """The next host in flight comes to its end; returns its domain."""
        self._now, wave, name = heapq.heappop(self._in_flight)
        domain, index = self._domain_of[name], self._index[wave]
        count = self._counts[index]
        if self._dice.random() >= self._model.failure_rate:
            self._done += 1
            self._counts[index] = count._replace(done=count.done + 1, last_done=self._now)
            self._charge(domain, -1)
            if self._now - self._begin > self._policy.deadline:
                self._late.append(name)
        else:
            self._failed += 1
            self._counts[index] = count._replace(failed=count.failed + 1)
            if self._dice.random() < self._model.lost:
                self._lost += 1
            else:
                self._charge(domain, -1)
            over = claims.error_budget(self._policy, self._counts, 0)
            if over is not None and self._state == states.RUNNING:
                self._state, self._reason = "halted", over.reason
        if (self._done + self._failed) % max(1, self._fleet // _POINTS) == 0:
            self._note()
        return domain

    def _charge(self, domain: str, hosts: int) -> None:
        self._unavailable += hosts
        self._down[domain] += hosts
        self._peak = max(self._peak, self._unavailable)
        self._peaks[domain] = max(self._peaks[domain], self._down[domain])

    def _note(self) -> None:
        self._curve.append(Point(self._now - self._begin, self._done, self._failed, self._unavailable))

    def _outcome(self) -> Outcome:
        self._note()
        untouched = self._fleet - self._started
        state, reason = self._state, self._reason
        if state == states.RUNNING and untouched:
            state, reason = "stuck", "hosts that are lost use up the disruption budget"
        elif state == states.RUNNING:
            state = "succeeded with exceptions" if self._failed else "succeeded"
            reason = f"{self._failed} of {self._fleet} hosts failed" if self._failed else ""
        return Outcome(
            state=state,
            reason=reason,
            seconds=self._now - self._begin,
            done=self._done,
            failed=self._failed,
            lost=self._lost,
            untouched=untouched,
            peak=self._peak,
            peak_by_domain=self._peaks,
            late=self._late,
            curve=self._curve,
        )
