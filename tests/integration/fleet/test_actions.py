# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's actions as playbooks call them: real ansible-playbook and SQLite, hosts never contacted."""

from __future__ import annotations

import os
import pty
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._package_set import digest_of
from integration.fleet.prometheus import web
from integration.fleet.steps import ENROL, HOSTS, Ansible, Step, result

RELEASE = {"release": "20261122T174400Z", "digest": "d2"}


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    return Ansible(tmp_path)


OPEN = Step("rollout", RELEASE)


def enrol(**changes: object) -> Step:
    return Step("enrol", ENROL.arguments | changes)


def test_hosts_are_enrolled_once_and_a_bad_enrolment_is_told_in_one_line(ansible: Ansible) -> None:
    preview, first, again, empty, unknown, nameless = ansible(
        Step("enrol", ENROL.arguments, check=True),
        ENROL,
        ENROL,
        enrol(hosts=[]),
        enrol(hosts=["nobody"]),
        enrol(domain="row"),
    )
    assert preview["added"] == list(HOSTS)
    assert (first["changed"], first["added"]) == (True, list(HOSTS))
    assert (again["changed"], again["added"], again["updated"]) == (False, [], [])
    assert empty["failed"]
    assert empty["msg"] == "hosts: names no host. An empty selection never means all hosts"
    assert unknown["msg"] == "nobody: is not in the inventory"
    assert nameless["msg"] == (
        "web-0: has no variable 'row', so its failure domain is unknown. "
        "Set it in the inventory, or name another variable with the option domain"
    )


def test_what_one_host_told_is_known_of_all_that_are_alike(ansible: Ansible) -> None:
    packages = ["bash-0:5.1-9.x86_64", "jq-0:1.6-2.x86_64"]
    digest = digest_of(packages)
    told = {"host": "web-1", "digest": digest, "streams": []}
    whole = {"told": [told | {"packages": packages}]}
    _, unknown, preview, first, again, forged, alike, alone, nobody, nowhere = ansible(
        ENROL,
        Step("package_sets"),
        Step("package_sets", whole, check=True),
        Step("package_sets", whole),
        Step("package_sets", whole),
        Step("package_sets", {"told": [told | {"packages": packages[1:]}]}),
        Step("package_sets", {"told": [told | {"host": "web-2"}], "hosts": ["web-1", "web-2", "web-3"]}),
        Step("package_sets", {**whole, "ledger": None}),
        Step("package_sets", {"hosts": [], "ledger": "/nowhere/ledger.db"}),
        Step("package_sets", {"ledger": "/nowhere/ledger.db"}),
    )
    assert (unknown["changed"], unknown["unknown"], unknown["ask"]) == (False, list(HOSTS), list(HOSTS))
    one = {"name": digest[:12], "hosts": ["web-1"], "packages": packages, "streams": []}
    for told_now in (preview, first, again, alone):
        assert told_now["package_sets"] == [one]
    assert [step["changed"] for step in (preview, first, again, alike, alone)] == [
        True,
        True,
        False,
        True,
        False,
    ]
    assert forged["msg"] == (
        f"web-1: its packages do not have the digest {digest[:12]} that it told."
        " They were changed meanwhile: ask it again"
    )
    assert alike["package_sets"] == [one | {"hosts": ["web-1", "web-2"]}]
    assert (alike["unknown"], alone["unknown"]) == (["web-3"], [])
    assert (nobody["package_sets"], nobody["unknown"]) == ([], [])
    assert nowhere["msg"] == (
        "ledger sqlite:////nowhere/ledger.db: unable to open database file."
        " Check that the database is there, not full, and that this user may write to it"
    )


