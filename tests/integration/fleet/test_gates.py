# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates asked for real: a web server, Prometheus and programs, and what their answers do to a rollout."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.control import control
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.explain import explain, explain_lines
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.gatekeeping import PAUSE
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.gates import Answer
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import (
    Claimed,
    Record,
    Run,
    claim,
    record,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.policy import parse_policy
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Release, open_rollout
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.status import rollout_status, status_lines
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables
from ansible_collections.osaas.fleet.plugins.plugin_utils._gates import ask, check_gates, keep_gates
from integration.fleet.conftest import Addresses
from integration.fleet.prometheus import Web, prometheus, web

TOKEN = "Bearer s3cret-t0ken"


@pytest.fixture(scope="module")
def site() -> Iterator[Web]:
    with web() as running:
        yield running


@pytest.fixture(scope="module")
def metrics(site: Web, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with prometheus(tmp_path_factory.mktemp("prometheus"), site.address) as url:
        yield url


def asked(gate: dict[str, Any], **headers: str) -> Answer:
    (parsed,) = parse_policy({"gates": [{"name": "g", "retries": 0, **gate}]}).gates
    return ask(parsed, headers).answer


def test_json_is_judged_by_an_expression(site: Web) -> None:
    url = site.say("/incidents", {"open": [], "since": None})
    assert asked({"http": url, "expression": "length(open) == `0`"}) == Answer(
        "passed", "length(open) == `0` is true", True
    )
    assert asked({"http": url, "expression": "length(open) > `0`"}).outcome == "refused"
    assert asked({"http": url, "expression": "since"}).outcome == "held"
    assert asked({"http": url, "expression": "open"})[:2] == (
        "broken",
        "open is neither true, false nor null, but []",
    )


@pytest.mark.parametrize(
    ("status", "headers", "body", "reason"),
    [
        (500, {}, b"{}", "HTTP status 500"),
        (200, {}, b"<html>", "the answer is no JSON"),
        (302, {"Location": "/elsewhere"}, b"", "HTTP status 302"),
        (200, {}, b'"' + b"x" * (1 << 20) + b'"', "the answer is longer than 1048576 bytes"),
    ],
)
def test_an_answer_that_is_none_breaks_the_gate(
    site: Web, status: int, headers: dict[str, str], body: bytes, reason: str
) -> None:
    site.pages["/bad"] = (status, headers, body)
    site.say("/elsewhere", True)
    gate = {"http": f"http://{site.address}/bad", "expression": "@"}
    assert asked(gate) == Answer("broken", reason)


def test_nobody_there_and_an_answer_that_trickles_break_the_gate(site: Web) -> None:
    gone = asked({"http": "http://127.0.0.1:1/", "expression": "@"})
    assert gone.outcome == "broken" and "refused" in gone.reason
    url = site.say("/slow", "x" * 600)
    site.slow.add("/slow")
    began = time.monotonic()
    assert asked({"http": url, "expression": "@", "timeout": 0.5}) == Answer(
        "broken", "no whole answer within 0.5 s"
    )
    assert time.monotonic() - began < 30  # the whole of it takes a minute


def test_a_broken_gate_is_asked_again(site: Web) -> None:
    site.seen.clear()
    gate = {"http": f"http://{site.address}/nothing-here", "expression": "@", "retries": 1}
    assert asked(gate) == Answer("broken", "HTTP status 404")
    assert [path for path, _headers in site.seen] == ["/nothing-here"] * 2


def test_headers_reach_the_server_and_nobody_else(site: Web) -> None:
    url = site.say("/echo", {"token": TOKEN.split()[1]})
    site.seen.clear()
    answer = asked({"http": url, "expression": "token"}, Authorization=TOKEN)
    assert site.seen[0][1]["Authorization"] == TOKEN
    assert answer == Answer("broken", "token is neither true, false nor null, but ********", "********")


def test_a_header_that_looks_like_an_answer_does_no_harm(site: Web) -> None:
    gate = {"http": site.say("/count", {"well": True}), "expression": "well"}
    assert asked(gate, X1="true", X2='"') == Answer("passed", "well is ********", True)


def test_prometheus_is_queried(metrics: str) -> None:
    gate = {"prometheus": metrics, "query": "shop_errors_ratio"}
    passed = asked({**gate, "passes": "<= 0.02"})
    assert passed[:2] == ("passed", "2 samples <= 0.02")
    assert sorted(passed.values.values()) == [0.001, 0.02]
    refused = asked({**gate, "passes": "< 0.01"})
    assert refused.outcome == "refused" and 'site="south"' in refused.reason and "0.02" in refused.reason
    assert asked({**gate, "passes": "< 1", "samples": 3})[:2] == ("held", "2 samples, 3 are needed")
    nothing = {**gate, "query": "shop_errors_ratio and on() (vector(5) > 10)", "passes": "< 1"}
    assert asked(nothing)[:2] == ("held", "0 samples, 1 are needed")
    assert asked({**gate, "query": "scalar(vector(3))", "passes": "== 3"}).outcome == "passed"
    assert asked({**gate, "query": "shop_errors_ratio[1m]", "passes": "< 1"}) == Answer(
        "broken", "the query gives a matrix, not an instant vector"
    )
    bad = asked({**gate, "query": "sum(", "passes": "< 1"})
    assert bad.outcome == "broken" and bad.reason.startswith("HTTP status 400: invalid parameter")


def test_a_page_that_is_no_prometheus_breaks_the_gate(site: Web) -> None:
    site.say("/api/v1/query", {"status": "success"})
    gate = {"prometheus": f"http://{site.address}", "query": "up", "passes": "> 0"}
    assert asked(gate) == Answer("broken", "the answer is none of Prometheus")


def test_a_command_says_so_by_its_status(tmp_path: Path) -> None:
    assert asked({"command": ["/bin/true"]}) == Answer("passed", "exit status 0", 0)
    script = tmp_path / "check"
    script.write_text('#!/bin/sh\necho "first"\necho "$1" >&2\nexit "$2"\n')
    script.chmod(0o755)
    assert asked({"command": [str(script), "too early; $HOME", "75"]})[:2] == (
        "held",
        "exit status 75: too early; $HOME",
    )
    assert asked({"command": [str(script), "no", "3"]}).outcome == "refused"
    assert asked({"command": ["/no/such/program"]}) == Answer(
        "broken", "/no/such/program: No such file or directory"
    )
    assert asked({"command": ["/bin/sh", "-c", "kill -9 $$"]}) == Answer("broken", "killed by signal 9")


def test_a_command_that_takes_too_long_is_killed_with_all_that_it_began(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    slow = ["/bin/sh", "-c", f"sleep 600 & echo $! > {pid}; wait"]
    assert asked({"command": slow, "timeout": 5}) == Answer("broken", "no end within 5 s")
    child = Path(f"/proc/{pid.read_text().strip()}/stat")
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_bad_expression_and_headers_of_no_gate_are_refused_before_the_start() -> None:
    policy = parse_policy({"gates": [{"name": "g", "http": "http://x.example", "expression": "a ||"}]})
    with pytest.raises(InputError, match=r"policy.gates g: a \|\|: "):
        check_gates(policy, {})
    good = parse_policy({"gates": [{"name": "g", "http": "http://x.example", "expression": "a"}]})
    with pytest.raises(InputError, match=r"gate_headers: 'h' is no gate of the policy. Known are g"):
        check_gates(good, {"g": {}, "h": {"Authorization": TOKEN}})


class Rollout:
    """Four hosts, of which one is a canary, and a gate between them."""

    def __init__(self, address: str, gate: dict[str, Any]) -> None:
        self.ledger = Ledger.open(address)
        self.me = f"elsewhere/boot/ns/{os.getpid()}/1"
        self.now = time.time()
        policy = {
            "gates": [{"name": "shop", "retries": 0, **gate}],
            "max_unavailable": 4,
            "max_unavailable_per_domain": 4,
        }
        hosts = [Enrolment(f"host-{number}", "rack", {"canary": number == 0}) for number in range(4)]
        with self.ledger.write() as connection:
            enrol(connection, hosts, who="test", now=self.now)
            opened = open_rollout(
                connection, Release("r2", "snapshot", "d2"), policy, who=self.me, now=self.now
            )
        self.run = Run(opened.rollout, opened.plan_hash, self.me)

    def claim(self, host: str) -> Claimed:
        with self.ledger.write() as connection:
            return claim(connection, self.run, host, now=time.time())

    def finish(self, host: str) -> None:
        answer = self.claim(host)
        with self.ledger.write() as connection:
            record(connection, self.run, host, answer.fence, Record("done"), now=time.time())

    def keep_gates(self) -> bool:
        return keep_gates(self.ledger, self.run.rollout, {"shop": {"Authorization": TOKEN}}, who=self.me)

    def later(self) -> None:
        """As if it were a while since gates were asked."""
        table = tables().rollout
        with self.ledger.write() as connection:
            connection.execute(table.update().values(asked=table.c.asked - PAUSE))

    def operate(self, *pass_gates: str) -> bool:
        with self.ledger.write() as connection:
            return control(
                connection, "running", "seen to", pass_gates=pass_gates, who="ann", now=time.time()
            )[1]

    def status(self) -> dict[str, Any]:
        with self.ledger.read() as connection:
            return rollout_status(connection)

    def events(self) -> list[tuple[str, str]]:
        event = tables().event
        with self.ledger.read() as connection:
            rows = connection.execute(
                sa.select(event.c.what, event.c.outcome, event.c.inputs)
                .where(event.c.subject == "rollout 1")
                .order_by(event.c.id)
            ).all()
        assert TOKEN not in str(rows)
        return [(row.what, row.outcome) for row in rows]


SHUT = "wave canary has not passed its gates; osaas.fleet.status tells why"


def test_a_gate_keeps_the_next_wave_shut_until_it_passes(site: Web, addresses: Addresses) -> None:
    url = site.say("/shop", {"well": None})
    rollout = Rollout(addresses(), {"http": url, "expression": "well", "timeout": 30})
    assert not rollout.keep_gates()  # the canary is not through
    rollout.finish("host-0")
    assert rollout.claim("host-1") == Claimed(False, True, SHUT, gates=True)
    assert rollout.status()["next"]["when"] == "now"  # it has yet to be asked
    assert rollout.keep_gates() and not rollout.keep_gates()  # once a minute is enough
    assert rollout.claim("host-1").reason == SHUT
    status = rollout.status()
    assert (status["state"], status["next"]["when"], status["next"]["reason"]) == ("running", "at", SHUT)
    assert any(line.startswith("gate shop after wave canary held at ") for line in status_lines(status))

    with rollout.ledger.read() as connection:
        told = explain_lines(explain(connection, "host-1", now=time.time()))
    assert told[2].startswith("gate shop after wave canary held at ")
    assert told[2].endswith("Z: well is null, so too little is known.")
    assert told[3] == f"Next: it waits: {SHUT}"

    site.say("/shop", {"well": True})
    rollout.later()
    assert rollout.keep_gates() and rollout.claim("host-1").granted
    assert rollout.events()[1:] == [
        ("ask gate", "shop held: well is null, so too little is known"),
        ("ask gate", "shop passed: well is true"),
    ]
    rollout.ledger.close()


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        ((200, {}, b'{"well": false}'), "refused: well is false"),
        ((503, {}, b"{}"), "broken: HTTP status 503"),
    ],
)
def test_a_gate_that_refuses_or_breaks_halts_until_an_operator_answers_for_it(
    site: Web, sqlite_addresses: Addresses, page: tuple[int, dict[str, str], bytes], outcome: str
) -> None:
    site.pages["/shop"] = page
    rollout = Rollout(sqlite_addresses(), {"http": f"http://{site.address}/shop", "expression": "well"})
    rollout.finish("host-0")
    assert rollout.keep_gates()
    reason = f"wave canary: gate shop {outcome}"
    assert rollout.claim("host-1") == Claimed(False, False, f"the rollout is halted: {reason}")

    # Resumed it is asked again, and halts again.
    assert rollout.operate()
    rollout.later()
    assert rollout.keep_gates() and rollout.status()["state"] == "halted"

    with pytest.raises(
        InputError, match="pass_gates of rollout 1: 'x' is no gate that the rollout is still to pass"
    ):
        rollout.operate("x")
    assert rollout.operate("shop") and not rollout.operate("shop")
    assert rollout.keep_gates() and rollout.claim("host-1").granted
    assert rollout.status()["gates"][0]["waived"] and rollout.status()["gates"][0]["reason"] == "seen to"
    assert ("pass gate", "shop passed: seen to") in rollout.events()
    assert rollout.events().count(("settle rollout", f"halted: {reason}")) == 2
    rollout.ledger.close()


def test_an_operator_may_answer_for_a_gate_before_it_is_asked(site: Web, sqlite_addresses: Addresses) -> None:
    gate = {"http": site.say("/no", False), "expression": "@", "waves": ["canary"]}
    rollout = Rollout(sqlite_addresses(), gate)
    rollout.finish("host-0")
    assert rollout.operate("shop")  # said before it was asked
    assert rollout.keep_gates() and rollout.claim("host-1").granted and not rollout.keep_gates()
    rollout.ledger.close()
