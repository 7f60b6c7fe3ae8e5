# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exemptions, marks and explanations, on a real SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.exemptions import Exemption, exempt
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.explain import explain, explain_lines
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import (
    Claimed,
    Record,
    Run,
    claim,
    record,
)
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.marks import mark, release_before
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Opened, Release, open_rollout
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.status import rollout_status

NOW = 1_780_000_000.0
POLICY = {
    "waves": [{"name": "canary", "labels": {"canary": True}}, {"name": "fleet", "percent": 100}],
    "max_unavailable": 9,
    "max_unavailable_per_domain": 9,
}
ANN = Exemption("ann", "year-end", NOW + 100)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(str(tmp_path / "ledger.db")) as ledger:
        hosts = [Enrolment(f"host-{n}", "rack", {"canary": n == 0}, release="r1") for n in range(4)]
        with ledger.write() as connection:
            enrol(connection, hosts, who="test", now=NOW)
        yield ledger


def opened(ledger: Ledger, release: str = "r2", now: float = NOW) -> Opened:
    with ledger.write() as connection:
        return open_rollout(connection, Release(release, "snapshot", "d"), POLICY, who="test", now=now)


def claimed(ledger: Ledger, rollout: Opened, host: str) -> Claimed:
    with ledger.write() as connection:
        return claim(connection, Run(rollout.rollout, rollout.plan_hash, "else/0/1/1"), host, now=NOW)


def finish(ledger: Ledger, rollout: Opened, *hosts: str) -> None:
    for host in hosts:
        answer = claimed(ledger, rollout, host)
        assert answer.granted, answer.reason
        run = Run(rollout.rollout, rollout.plan_hash, "else/0/1/1")
        with ledger.write() as connection:
            record(connection, run, host, answer.fence, Record("done", release="r2", digest="d"), now=NOW)


def exempted(ledger: Ledger, wanted: Exemption | None, *hosts: str) -> list[str]:
    with ledger.write() as connection:
        return exempt(connection, hosts, wanted, who="operator", now=NOW)


def marked(ledger: Ledger, release: str, flag: str) -> bool:
    with ledger.write() as connection:
        return mark(connection, release, flag, "why", who="operator", now=NOW)


def status(ledger: Ledger) -> tuple[str, dict[str, int]]:
    with ledger.read() as connection:
        told = rollout_status(connection)
    return told["state"], told["counts"]


def lines(ledger: Ledger, host: str) -> list[str]:
    with ledger.read() as connection:
        return explain_lines(explain(connection, host, now=NOW))


def test_an_exempt_host_is_left_out_until_its_exemption_ends(ledger: Ledger) -> None:
    rollout = opened(ledger)
    assert exempted(ledger, ANN, "host-1", "host-2") == ["host-1", "host-2"]
    assert exempted(ledger, ANN, "host-1") == []
    refused = "the host is exempt; osaas.fleet.explain tells by whom and for how long"
    assert claimed(ledger, rollout, "host-1").reason == refused
    finish(ledger, rollout, "host-0", "host-3")
    assert status(ledger) == ("succeeded", {"done": 2, "exempt": 2})
    assert opened(ledger, now=NOW + 99).hosts == []
    assert [host.name for host in opened(ledger, now=NOW + 101).hosts] == ["host-2", "host-1"]
    assert status(ledger) == ("running", {"done": 2, "eligible": 2})


def test_without_a_canary_nobody_is_next(ledger: Ledger) -> None:
    rollout = opened(ledger)
    exempted(ledger, ANN, "host-0")
    assert claimed(ledger, rollout, "host-1").reason == (
        "every host of the waves before is exempt, so nobody has tried the release"
    )


def test_an_exemption_is_taken_away_and_one_does_not_stop_a_host_in_flight(ledger: Ledger) -> None:
    rollout = opened(ledger)
    assert claimed(ledger, rollout, "host-0").granted
    exempted(ledger, ANN, "host-0", "host-1")
    assert status(ledger)[1] == {"claimed": 1, "eligible": 2, "exempt": 1}
    assert exempted(ledger, None, "host-1", "host-2") == ["host-1"]
    assert status(ledger)[1] == {"claimed": 1, "eligible": 3}


