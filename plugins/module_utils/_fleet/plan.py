# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Who goes when: the plan of a rollout, a pure function of hosts and policy."""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy

COHORTS = 10_000


@dataclass(frozen=True)
class Candidate:
    """A host as the plan sees it. `domain` is its failure domain; "" means that nobody has said."""

    name: str
    machine_id: str
    domain: str
    labels: Mapping[str, t.Any]


@dataclass(frozen=True)
class Assignment:
    """A host's place in a plan: the index of its wave, and its rank inside the whole rollout."""

    host: str
    wave: int
    rank: int


def cohort(machine_id: str, salt: str) -> int:
    """A host's fixed place in 0..9999. With a constant salt the same hosts go early every time."""
    return int.from_bytes(hashlib.sha256(f"{salt}\0{machine_id}".encode()).digest(), "big") % COHORTS


def wave_of(host: Candidate, policy: Policy) -> int:
    """The first wave that takes the host by label, else the first whose share covers its cohort."""
    for index, wave in enumerate(policy.waves):
        if wave.takes(host.labels):
            return index
    place = cohort(host.machine_id, policy.salt)
    shares = ((index, wave.percent) for index, wave in enumerate(policy.waves) if wave.percent is not None)
    return next(index for index, share in shares if place < share / 100 * COHORTS)


def make_plan(hosts: Iterable[Candidate], policy: Policy) -> tuple[Assignment, ...]:
    """Every host's wave and rank. Adding hosts never moves another host to another wave.

    Inside a wave, domains take turns, so that neighbours in rank can be unavailable together.
    """
    waves: dict[int, list[Candidate]] = {}
    for host in hosts:
        waves.setdefault(wave_of(host, policy), []).append(host)
    ordered = [(wave, host) for wave in sorted(waves) for host in _taking_turns(waves[wave], policy.salt)]
    return tuple(Assignment(host.name, wave, rank) for rank, (wave, host) in enumerate(ordered))


def _taking_turns(hosts: Sequence[Candidate], salt: str) -> list[Candidate]:
    by_domain: dict[str, list[Candidate]] = {}
    for host in sorted(hosts, key=lambda host: (cohort(host.machine_id, salt), host.name)):
        by_domain.setdefault(host.domain, []).append(host)
    turns = [
        (turn, domain, host) for domain, members in by_domain.items() for turn, host in enumerate(members)
    ]
    return [host for _turn, _domain, host in sorted(turns, key=lambda entry: entry[:2])]


def plan_hash(release: str, policy: Mapping[str, t.Any], plan: Iterable[Assignment]) -> str:
    """sha256 over the plan in canonical JSON: what every claim must carry."""
    rows = [[entry.host, entry.wave, entry.rank] for entry in plan]
    text = json.dumps([release, policy, rows], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def batches(hosts: Sequence[tuple[int, str]], *, max_unavailable: int, max_per_domain: int) -> list[int]:
    """Sizes of consecutive `serial` batches for open hosts given as (wave, domain) in rank order.

    A batch stays inside one wave and inside both limits, so that nobody in it has to wait for another.
    """
    sizes: list[int] = []
    wave: int | None = None
    in_domain: dict[str, int] = {}
    for host_wave, domain in hosts:
        full = not sizes or sizes[-1] >= max_unavailable or in_domain.get(domain, 0) >= max_per_domain
        if full or host_wave != wave:
            sizes.append(0)
            in_domain = {}
        sizes[-1] += 1
        wave = host_wave
        in_domain[domain] = in_domain.get(domain, 0) + 1
    return sizes
