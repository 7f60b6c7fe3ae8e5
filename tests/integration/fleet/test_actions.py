# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's actions as playbooks call them: real ansible-playbook and SQLite, hosts never contacted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

COLLECTIONS = Path(__file__).parents[3] / ".cache/collections"
HOSTS = {f"web-{number}": {"rack": f"rack-{number % 2}", "canary": number == 0} for number in range(4)}


class Play:
    """Runs tasks on localhost and returns what the last one said; the ledger is kept between runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ledger = str(directory / "ledger.db")
        inventory = {"all": {"hosts": HOSTS}}
        (directory / "inventory.yml").write_text(yaml.safe_dump(inventory))

    def __call__(
        self, action: str, arguments: dict[str, Any], *flags: str, hosts: str = "localhost"
    ) -> dict[str, Any]:
        """The result of one action."""
        given = {
            name: value for name, value in {"ledger": self.ledger, **arguments}.items() if value is not None
        }
        task = {f"osaas.fleet.{action}": given, "register": "result"}
        tell = {"ansible.builtin.copy": {"content": "{{ result }}", "dest": f"{self.directory}/result.json"}}
        local = {"delegate_to": "localhost", "check_mode": False, "when": "true"}
        plays = [
            {
                "hosts": hosts,
                "gather_facts": False,
                "tasks": [{**task, "ignore_errors": True}, {**tell, **local}],
            }
        ]
        playbook = self.directory / "playbook.yml"
        playbook.write_text(json.dumps(plays))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(self.directory),
        }
        program = str(Path(sys.executable).parent / "ansible-playbook")
        argv = [program, "-i", str(self.directory / "inventory.yml"), str(playbook), *flags]
        done = subprocess.run(argv, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, Any] = json.loads((self.directory / "result.json").read_text())
        return result


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def enrol(play: Play, *flags: str, **changes: Any) -> dict[str, Any]:
    return play("enrol", {"hosts": list(HOSTS), "domain": "rack", "labels": ["canary"]} | changes, *flags)


RELEASE = {"release": "20261122T174400Z", "digest": "d2"}


def test_hosts_are_enrolled_once(play: Play) -> None:
    assert enrol(play, "--check")["added"] == list(HOSTS)
    first = enrol(play)
    assert (first["changed"], first["added"]) == (True, list(HOSTS))
    again = enrol(play)
    assert (again["changed"], again["added"], again["updated"]) == (False, [], [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hosts": []}, "hosts: names no host. An empty selection never means all hosts"),
        ({"hosts": ["nobody"]}, "nobody: is not in the inventory"),
        (
            {"domain": "row"},
            "web-0: has no variable 'row', so its failure domain is unknown. "
            "Set it in the inventory, or name another variable with the option domain",
        ),
    ],
)
def test_a_bad_enrolment_is_told_in_one_line(play: Play, changes: dict[str, Any], message: str) -> None:
    result = enrol(play, **changes)
    assert result["failed"] and result["msg"] == message


def test_a_rollout_is_previewed_opened_claimed_and_shown(play: Play) -> None:
    enrol(play)
    preview = play("rollout", RELEASE, "--check")
    assert preview["hosts"][0] == "web-0" and preview["serial"][0] == 1
    assert (
        preview["summary"][0] == "Release 20261122T174400Z to 1 in wave canary, 3 in wave fleet, of 4 hosts"
    )
    assert preview["summary"][-1].startswith(
        "If the release breaks every host, at most 1 in 1 domains are broken"
    )
    assert play("rollout_info", {})["msg"] == "ledger: has no rollouts yet"
    only = play("rollout", {**RELEASE, "only": ["web-3", "nobody"]}, "--check")
    assert (only["hosts"], only["serial"]) == (["web-3"], [1])

    opened = play("rollout", RELEASE)
    assert opened["changed"] and opened["hosts"] == preview["hosts"] and sum(opened["serial"]) == 4
    assert not play("rollout", RELEASE)["changed"]

    run = {"run": opened["run"], "wait": 0}
    assert play("claim", run, "--check", hosts="web-0")["reason"] == "check mode touches no host"
    # The run that opened the rollout has ended, so what follows acts on its behalf.
    waiting = play("claim", run, hosts="web-1")
    assert (waiting["granted"], waiting["again"]) == (False, True)
    assert waiting["reason"] == "wave canary is not through, 1 of 1 hosts are left"
    granted = play("claim", run, hosts="web-0")
    assert granted["granted"] and granted["fence"] == 1

    record = {"run": opened["run"], "fence": 1, "state": "done", "release": RELEASE["release"], "digest": "p"}
    stale = play("rollout_record", record | {"fence": 7}, hosts="web-0")
    assert stale["msg"].startswith("web-0: its claim was taken over by another run. Leave it to that run")
    assert play("rollout_record", record, hosts="web-0")["rollout_state"] == "running"

    shown = play("rollout_info", {})
    assert shown["rollout"]["counts"] == {"done": 1, "eligible": 3}
    assert shown["summary"][0] == "Rollout 1 of release 20261122T174400Z: running (1 done, 3 eligible)"


def test_a_rollout_needs_a_digest_and_an_operator_needs_a_reason(play: Play) -> None:
    enrol(play)
    missing = play("rollout", {"release": RELEASE["release"]})
    assert missing["msg"] == "digest: is missing. osaas.fleet.snapshot_info tells it"
    play("rollout", RELEASE)
    silent = play("rollout", {"state": "halted"})
    assert silent["msg"] == "reason: is empty. Say why: it is kept, and shown to everyone"
    assert play("rollout", {"state": "halted", "reason": "slow"})["changed"]
    assert not play("rollout", {"state": "halted", "reason": "slow"})["changed"]


def test_an_operator_exempts_marks_and_asks_why(play: Play) -> None:
    enrol(play)
    play("rollout", RELEASE)
    exemption = {"hosts": ["web-1"], "owner": "ann", "reason": "closing", "expires": "2999-01-01"}
    assert play("exemption", exemption | {"expires": None})["msg"].startswith("expires: None is no time.")
    assert play("exemption", exemption, "--check")["hosts"] == ["web-1"]
    assert play("exemption", exemption)["changed"] and not play("exemption", exemption)["changed"]
    told = play("host_explain", {"host": "web-1"})
    assert told["summary"][1] == "exempt until 2999-01-01T00:00:00Z (ann: closing)"
    assert [event["what"] for event in told["explanation"]["events"]] == ["enrol", "exempt"]
    bad = {"release": RELEASE["release"], "mark": "bad", "reason": "panics"}
    assert play("release_mark", bad)["changed"]
    assert play("rollout", RELEASE)["msg"].startswith(f"release {RELEASE['release']}: is marked bad: panics.")
