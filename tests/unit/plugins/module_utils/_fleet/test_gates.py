# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the answers of gates mean, and which gates and retries a policy may have."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.gates import (
    Answer,
    HttpCheck,
    PrometheusCheck,
    judge_samples,
    judge_status,
    judge_value,
    together,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import parse_policy

HTTP = {"name": "g", "http": "https://x.example/a", "expression": "ok"}
PROMETHEUS = {"name": "g", "prometheus": "http://x.example", "query": "up", "passes": "> 0"}


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (True, Answer("passed", "ok is true", True)),
        (False, Answer("refused", "ok is false", False)),
        (None, Answer("held", "ok is null, so too little is known", None)),
        (1, Answer("broken", "ok is neither true, false nor null, but 1", "1")),
    ],
)
def test_an_expression_has_three_values(value: Any, answer: Answer) -> None:
    assert judge_value(HttpCheck("http://x", "ok"), value) == answer


@pytest.mark.parametrize(
    ("samples", "outcome", "reason"),
    [
        ({"a": 0.5, "b": 0.1}, "passed", "2 samples < 1"),
        ({"a": 0.5, "b": 1.0}, "refused", "b is 1, not < 1"),
        ({"a": 2.0, "b": 1.0}, "refused", "a is 2, not < 1 (and 1 more)"),
        ({"a": 0.5}, "held", "1 samples, 2 are needed"),
        ({"a": 0.5, "b": math.nan}, "held", "1 samples, 2 are needed"),
        ({"a": 0.5, "b": math.inf}, "refused", "b is inf, not < 1"),
        ({}, "held", "0 samples, 2 are needed"),
    ],
)
def test_every_sample_must_compare(samples: dict[str, float], outcome: str, reason: str) -> None:
    check = PrometheusCheck("http://x", "q", "<", 1.0, 2)
    assert judge_samples(check, samples)[:2] == (outcome, reason)


def test_an_answer_is_told_in_little_that_every_database_takes() -> None:
    check = PrometheusCheck("http://x", "q", "<", 1.0, 1)
    refused = judge_samples(check, {"a": 0.0, "b\0": math.inf})
    assert refused == Answer("refused", "b  is inf, not < 1", {"b ": "inf"})
    many = judge_samples(check, {str(number): 0.0 for number in range(10_000)})
    assert many.reason == "10000 samples < 1" and len(many.values) == 20
    assert judge_status(1, "a\0\x1b[31mb").reason == "exit status 1: a  [31mb"


def test_a_status_has_a_reason() -> None:
    assert judge_status(0, "") == Answer("passed", "exit status 0", 0)
    assert judge_status(75, "too early\n") == Answer("held", "exit status 75: too early", 75)
    assert judge_status(1, f"x\n{'y' * 300}")[:2] == ("refused", f"exit status 1: {'y' * 200}…")


