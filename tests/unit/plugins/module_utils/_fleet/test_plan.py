# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who goes when."""

from __future__ import annotations

import random

import hypothesis.strategies as st
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import (
    Candidate,
    batches,
    cohort,
    make_plan,
    plan_hash,
    taking_turns,
    wave_of,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import parse_policy
from hypothesis import given, settings

POLICY = parse_policy(
    {
        "waves": [
            {"name": "canary", "labels": {"canary": True}},
            {"name": "early", "percent": 20},
            {"name": "all", "percent": 100},
        ]
    }
)


def fleet(count: int, *, racks: int = 3) -> list[Candidate]:
    return [
        Candidate(f"host-{number:03}", f"machine-{number}", f"rack-{number % racks}", {"canary": number == 0})
        for number in range(count)
    ]


def test_the_canary_goes_first_whatever_its_cohort() -> None:
    plan = make_plan(fleet(50), POLICY)
    assert (plan[0].host, plan[0].wave) == ("host-000", 0)
    assert [entry.wave for entry in plan] == sorted(entry.wave for entry in plan)


def test_shares_are_kept_within_what_chance_allows() -> None:
    waves = [wave_of(host, POLICY) for host in fleet(2000)]
    assert 0.17 < waves.count(1) / 2000 < 0.23


@settings(deadline=None, max_examples=50)
@given(
    count=st.integers(10, 300),
    percents=st.sets(st.integers(1, 99), max_size=8),
    salt=st.text(max_size=4),
    dice=st.randoms(use_true_random=False),
)
def test_adding_hosts_moves_no_other_host(
    count: int, percents: set[int], salt: str, dice: random.Random
) -> None:
    """Whatever the policy, and wherever the tenth that joins comes in."""
    shares = [{"name": f"{percent}%", "percent": percent} for percent in sorted({*percents, 100})]
    policy = parse_policy({"waves": [{"name": "canary", "labels": {"canary": True}}, *shares], "salt": salt})
    hosts = fleet(count + max(count // 10, 1))
    before, after = hosts[:count], dice.sample(hosts, len(hosts))
    assert set(make_plan(before, policy)) < set(make_plan(after, policy))
    # Byte for byte: what every claim carries is a hash of it.
    assert plan_hash("r", {}, make_plan(after, policy)) == plan_hash("r", {}, make_plan(hosts, policy))


def test_the_same_hosts_give_the_same_plan_in_whatever_order_they_come() -> None:
    hosts = fleet(40)
    assert make_plan(hosts, POLICY) == make_plan(reversed(hosts), POLICY)


def test_another_salt_gives_other_cohorts() -> None:
    assert cohort("machine-1", "") != cohort("machine-1", "20261122T174400Z")


def test_domains_take_turns() -> None:
    hosts = ["a1", "a2", "a3", "b1", "c1", "c2"]
    assert taking_turns(hosts, lambda host: host[0]) == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_every_wave_is_a_batch_and_the_first_takes_those_in_flight_too() -> None:
    assert batches([0, 1, 1, 1]) == [1, 3]
    assert batches([-1, -1, 1, 1, 2]) == [4, 1]
    assert batches([-1, -1]) == [2]
    assert batches([]) == []


def test_the_hash_tells_one_plan_from_another() -> None:
    plan = make_plan(fleet(5), POLICY)
    assert plan_hash("r1", {}, plan) == plan_hash("r1", {}, make_plan(fleet(5), POLICY))
    assert len({plan_hash("r1", {}, plan), plan_hash("r2", {}, plan), plan_hash("r1", {}, plan[1:])}) == 3
