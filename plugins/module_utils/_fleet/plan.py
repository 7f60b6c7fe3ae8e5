# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Who goes when: the plan of a rollout, a pure function of hosts and policy."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Policy

COHORTS = 10_000
# Stands for the wave of a host that an earlier run has begun with: it goes before all others.
IN_FLIGHT = -1


class Candidate(t.NamedTuple):
    """A host as the plan sees it. `domain` is its failure domain; "" means that nobody has said."""

    name: str
    machine_id: str
    domain: str
    labels: Mapping[str, t.Any]


class Assignment(t.NamedTuple):
    """A host's place in a plan: the index of its wave, and its rank (its cohort) inside the wave."""

    wave: int
    rank: int
    host: str


def cohort(machine_id: str, salt: str) -> int:
    """A host's fixed place in 0..9999. With a constant salt the same hosts go early every time."""
    return int.from_bytes(hashlib.sha256(f"{salt}\0{machine_id}".encode()).digest(), "big") % COHORTS


def wave_of(host: Candidate, policy: Policy) -> int:
    """The first wave that takes the host by label, else the first whose share covers its cohort."""
    return make_plan([host], policy)[0].wave


def make_plan(hosts: Iterable[Candidate], policy: Policy) -> tuple[Assignment, ...]:
    """Every host's wave and rank, in order. Both depend on that host alone: adding hosts moves no other."""
    salt = policy.salt
    by_label = [(index, wave) for index, wave in enumerate(policy.waves) if wave.labels is not None]
    by_cohort = _waves_of_cohorts(policy)
    places = []
    for host in hosts:
        place = cohort(host.machine_id, salt)
        labels = host.labels
        wave = next((index for index, wave in by_label if wave.takes(labels)), None) if labels else None
        places.append(Assignment(by_cohort[place] if wave is None else wave, place, host.name))
    return tuple(sorted(places))


def _waves_of_cohorts(policy: Policy) -> list[int]:
    """For each cohort the first wave whose share covers it."""
    found: list[int] = []
    for index, wave in enumerate(policy.waves):
        if wave.percent is not None:
            found += [index] * (math.ceil(wave.percent / 100 * COHORTS) - len(found))
    return found


T = t.TypeVar("T")


def taking_turns(hosts: Iterable[T], domain_of: Callable[[T], str]) -> list[T]:
    """The hosts of one wave, reordered so that neighbours can be unavailable together: domains take turns."""
    turns: dict[str, int] = {}
    placed = []
    for index, host in enumerate(hosts):
        domain = domain_of(host)
        turns[domain] = turns.get(domain, -1) + 1
        placed.append((turns[domain], index, host))
    return [host for _turn, _index, host in sorted(placed, key=lambda entry: entry[:2])]


def plan_hash(release: str, policy: Mapping[str, t.Any], plan: Iterable[Assignment]) -> str:
    """sha256 over the release, the policy and every host's place: what every claim must carry."""
    digest = hashlib.sha256(json.dumps([release, policy], sort_keys=True).encode())
    for entry in plan:
        digest.update(f"{entry.wave} {entry.rank} {entry.host}\n".encode())
    return digest.hexdigest()


def batches(waves: Sequence[int]) -> list[int]:
    """Sizes of consecutive `serial` batches for open hosts, given by their waves in order: one for each wave.

    Hosts in flight (wave -1) share the first one: whoever waits for another run keeps nobody else waiting.
    """
    sizes = [len(list(hosts)) for _wave, hosts in itertools.groupby(waves)]
    if len(sizes) > 1 and waves[0] == IN_FLIGHT:
        sizes[:2] = [sizes[0] + sizes[1]]
    return sizes
