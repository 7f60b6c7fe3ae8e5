# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verdict on a claim, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.claims import (
    ClaimView,
    Granted,
    Refused,
    Wait,
    decide_claim,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import parse_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tally import WaveCount

NOW = 1000.0
POLICY = parse_policy({"max_unavailable": 2, "max_unavailable_per_domain": 1, "soak": 60})
FREE = ClaimView(
    rollout_state="running",
    rollout_reason="",
    plan_matches=True,
    release_flag="",
    barrier="",
    own_release_flag="",
    host_state="eligible",
    holder="",
    holder_expires=0,
    wave=1,
    waves=[WaveCount(0, 1, 1, 0, 0, NOW - 61), WaveCount(1, 5, 0, 0, 0, 0)],
    fleet=6,
    unavailable=0,
    domain="rack-1",
    domain_size=2,
    unavailable_in_domain=0,
    shut=None,
)


FAILED = [FREE.waves[0], WaveCount(1, 5, 0, 1, 0, 0)]


def canary(hosts: int, done: int, failed: int, last_done: float = 0) -> list[WaveCount]:
    return [WaveCount(0, hosts, done, failed, 0, last_done), FREE.waves[1]]


def test_a_free_host_of_an_open_wave_is_granted() -> None:
    assert decide_claim(POLICY, FREE, owner="me", now=NOW) == Granted()


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"rollout_state": "halted", "rollout_reason": "x"}, Refused("the rollout is halted: x")),
        ({"rollout_state": "superseded"}, Refused("the rollout is superseded")),
        (
            {"plan_matches": False},
            Refused("the plan has changed since this run began; run the rollout again"),
        ),
        ({"release_flag": "bad"}, Refused("the release is marked bad")),
        ({"release_flag": "barrier"}, Granted()),
        (
            {"barrier": "r5"},
            Refused("the host must not skip release r5, a barrier: roll that out first"),
        ),
        (
            {"own_release_flag": "dead-end"},
            Refused("the host runs a release that is a dead-end: provision it anew"),
        ),
        (
            {"host_state": "exempt"},
            Refused("the host is exempt; osaas.fleet.explain tells by whom and for how long"),
        ),
        ({"host_state": "done"}, Refused("the host is done already")),
        ({"host_state": "rolled back"}, Refused("the host is rolled back already")),
        ({"waves": FAILED}, Refused("1 of 6 hosts failed, the error budget is 0")),
        ({"unavailable": 2}, Wait("2 of at most 2 hosts are unavailable")),
        ({"unavailable_in_domain": 1}, Wait("1 of at most 1 hosts of rack-1 are unavailable")),
        (
            {"holder": "another", "holder_expires": NOW + 9},
            Wait("another run holds the host for 9 s more"),
        ),
        ({"waves": canary(1, 0, 0)}, Wait("wave canary is not through, 1 of 1 hosts are left")),
        ({"waves": canary(1, 1, 0, NOW - 20)}, Wait("wave canary soaks for 40 s more", until=NOW + 40)),
        (
            {"waves": [WaveCount(0, 1, 0, 1, 0, 0, forgiven=1), FREE.waves[1]]},
            Refused("no host of wave canary is on the release"),
        ),
        ({"waves": FREE.waves[1:]}, Granted()),
        (
            {"waves": canary(0, 0, 0)},
            Refused("every host of the waves before is exempt, so nobody has tried the release"),
        ),
        # A run that died left the host in flight: it is finished even though the rollout has halted since.
        ({"host_state": "verifying", "unavailable": 2}, Granted()),
        ({"host_state": "activating", "rollout_state": "halted"}, Granted()),
        ({"host_state": "unreachable", "rollout_state": "halted", "waves": FAILED}, Granted()),
        ({"host_state": "activating", "rollout_state": "superseded"}, Refused("the rollout is superseded")),
        ({"holder": "me", "holder_expires": NOW + 9}, Granted()),
        ({"holder": "another", "holder_expires": NOW - 1}, Granted()),
    ],
)
def test_one_change_decides(changes: dict[str, Any], verdict: object) -> None:
    assert decide_claim(POLICY, FREE._replace(**changes), owner="me", now=NOW) == verdict


def test_outside_a_window_nobody_is_started_but_those_in_flight_are_finished() -> None:
    policy = parse_policy({"windows": [{"from": "22:00", "until": "23:00"}]})
    view = FREE._replace(shut=policy.closed(NOW))
    reason = "outside of every window; the next window opens at 1970-01-01T22:00:00Z"
    assert decide_claim(policy, view, owner="me", now=NOW) == Wait(reason, until=22 * 3600)
    assert decide_claim(policy, view._replace(host_state="activating"), owner="me", now=NOW) == Granted()
    assert policy.closed(22 * 3600.0) is None


def test_a_wave_has_an_error_budget_of_its_own() -> None:
    policy = parse_policy({"max_unavailable": 2, "error_budget": 9, "error_budget_per_wave": "20%"})
    waves = [FREE.waves[0], WaveCount(1, 10, 0, 1, 1, 0)]
    assert decide_claim(policy, FREE._replace(waves=waves), owner="me", now=NOW) == Granted()
    waves[1] = WaveCount(1, 10, 0, 2, 1, 0)
    reason = "3 of 10 hosts of wave fleet failed, its error budget is 2"
    assert decide_claim(policy, FREE._replace(waves=waves), owner="me", now=NOW) == Refused(reason)
    waves[1] = WaveCount(1, 10, 0, 2, 1, 0, forgiven=1)
    assert decide_claim(policy, FREE._replace(waves=waves), owner="me", now=NOW) == Granted()