def test_a_rollout_is_previewed_opened_claimed_and_shown(ansible: Ansible) -> None:
    run = {"run": result(4, "run"), "wait": 0}
    record = {**run, "fence": 1, "state": "done", "release": RELEASE["release"], "digest": "p"}
    del record["wait"]
    (_, preview, nothing, only, opened, again, checked, waiting, granted, stale, unsaid, recorded, shown) = (
        ansible(
            ENROL,
            Step("rollout", RELEASE, check=True),
            Step("rollout_info"),
            Step("rollout", {**RELEASE, "only": ["web-3", "nobody"]}, check=True),
            OPEN,
            OPEN,
            Step("claim", run, host="web-0", check=True),
            Step("claim", run, host="web-1"),
            Step("claim", run, host="web-0"),
            Step("rollout_record", record | {"fence": 7}, host="web-0"),
            Step("rollout_record", record | {"failure": "health"}, host="web-0"),
            Step("rollout_record", record, host="web-0"),
            Step("rollout_info"),
        )
    )
    assert preview["hosts"][0] == "web-0" and preview["serial"][0] == 1
    assert (
        preview["summary"][0] == "Release 20261122T174400Z to 1 in wave canary, 3 in wave fleet, of 4 hosts"
    )
    assert preview["summary"][-1].startswith(
        "If the release breaks every host, at most 1 in 1 domains are broken"
    )
    assert nothing["msg"] == "ledger: has no rollouts yet"
    assert (only["hosts"], only["serial"]) == (["web-3"], [1])
    assert opened["changed"] and opened["hosts"] == preview["hosts"] and sum(opened["serial"]) == 4
    assert opened["rollout"]["next"] == {"when": "now", "at": 0, "reason": ""}
    assert not again["changed"]
    assert checked["reason"] == "check mode touches no host"
    assert (waiting["granted"], waiting["again"]) == (False, True)
    assert waiting["reason"] == "wave canary is not through, 1 of 1 hosts are left"
    assert granted["granted"] and granted["fence"] == 1
    assert stale["msg"].startswith("web-0: its claim was taken over by another run. Leave it to that run")
    assert unsaid["msg"] == "failure: belongs to state 'failed', and only to it. Say which step failed"
    assert (recorded["rollout_state"], recorded["host_state"], recorded["wave"]) == (
        "running",
        "done",
        "canary",
    )
    assert recorded["progress"]["waves"][0] == {"name": "canary", "hosts": 1, "done": 1, "failed": 0}
    assert shown["rollout"]["counts"] == {"done": 1, "eligible": 3}
    assert shown["summary"][0] == "Rollout 1 of release 20261122T174400Z: running (1 done, 3 eligible)"


def test_a_host_that_had_no_release_before_is_rolled_back_to_none(ansible: Ansible) -> None:
    run = {"run": result(1, "run")}
    policy = {"retry": {"staging": {"times": 1, "after": 60}}}
    record = {**run, "fence": result(2, "fence", "web-0")}
    _, _, _, failed, again, back, _, tried, wrong = ansible(
        ENROL,
        Step("rollout", {**RELEASE, "policy": policy}),
        Step("claim", {**run, "wait": 0}, host="web-0"),
        Step("rollout_record", {**record, "state": "activating"}, host="web-0"),
        Step(
            "rollout_record", {**record, "state": "failed", "failure": "health", "reason": "x"}, host="web-0"
        ),
        Step("rollout_record", {**record, "state": "rolled back", "release": "{{ none }}"}, host="web-0"),
        Step("rollout", {"reason": "seen to"}),
        Step("claim", {**run, "wait": 0}, host="web-0"),
        Step("rollout", {**RELEASE, "gate_headers": {"shop": {"Authorization": "s3cret"}}}),
    )
    assert not failed["again"]
    assert (again["host_state"], again["again"]) == ("rolling back", False)
    assert (back["host_state"], back["rollout_state"]) == ("rolled back", "halted")
    assert tried["reason"] == "the host is rolled back already"
    assert wrong["msg"].startswith("policy of rollout 1: differs from the one")
    assert "s3cret" not in ansible.output


def test_a_gate_is_asked_by_whoever_waits_for_it_and_keeps_its_secrets(ansible: Ansible) -> None:
    with web() as site:
        gate = {"name": "shop", "http": site.say("/shop", True), "expression": "@", "retries": 0}
        headers = {"gate_headers": {"shop": {"Authorization": "Bearer s3cret"}}}
        opening = {**RELEASE, "policy": {"gates": [gate]}, **headers}
        run = {"run": result(1, "run"), "wait": 0}
        _, _, claimed, _, next_one, unknown, shown, refused = ansible(
            ENROL,
            Step("rollout", opening),
            Step("claim", run, host="web-0"),
            Step("rollout_record", {"run": run["run"], "fence": 1, "state": "done"}, host="web-0"),
            Step("claim", {**run, **headers}, host="web-1"),
            Step("rollout", {**opening, "gate_headers": {"x": {"Authorization": "Bearer s3cret"}}}),
            Step("rollout_info"),
            Step("rollout", {"reason": "why", "pass_gates": ["shop"]}),
        )
    assert claimed["granted"] and next_one["granted"] and "gates" not in next_one
    assert [headers["Authorization"] for _path, headers in site.seen] == ["Bearer s3cret"]
    assert unknown["msg"] == "gate_headers: 'x' is no gate of the policy. Known are shop"
    assert shown["rollout"]["gates"][0]["outcome"] == "passed"
    assert any("gate shop after wave canary passed" in line for line in shown["summary"])
    assert refused["msg"].startswith(
        "pass_gates of rollout 1: 'shop' is no gate that the rollout is still to"
    )
    assert "s3cret" not in ansible.output and b"s3cret" not in Path(ansible.ledger).read_bytes()