@pytest.mark.parametrize(
    ("wanted", "hosts", "message"),
    [
        (
            Exemption("", "x", NOW + 1),
            ["host-1"],
            "owner: is empty. An exemption needs an owner and a reason",
        ),
        (Exemption("ann", " ", NOW + 1), ["host-1"], "reason: is empty"),
        (
            Exemption("ann", "x", NOW),
            ["host-1"],
            "expires: 2026-05-28T20:26:40Z is over. Give a time to come",
        ),
        (ANN, [], "hosts: names no host. An empty selection never means all hosts"),
        (None, ["nobody"], "nobody: is not in the ledger. Enrol it first: osaas.fleet.enrol"),
    ],
)
def test_a_bad_exemption_is_refused(
    ledger: Ledger, wanted: Exemption | None, hosts: list[str], message: str
) -> None:
    with pytest.raises(InputError) as error:
        exempted(ledger, wanted, *hosts)
    assert str(error.value).startswith(message)


def test_a_bad_release_reaches_nobody_and_its_hosts_go_back(ledger: Ledger) -> None:
    rollout = opened(ledger)
    finish(ledger, rollout, "host-0", "host-1")
    assert marked(ledger, "r2", "bad") and not marked(ledger, "r2", "bad")
    assert claimed(ledger, rollout, "host-2").reason == "the release is marked bad"
    with pytest.raises(InputError, match=r"release r2: is marked bad: why. Roll out another one"):
        opened(ledger)
    with ledger.read() as connection:
        assert release_before(connection, "r2") == "r1"
    back = opened(ledger, "r1")
    assert sorted(host.name for host in back.hosts) == ["host-0", "host-1"]
    assert status(ledger) == ("running", {"done": 2, "eligible": 2})


def test_a_barrier_is_not_skipped_and_nobody_leaves_a_dead_end(ledger: Ledger) -> None:
    opened(ledger, "r2")
    marked(ledger, "r2", "barrier")
    newer = opened(ledger, "r3")
    barred = "the host must not skip release r2, a barrier: roll that out first"
    assert claimed(ledger, newer, "host-0").reason == barred
    finish(ledger, opened(ledger, "r2"), "host-0")
    newer = opened(ledger, "r3")
    assert claimed(ledger, newer, "host-0").granted
    marked(ledger, "r2", "dead-end")
    with ledger.write() as connection:
        enrol(connection, [Enrolment("host-1", "rack", {"canary": True}, release="r2")], who="t", now=NOW)
    assert claimed(ledger, opened(ledger, "r3"), "host-1").reason == (
        "the host runs a release that is a dead-end: provision it anew"
    )


def test_a_mark_needs_a_reason_and_a_known_release(ledger: Ledger) -> None:
    with ledger.write() as connection, pytest.raises(InputError, match=r"reason: is empty. Say why"):
        mark(connection, "r2", "bad", " ", who="operator", now=NOW)
    with pytest.raises(InputError, match=r"release r9: is not in the ledger. Only what was rolled out is"):
        marked(ledger, "r9", "bad")
    with ledger.read() as connection:
        assert release_before(connection, "r9") == ""


def test_a_host_is_explained(ledger: Ledger) -> None:
    assert lines(ledger, "host-1")[:2] == ["host-1 of rack runs r1, serving", "It is in no rollout."]
    rollout = opened(ledger)
    waiting = lines(ledger, "host-1")
    assert waiting[1].startswith("Rollout 1 of release r2 is running; in wave fleet, cohort ")
    assert waiting[2] == "Next: it waits: wave canary is not through, 1 of 1 hosts are left"
    assert lines(ledger, "host-0")[2] == "Next: the next run updates it"
    claimed(ledger, rollout, "host-0")
    told = lines(ledger, "host-0")
    assert told[0] == "host-0 of rack runs r1, unavailable: claimed"
    assert told[-1] == "  2026-05-28T20:26:40Z claim: granted"
    exempted(ledger, ANN, "host-1")
    told = lines(ledger, "host-1")
    assert told[1] == "exempt until 2026-05-28T20:28:20Z (ann: year-end)"
    assert (
        told[3]
        == "Next: it is refused: the host is exempt; osaas.fleet.explain tells by whom and for how long"
    )
    with pytest.raises(InputError, match=r"nobody: is not in the ledger. Enrol it first: osaas.fleet.enrol"):
        lines(ledger, "nobody")
