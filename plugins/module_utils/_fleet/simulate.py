# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A rollout under a virtual clock: the plan and the verdicts are the real ones, hosts and time are not."""

from __future__ import annotations

import heapq
import math
import random
import typing as t
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.osaas.fleet.plugins.module_utils._fleet import claims, failures, states
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import Candidate, make_plan
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tally import WaveCount
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.windows import Closed

_POINTS = 300  # of a curve, about
STAGING = "staging"


@dataclass(frozen=True)
class Model:
    """How hosts fare: which share of them fails, and which share of those is lost, not rolled back.

    The share `transient` of those that fail does so in staging, before they are changed: such a host is tried
    again as the policy says, and in the end is held. A host takes `host_time` seconds, more or less by up to
    the share `spread`, rounded to whole seconds.
    Equal models act equally.
    """

    failure_rate: float
    lost: float
    host_time: float
    spread: float = 0.3
    seed: int = 0
    transient: float = 0.0


class Point(t.NamedTuple):
    """Where the rollout stands, `time` seconds after its beginning."""

    time: float
    done: int
    failed: int
    unavailable: int


@dataclass(frozen=True)
class Outcome:
    """How it ended, `seconds` after it began. Of the `failed` hosts `lost` stay charged: lost, or held.

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


@dataclass
class _Domain:
    """A failure domain: how many hosts it has, how many may be down, are down, and were down at most.

    `pending` are its hosts of the current wave that have not been started; `queued` that it is in line.
    """

    name: str
    size: int = 0
    limit: int = 1
    down: int = 0
    peak: int = 0
    queued: bool = False
    pending: deque[str] = field(default_factory=deque)


class _Simulation:
    """The ledger, the controllers and the hosts, in memory.

    The clock goes in whole seconds, so that of a large fleet many hosts come to their end at once: the heap
    holds moments, not hosts. Domains with room stand in line, so that nobody asks for a host in vain.
    """

    def __init__(self, hosts: Sequence[Candidate], policy: Policy, model: Model, begin: float) -> None:
        self._policy, self._model, self._begin, self._clock = policy, model, begin, 0
        self._dice = random.Random(model.seed)  # no secret depends on it
        self._fleet = len(hosts)
        self._domains: dict[str, _Domain] = {}
        self._domain_of: dict[str, _Domain] = {}
        for host in hosts:
            domain = self._domains.get(host.domain)
            if domain is None:
                domain = self._domains[host.domain] = _Domain(host.domain)
            domain.size += 1
            self._domain_of[host.name] = domain
        for domain in self._domains.values():
            domain.limit = policy.max_unavailable_per_domain.of(domain.size, least=1)
        waves: dict[int, list[str]] = {}
        for place in make_plan(hosts, policy):
            waves.setdefault(place.wave, []).append(place.host)
        self._counts = [WaveCount(wave, len(names), 0, 0, 0, 0.0) for wave, names in waves.items()]
        self._waiting = deque(enumerate(waves.values()))
        self._line: deque[_Domain] = deque()
        self._left = 0
        self._moments: list[int] = []
        self._ending: dict[int, list[tuple[int, str, int]]] = {}
        self._unavailable = self._peak = self._done = self._failed = self._lost = self._started = 0
        self._state, self._reason = states.RUNNING, ""
        self._curve = [Point(0.0, 0, 0, 0)]
        self._late: list[str] = []
        self._shut: Closed | None = None
        self._shut_known_until = begin

    @property
    def _now(self) -> float:
        return self._begin + self._clock

    def run(self) -> Outcome:
        """See simulate()."""
        self._next_wave()
        while True:
            wake = self._start_hosts()
            if self._moments and (not wake or self._begin + self._moments[0] <= wake):
                self._end_hosts()
            elif wake:
                self._note()
                self._clock = max(self._clock + 1, math.ceil(wake - self._begin))
                self._note()
            else:
                return self._outcome()

    def _next_wave(self) -> None:
        """Line up the domains that may start a host of it; each keeps its hosts in their order."""
        self._wave, names = self._waiting.popleft()
        self._left = len(names)
        for name in names:
            domain = self._domain_of[name]
            domain.pending.append(name)
            self._queue(domain)

    def _queue(self, domain: _Domain) -> None:
        if domain.pending and not domain.queued and domain.down < domain.limit:
            domain.queued = True
            self._line.append(domain)

    def _start_hosts(self) -> float:
        """Start all that may be; returns when to ask again, 0.0 if only an end of a host can change that."""
        while self._state == states.RUNNING and self._line:
            domain = self._line[0]
            verdict = self._ask(domain)
            if isinstance(verdict, claims.Wait):
                return verdict.until
            if isinstance(verdict, claims.Refused):
                self._state, self._reason = "halted", verdict.reason
                break
            self._line.popleft()
            domain.queued = False
            self._start(domain)
            self._queue(domain)
            if not self._left and self._waiting:
                self._next_wave()
        return 0.0

    def _ask(self, domain: _Domain) -> claims.Verdict:
        number = self._counts[self._wave].number
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
            wave=number,
            waves=self._counts,
            fleet=self._fleet,
            unavailable=self._unavailable,
            domain=domain.name,
            domain_size=domain.size,
            unavailable_in_domain=domain.down,
            shut=self._closed(),
            # What gates ask about is not simulated: they pass.
            gated=number,
        )
        return claims.decide_claim(self._policy, view, owner="simulation", now=self._now)

    def _closed(self) -> Closed | None:
        """The policy's answer, asked again at most once a virtual minute while it is open."""
        if self._now >= self._shut_known_until:
            self._shut = self._policy.closed(self._now)
            self._shut_known_until = self._shut.until if self._shut else self._now + 60.0
        return self._shut

    def _start(self, domain: _Domain) -> None:
        name = domain.pending.popleft()
        self._left -= 1
        self._started += 1
        self._unavailable += 1
        self._peak = max(self._peak, self._unavailable)
        domain.down += 1
        domain.peak = max(domain.peak, domain.down)
        self._try(self._wave, name, 0, 0.0)

    def _try(self, wave: int, name: str, retries: int, wait: float) -> None:
        """After a `wait`, in which nobody else may use its place, the host is worked on."""
        spread = self._model.spread * (2 * self._dice.random() - 1)
        moment = self._clock + max(1, round(wait + self._model.host_time * (1 + spread)))
        if moment not in self._ending:
            self._ending[moment] = []
            heapq.heappush(self._moments, moment)
        self._ending[moment].append((wave, name, retries))

    def _end_hosts(self) -> None:
        """The clock goes to the next moment at which hosts come to their end."""
        self._clock = heapq.heappop(self._moments)
        before, points = self._done + self._failed, max(1, self._fleet // _POINTS)
        for wave, name, retries in self._ending.pop(self._clock):
            self._end(wave, name, retries)
        if (self._done + self._failed) // points > before // points:
            self._note()

    def _end(self, wave: int, name: str, retries: int) -> None:
        domain, count = self._domain_of[name], self._counts[wave]
        if self._dice.random() >= self._model.failure_rate:
            self._done += 1
            self._counts[wave] = count._replace(done=count.done + 1, last_done=self._now)
            if self._clock > self._policy.deadline:
                self._late.append(name)
        else:
            held = bool(self._model.transient) and self._dice.random() < self._model.transient
            if held and failures.may_retry(self._policy.retries, failures.Tried(STAGING, retries, False)):
                self._try(wave, name, retries + 1, self._policy.retries[STAGING].wait(retries))
                return
            self._failed += 1
            self._counts[wave] = count._replace(failed=count.failed + 1)
            over = claims.error_budget(self._policy, self._counts)
            if over is not None and self._state == states.RUNNING:
                self._state, self._reason = "halted", over.reason
            if held or self._dice.random() < self._model.lost:
                self._lost += 1
                return  # it stays charged
        self._unavailable -= 1
        domain.down -= 1
        self._queue(domain)

    def _note(self) -> None:
        self._curve.append(Point(float(self._clock), self._done, self._failed, self._unavailable))

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
            seconds=float(self._clock),
            done=self._done,
            failed=self._failed,
            lost=self._lost,
            untouched=untouched,
            peak=self._peak,
            peak_by_domain={name: domain.peak for name, domain in self._domains.items()},
            late=self._late,
            curve=self._curve,
        )