def test_an_operator_stops_exempts_marks_and_asks_why(ansible: Ansible) -> None:
    exemption = {"hosts": ["web-1"], "owner": "ann", "reason": "closing", "expires": "2999-01-01"}
    bad = {"release": RELEASE["release"], "mark": "bad", "reason": "panics"}
    halt = Step("rollout", {"state": "halted", "reason": "slow"})
    (_, missing, _, silent, halted, same, endless, preview, given, kept, told, marked, refused) = ansible(
        ENROL,
        Step("rollout", {"release": RELEASE["release"]}),
        OPEN,
        Step("rollout", {"state": "halted"}),
        halt,
        halt,
        Step("exemption", exemption | {"expires": None}),
        Step("exemption", exemption, check=True),
        Step("exemption", exemption),
        Step("exemption", exemption),
        Step("host_explain", {"host": "web-1"}),
        Step("release_mark", bad),
        OPEN,
    )
    assert missing["msg"] == "digest: is missing. osaas.fleet.snapshot_info tells it"
    assert silent["msg"] == "reason: is empty. Say why: it is kept, and shown to everyone"
    assert halted["changed"] and not same["changed"]
    assert endless["msg"].startswith("expires: None is no time.")
    assert preview["hosts"] == ["web-1"]
    assert given["changed"] and not kept["changed"]
    assert told["summary"][1] == "exempt until 2999-01-01T00:00:00Z (ann: closing)"
    assert [event["what"] for event in told["explanation"]["events"]] == ["enrol", "exempt"]
    assert marked["changed"]
    assert refused["msg"].startswith(f"release {RELEASE['release']}: is marked bad: panics.")


def in_a_terminal(argv: list[str], environment: dict[str, str]) -> str:
    """What a program writes to a terminal of its own."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(argv[0], argv, environment)
    output = b""
    try:
        while piece := os.read(terminal, 65536):
            output += piece
    except OSError:  # the kernel's way to say that the terminal has no writer any more
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, output.decode()
    return output.decode()


def test_a_person_sees_the_rollout_move(ansible: Ansible) -> None:
    run, fence = result(1, "run"), result(2, "fence", "web-0")
    failed = {"state": "failed", "failure": "health", "reason": "nginx: HTTP status 500"}
    steps = [
        ENROL,
        Step("rollout", {**RELEASE, "policy": {"error_budget": 1}}),
        Step("claim", {"run": run, "wait": 0}, host="web-0"),
        Step("rollout_record", {"run": run, "fence": fence, "state": "activating"}, host="web-0"),
        Step("rollout_record", {"run": run, "fence": fence, **failed}, host="web-0"),
        Step("rollout_record", {"run": run, "fence": fence, "state": "rolled back"}, host="web-0"),
    ]
    ansible.environment |= {"ANSIBLE_STDOUT_CALLBACK": "osaas.fleet.fleet_progress", "TERM": "xterm"}
    ansible(*steps)
    # A log has lines alone.
    assert "\x1b" not in ansible.output and "in flight" not in ansible.output
    assert "web-0         rolling back: nginx: HTTP status 500" in ansible.output
    assert "web-0         rolled back, 0 of 1 of wave canary done" in ansible.output

    Path(ansible.ledger).unlink()
    shown = in_a_terminal(ansible.argv, ansible.environment | {"COLUMNS": "100", "LINES": "30"})
    screens = shown.split("\x1b[J")  # each erases the one before
    assert any("in flight 1 (1 activating); unavailable 1 of at most 1" in screen for screen in screens)
    last = screens[-1].replace("\r", "")
    assert "Rollout 1 of 20261122T174400Z: running, 0:" in last
    assert "\n  canary  xxxxxxxxxxxxxxxxxxxxxxxx  0 of 1 done, 1 failed\n" in last
    assert "\n  web-0 rolled back: nginx: HTTP status 500\n" in last
    assert "\n  3 hosts are left\n" in last