def test_the_worst_answer_counts() -> None:
    good, held, bad, broken = (Answer(word, "why") for word in ("passed", "held", "refused", "broken"))
    assert together({"a": good, "b": good}).outcome == "passed"
    assert together({"a": good, "b": held}) == Answer("held", "gate b held: why")
    assert together({"a": held, "b": bad}) == Answer("refused", "gate b refused: why")
    assert together({"a": bad, "b": broken}) == Answer("broken", "gate b broken: why")
    assert together({}).outcome == "passed"


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        (
            {"name": "g"},
            "policy.gates[0]: is not a gate. A gate has a name, and one of http, prometheus, command",
        ),
        ({**HTTP, **PROMETHEUS}, "policy.gates[0]: is not a gate."),
        ({**HTTP, "name": ""}, "policy.gates[0]: is not a gate."),
        ("g", "policy.gates[0]: is not a gate."),
        ({**HTTP, "query": "up"}, "policy.gates[0]: unknown field 'query'. Known are name, waves, timeout, "),
        (
            {**HTTP, "headers": {"Authorization": "Bearer s3cret"}},
            "policy.gates[0]: unknown field 'headers'. Known are name, waves, timeout, retries, http,"
            " expression. Headers are no part of a policy: give them to the run, as gate_headers.",
        ),
        (
            {**HTTP, "http": "https://u:s3cret@x.example"},
            "policy.gates[0].http: holds a user, and a policy holds no secrets. Give the header"
            " Authorization to the run, as gate_headers",
        ),
        (
            {**HTTP, "http": "file:///etc/passwd"},
            "policy.gates[0].http: 'file:///etc/passwd' is no address of http or https",
        ),
        (
            {**HTTP, "expression": ""},
            "policy.gates[0].expression: is missing. Give a JMESPath, for example 'open == `0`'",
        ),
        ({**PROMETHEUS, "query": ""}, "policy.gates[0].query: is missing. Give a PromQL query"),
        (
            {**PROMETHEUS, "passes": "under 5"},
            "policy.gates[0].passes: 'under 5' is no comparison with a number. Give for example '< 0.01'",
        ),
        ({**PROMETHEUS, "passes": "<"}, "policy.gates[0].passes: '<' is no comparison with a number."),
        ({**PROMETHEUS, "samples": 0}, "policy.gates[0].samples: 0 is not a number of 1 or more"),
        (
            {"name": "g", "command": "rm -rf /"},
            "policy.gates[0].command: is no list of arguments that begins with an absolute path. Give for"
            " example [/usr/local/bin/check-shop, --quick]",
        ),
        ({**HTTP, "timeout": 0}, "policy.gates[0].timeout: 0 is not a number of 0.1 or more"),
        ({**HTTP, "retries": True}, "policy.gates[0].retries: True is not a number of 0 or more"),
        (
            {**HTTP, "waves": ["fleet"]},
            "policy.gates[0].waves: ['fleet'] names no wave that another follows. Choose of canary",
        ),
        ({**HTTP, "waves": []}, "policy.gates[0].waves: [] names no wave that another follows."),
    ],
)
def test_a_bad_gate_is_refused(gate: Any, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_policy({"gates": [gate]})
    assert str(error.value).startswith(message) and "s3cret" not in str(error.value)


def test_two_gates_need_two_names() -> None:
    with pytest.raises(InputError, match=r"policy.gates: two gates have the name 'g'. Rename one"):
        parse_policy({"gates": [HTTP, PROMETHEUS]})
    assert [gate.name for gate in parse_policy({"gates": [HTTP]}).gates_of(0)] == ["g"]
    assert parse_policy({"gates": [{**HTTP, "waves": ["canary"]}]}).gates_of(1) == ()


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (
            {"retry": []},
            "policy.retry: is no dictionary. It has entries for any of unreachable, staging, drain",
        ),
        (
            {"retry": {"health": {"times": 1, "after": 9}}},
            "policy.retry: 'health' is never tried again. Choose of unreachable, staging, drain, activation",
        ),
        ({"retry": {"luck": {}}}, "policy.retry: 'luck' is no kind of failure. Choose of "),
        (
            {"retry": {"staging": {"times": 1}}},
            "policy.retry.staging: needs times and after. Give for example {times: 2, after: 300}",
        ),
        (
            {"retry": {"staging": {"times": 11, "after": 9}}},
            "policy.retry.staging.times: 11 is not a number from 1 to 10",
        ),
        (
            {"retry": {"staging": {"times": 1, "after": 0}}},
            "policy.retry.staging.after: 0 is not a time from 1 s to 86400 s",
        ),
        ({"max_hosts_per_run": 0}, "policy.max_hosts_per_run: 0 is not a number of hosts of 1 or more"),
        ({"soak_host_hours": -1}, "policy.soak_host_hours: -1 is not a time in hours of 0 or more"),
    ],
)
def test_a_bad_field_is_refused(policy: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_policy(policy)
    assert str(error.value).startswith(message)


def test_few_hosts_soak_longer() -> None:
    policy = parse_policy({"soak": 3600, "soak_host_hours": 12})
    assert [policy.soak_of(hosts) / 3600 for hosts in (1, 4, 12, 100)] == [12, 3, 1, 1]
