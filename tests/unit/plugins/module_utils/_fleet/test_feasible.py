# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A policy that does not suit the fleet or the time is refused, with the arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.feasible import check_feasible
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.plan import Candidate
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import parse_policy

NOW = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
HOSTS = [
    Candidate("a", "a", "rack", {"canary": False, "role": "db"}),
    Candidate("b", "b", "rack", {"role": "web"}),
]
ALL: list[dict[str, Any]] = [{"name": "all", "percent": 100}]
NIGHT = {"from": "22:00", "until": "23:00"}


def freeze(begin: str, until: str) -> dict[str, str]:
    return {"from": begin, "until": until, "reason": "x"}


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({}, "policy.waves[0]: 0 of 2 hosts have canary=True. Label some hosts when you enrol them"),
        (
            {"waves": [{"name": "a", "labels": {"ring": 1}}, *ALL]},
            "policy.waves[0]: no host has a label 'ring'. Known are canary, role; enrolling hosts",
        ),
        (
            {
                "waves": ALL,
                "deadline": 86400,
                "freezes": [
                    freeze("2026-05-30", "2026-06-01T14:00"),
                    freeze("2026-06-01T10:00", "2026-06-03"),
                ],
            },
            "policy.freezes: no host can be started before the deadline 2026-06-02T00:00:00Z: windows are "
            "open for 86400 s, freezes take 86400 s of them. Move the deadline, or shorten a freeze",
        ),
        (
            {"waves": ALL, "deadline": 86400, "windows": [NIGHT], "strict_window": True, "host_time": 7200},
            "policy.windows: no host can be started before the deadline 2026-06-02T00:00:00Z: windows are "
            "open for 3600 s, freezes take 0 s of them, and none of the 1 spans left lasts 7200 s",
        ),
    ],
)
def test_what_cannot_go_well_is_refused(policy: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        check_feasible(parse_policy(policy), HOSTS, NOW)
    assert str(error.value).startswith(message)


def test_the_first_wave_must_have_a_host_of_every_kind() -> None:
    kinds = [("el9", "web"), ("el9", "db"), ("el10", "web"), ("el10", "web")]
    hosts = [
        Candidate(f"h{number}", f"h{number}", "rack", {"os": os, "role": role, "canary": number < 2})
        for number, (os, role) in enumerate(kinds)
    ]
    canaries = [{"name": "canary", "labels": {"canary": True}}, *ALL]
    with pytest.raises(InputError) as error:
        check_feasible(parse_policy({"waves": canaries, "cover": ["os", "role"]}), hosts, NOW)
    assert str(error.value) == (
        "policy.cover: wave canary has hosts of 2 of 3 kinds of os and role, and of el10, web none of 2."
        " Have more hosts in it, by label"
    )
    check_feasible(parse_policy({"waves": canaries, "cover": ["role"]}), hosts, NOW)
    with pytest.raises(
        InputError, match=r"policy.cover: no host has a label 'arch'. Known are canary, os, role"
    ):
        check_feasible(parse_policy({"waves": canaries, "cover": ["arch"]}), hosts, NOW)


def test_what_can_go_well_is_not() -> None:
    policy = {
        "waves": [{"name": "db", "labels": {"role": "db"}}, *ALL],
        "windows": [NIGHT],
        "deadline": 86400,
    }
    check_feasible(parse_policy(policy), HOSTS, NOW)
