# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a policy may say, and the one line that is told when it may not."""

from __future__ import annotations

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import Amount, Wave, parse_policy


def test_every_field_has_a_default() -> None:
    policy = parse_policy({})
    assert policy.waves == (Wave("canary", labels={"canary": True}), Wave("fleet", percent=100))
    assert policy.max_unavailable == Amount(10, percent=True)
    assert policy.error_budget.of(1000) == 0


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"wave": []}, "policy: unknown field 'wave'. Known are approval, cover, deadline, "),
        ({"max_unavailable": "120%"}, "policy.max_unavailable: 120% is over 100%"),
        ({"max_unavailable": 0}, "policy.max_unavailable: 0 is too small, no host could ever be updated"),
        ({"max_unavailable": "0%"}, "policy.max_unavailable: 0% is too small"),
        ({"max_unavailable": True}, "policy.max_unavailable: True is neither a number of hosts nor a"),
        ({"max_unavailable": 1.5}, "policy.max_unavailable: 1.5 is neither"),
        ({"max_unavailable_per_domain": "many"}, "policy.max_unavailable_per_domain: 'many' is neither"),
        ({"error_budget": -1}, "policy.error_budget: -1 is negative"),
        ({"error_budget_per_wave": "few"}, "policy.error_budget_per_wave: 'few' is neither"),
        ({"soak": "soon"}, "policy.soak: 'soon' is not a time in seconds of 0 or more"),
        ({"lease": 5}, "policy.lease: 5 is not a time in seconds of 60 or more"),
        ({"ladder": "slow"}, "policy.ladder: 'slow' is unknown. Known are standard, rapid, emergency"),
        ({"windows": "night"}, "policy.windows: is not a list"),
        ({"windows": [{}]}, "policy.windows[0]: needs from and until"),
        ({"freezes": [7]}, "policy.freezes[0]: needs from and until and reason"),
        ({"strict_window": "yes"}, "policy.strict_window: 'yes' is neither true nor false"),
        ({"host_time": 0}, "policy.host_time: 0 is not a time in seconds of 1 or more"),
        ({"waves": []}, "policy.waves: is not a list of waves"),
        ({"waves": [{"percent": 100}]}, "policy.waves[0]: is not a wave"),
        ({"waves": [{"name": "a"}]}, "policy.waves[0]: needs either labels or percent"),
        ({"waves": [{"name": "a", "labels": {}}]}, "policy.waves[0]: labels must name at least one label"),
        ({"waves": [{"name": "a", "percent": 0}]}, "policy.waves[0]: percent 0 is not above 0"),
        (
            {"waves": [{"name": "a", "percent": 100}, {"name": "a", "percent": 100}]},
            "policy.waves: two waves have the name 'a'",
        ),
        (
            {"waves": [{"name": "a", "percent": 50}, {"name": "b", "percent": 20}]},
            "policy.waves: percentages 50, 20 do not grow",
        ),
        (
            {"waves": [{"name": "a", "percent": 50}]},
            "policy.waves: the waves end at 50 percent, so some hosts would never get the release",
        ),
        (
            {"waves": [{"name": "a", "percent": 100}, {"name": "b", "labels": {"x": 1}}]},
            "policy.waves: the waves end at 100 percent",
        ),
    ],
)
def test_a_bad_policy_is_refused_by_field(raw: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_policy(raw)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize("name", ["standard", "rapid", "emergency"])
def test_a_ladder_is_a_policy_whose_fields_may_be_given_anew(name: str) -> None:
    assert len(parse_policy({"ladder": name}).waves) >= 5
    assert parse_policy({"ladder": name, "soak": 7}).soak == 7


def test_the_standard_ladder_is_patient_with_networks_and_disks() -> None:
    retries = parse_policy({"ladder": "standard"}).retries
    assert [retries["staging"].wait(number) for number in range(retries["staging"].times)] == [
        900,
        1800,
        3600,
    ]
    assert set(retries) == {"unreachable", "staging"}


@pytest.mark.parametrize(
    ("amount", "total", "least", "hosts"),
    [
        (Amount(2, percent=False), 6, 1, 2),
        (Amount(10, percent=True), 1000, 1, 100),
        (Amount(10, percent=True), 19, 1, 1),
        (Amount(10, percent=True), 6, 1, 1),
        (Amount(10, percent=True), 6, 0, 0),
    ],
)
def test_a_budget_rounds_down_but_not_below_its_least(
    amount: Amount, total: int, least: int, hosts: int
) -> None:
    assert amount.of(total, least=least) == hosts
