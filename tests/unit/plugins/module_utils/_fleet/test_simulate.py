# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A virtual fleet under a virtual clock, and what is foretold of it."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.forecast import blast_radius, forecast
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import Candidate
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import parse_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.simulate import Model, Outcome, simulate
from hypothesis import given, settings

HOUR = 3600.0
POLICY: dict[str, Any] = {
    "waves": [
        {"name": "canary", "labels": {"canary": True}},
        {"name": "some", "percent": 20},
        {"name": "all", "percent": 100},
    ],
    "max_unavailable": 6,
    "max_unavailable_per_domain": 2,
    "error_budget": "5%",
    "soak": HOUR,
    "host_time": 600,
}


def fleet(hosts: int = 120, racks: int = 10, canaries: int = 4) -> list[Candidate]:
    return [
        Candidate(f"host-{number:03}", f"m-{number}", f"rack-{number % racks}", {"canary": number < canaries})
        for number in range(hosts)
    ]


def run(failure_rate: float, lost: float = 0.0, **changes: Any) -> Outcome:
    model = Model(failure_rate, lost, host_time=600)
    return simulate(fleet(), parse_policy(POLICY | changes), model, begin=0.0)


def test_a_good_release_reaches_everybody_within_the_budgets() -> None:
    outcome = run(0.0)
    assert (outcome.state, outcome.done, outcome.failed, outcome.untouched) == ("succeeded", 120, 0, 0)
    assert outcome.peak == 6 and max(outcome.peak_by_domain.values()) == 2
    # Two soaks, and 120 hosts of ten minutes, six at a time.
    assert 2 * HOUR + 120 / 6 * 600 <= outcome.seconds <= 2 * HOUR + 120 / 6 * 600 * 1.5
    assert outcome == run(0.0)


def test_a_bad_release_is_halted_and_what_is_lost_stays_charged() -> None:
    outcome = run(0.5, lost=0.5)
    assert outcome.state == "halted" and outcome.reason == "7 of 120 hosts failed, the error budget is 6"
    assert 0 < outcome.lost < outcome.failed and outcome.peak <= 6
    stuck = run(1.0, lost=1.0, error_budget="100%", waves=[{"name": "all", "percent": 100}])
    assert (stuck.state, stuck.failed) == ("stuck", 6)


def test_a_wave_of_which_nobody_is_left_opens_no_other() -> None:
    outcome = run(1.0, error_budget="100%")
    assert (outcome.state, outcome.failed) == ("halted", 4)
    assert outcome.reason == "no host of wave canary is on the release"


def test_what_fails_in_staging_is_tried_again_or_held() -> None:
    hosts, retry = fleet(), {"staging": {"times": 3, "after": 600}}
    model = Model(0.2, 0.0, 600, transient=1.0)
    plenty = {**POLICY, "error_budget": "100%"}
    held = simulate(hosts, parse_policy(plenty), model, begin=0.0)
    assert held.failed == held.lost > 0
    again = simulate(hosts, parse_policy({**plenty, "retry": retry}), model, begin=0.0)
    assert again.failed < held.failed and again.done > held.done
    # One in five, four times over, is one in six hundred; each retry has cost its time.
    assert again.failed <= 2 and again.seconds > run(0.0).seconds
    assert again.peak <= 6


def test_gates_are_taken_to_pass() -> None:
    gate = {"name": "never", "command": ["/bin/false"]}
    assert run(0.0, gates=[gate]) == run(0.0)


def test_hosts_start_in_windows_only() -> None:
    day = run(0.0, soak=0, windows=[{"from": "10:00", "until": "12:00"}])
    busy = [point.time % (24 * HOUR) for point in day.curve if point.unavailable]
    assert day.state == "succeeded" and busy
    assert all(10 * HOUR <= at <= 12 * HOUR + 800 for at in busy)
    assert day.seconds > 24 * HOUR


@settings(deadline=None, max_examples=60)
@given(
    hosts=st.integers(5, 80),
    racks=st.integers(1, 8),
    canaries=st.integers(1, 5),
    unavailable=st.integers(1, 9),
    per_domain=st.integers(1, 3),
    errors=st.integers(0, 9),
    of_a_wave=st.none() | st.integers(0, 9),
    lost=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 9),
)
def test_no_release_breaks_more_than_was_foretold(
    hosts: int,
    racks: int,
    canaries: int,
    unavailable: int,
    per_domain: int,
    errors: int,
    of_a_wave: int | None,
    lost: float,
    seed: int,
) -> None:
    changes = {
        "max_unavailable": unavailable,
        "max_unavailable_per_domain": per_domain,
        "error_budget": errors,
        "error_budget_per_wave": of_a_wave,
    }
    policy, members = parse_policy(POLICY | changes), fleet(hosts, racks, canaries)
    foretold = blast_radius(members, policy)
    broken = simulate(members, policy, Model(1.0, lost, 600, seed=seed), begin=0.0)
    assert broken.failed <= foretold.hosts
    assert broken.peak <= unavailable
    assert all(peak <= foretold.by_domain.get(rack, 0) for rack, peak in broken.peak_by_domain.items())


def test_the_forecast_tells_the_end_who_is_late_and_the_blast_radius() -> None:
    good = forecast(fleet(), parse_policy(POLICY), begin=0.0)
    assert good.finish is not None and good.finish <= good.deadline and not good.late
    assert good.lines[0].startswith("Finishes at 1970-01-01T05:")
    assert good.lines[-1] == (
        "If the release breaks every host, at most 4 in 4 domains are broken before the halt: the smaller"
        " of 4 hosts of wave canary and error budget 6 + in flight 6."
    )
    late = forecast(fleet(), parse_policy(POLICY | {"deadline": 3 * HOUR}), begin=0.0)
    assert 0 < len(late.late) < 120
    assert late.lines[1] == (
        f"{len(late.late)} hosts miss the deadline: of the 10800 s, 2 soaks take 7200 s, and 6 of the hosts"
        " may be unavailable at once."
    )


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1])
def test_broken_hosts_grow_with_the_rate_but_not_past_the_budgets(rate: float) -> None:
    outcome = simulate(fleet(4000, 200), parse_policy(POLICY), Model(rate, 0.1, 600), begin=0.0)
    assert outcome.failed <= 200 + 6
    assert outcome.done + outcome.failed + outcome.untouched == 4000
