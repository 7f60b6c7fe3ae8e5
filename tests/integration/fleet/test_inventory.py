# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as ansible-inventory loads it, from configuration files as AWX gives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._fleet import exemptions
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.leases import Record, Run, claim, record
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Release, open_rollout
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.selection import Selection, select_hosts
from integration.fleet.conftest import Addresses
from integration.fleet.steps import COLLECTIONS

NOW = 1_764_000_000.0
RELEASE = Release("20261122T174400Z", "snapshot", "d2")
POLICY = {
    "waves": [{"name": "canary", "labels": {"canary": True}}, {"name": "the rest", "percent": 100}],
    "max_unavailable": 6,
    "max_unavailable_per_domain": 6,
    "error_budget": 5,
}


def labels(number: int) -> dict[str, Any]:
    return {"canary": number < 2, "row": f"r{number // 4}", "slot": number, "note": 'says "role": "web"'}


def write_ledger(address: str) -> None:
    """Six hosts: 0 is done, 1 rolled back, 5 exempt, 2 to 4 may still be touched; a seventh came later."""
    with Ledger.open(address) as ledger, ledger.write() as connection:
        hosts = [
            Enrolment(f"web-{number}", f"rack-{number % 2}", labels(number), release="20261108T174400Z")
            for number in range(6)
        ]
        enrol(connection, hosts, who="test", now=NOW)
        wanted = exemptions.Exemption("ann", "closing", NOW + 1e9)
        exemptions.exempt(connection, ["web-5"], wanted, who="test", now=NOW)
        opened = open_rollout(connection, RELEASE, POLICY, who="test", now=NOW)
        run = Run(opened.rollout, opened.plan_hash, "elsewhere/boot/ns/1/1")
        for name, end in (("web-0", "done"), ("web-1", "rolled back")):
            fence = claim(connection, run, name, now=NOW).fence
            release = RELEASE.id if end == "done" else "20261108T174400Z"
            record(connection, run, name, fence, Record(end, "it broke", release, "d"), now=NOW)
        enrol(connection, [Enrolment("late", "rack-0")], who="test", now=NOW)


class Inventory:
    """ansible-inventory over configuration files in a directory of its own; the ledger is there already."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ledger = str(directory / "ledger.db")
        write_ledger(self.ledger)

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(self.directory),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
            "OSAAS_LEDGER": self.ledger,
        }
        program = str(Path(sys.executable).parent / "ansible-inventory")
        return subprocess.run(
            [program, "--list", *argv], env=environment, check=False, capture_output=True, text=True
        )

    def config(self, **options: Any) -> str:
        path = self.directory / "fleet.yml"
        path.write_text(yaml.safe_dump({"plugin": "osaas.fleet.fleet", **options}))
        return str(path)

    def __call__(self, *flags: str, **options: Any) -> dict[str, Any]:
        """What is loaded from a file with these options; a warning is a failure."""
        done = self.run(*flags, "-i", self.config(**options))
        assert (done.returncode, done.stderr) == (0, "")
        # What may not be a template is marked as such.
        found: dict[str, Any] = json.loads(done.stdout, object_hook=lambda it: it.get("__ansible_unsafe", it))
        return found

    def error(self, **options: Any) -> str:
        """What is told about a file that cannot be loaded, its lines made one."""
        done = self.run("-i", self.config(**options))
        assert done.returncode != 0
        return " ".join(done.stderr.split())


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    return Inventory(tmp_path)


def members(found: dict[str, Any]) -> dict[str, list[str]]:
    return {name: sorted(group["hosts"]) for name, group in found.items() if "hosts" in group}


def test_every_host_is_in_the_groups_that_the_ledger_knows(inventory: Inventory) -> None:
    found = inventory(domain_level="row")
    assert members(found) == {
        "osaas_wave_canary": ["web-0", "web-1"],
        "osaas_wave_the_rest": ["web-2", "web-3", "web-4", "web-5"],
        "osaas_release_20261122T174400Z": ["web-0"],
        "osaas_release_20261108T174400Z": [f"web-{number}" for number in range(1, 6)],
        "osaas_held": ["web-5"],
        "osaas_failed": ["web-1"],
        "osaas_row_r0": [f"web-{number}" for number in range(4)],
        "osaas_row_r1": ["web-4", "web-5"],
        "ungrouped": ["late"],
    }
    assert found["_meta"]["hostvars"]["web-1"] == {
        "osaas_fleet": {
            "host": "web-1",
            "domain": "rack-1",
            "labels": labels(1),
            "release": "20261108T174400Z",
            "digest": "d",
            "unavailable": "",
            "wave": "canary",
            "state": "rolled back",
            "reason": "it broke",
        }
    }
    assert found["_meta"]["hostvars"]["late"]["osaas_fleet"]["wave"] == ""


@pytest.mark.parametrize(
    ("selection", "hosts"),
    [
        (Selection(), "web-0 web-1 web-2 web-3 web-4 web-5 late"),
        (Selection(open_only=True), "web-2 web-3 web-4"),
        (Selection(rollout=1, waves=["canary"]), "web-0 web-1"),
        (Selection(labels={"canary": True}), "web-0 web-1"),
        (Selection(labels={"row": "r0", "slot": 1}), "web-1"),
        (Selection(labels={"role": "web"}), ""),
        (Selection(labels={"row": "%"}), ""),
        (Selection(open_only=True, waves=["canary"]), ""),
    ],
)
def test_the_database_selects(addresses: Addresses, selection: Selection, hosts: str) -> None:
    address = addresses()
    write_ledger(address)
    with Ledger.open(address) as ledger, ledger.read() as connection:
        found = [host.host for host in select_hosts(connection, selection)]
        assert found == sorted(hosts.split())
        with pytest.raises(InputError, match=r"wave: 'last' is unknown. Rollout 1 has canary, the rest"):
            select_hosts(connection, Selection(waves=["last"]))
        with pytest.raises(InputError, match=r"ledger: has no rollout 7"):
            select_hosts(connection, Selection(rollout=7))


def test_hosts_of_other_sources_keep_what_they_have(inventory: Inventory) -> None:
    own = inventory.directory / "own.yml"
    hosts = {"web-1": {"ansible_host": "192.0.2.1"}, "other": None}
    own.write_text(yaml.safe_dump({"mine": {"hosts": hosts}}))
    found = inventory("-i", str(own), add_hosts=False)
    assert members(found) == {
        "mine": ["other", "web-1"],
        "osaas_failed": ["web-1"],
        "osaas_release_20261108T174400Z": ["web-1"],
        "osaas_wave_canary": ["web-1"],
    }
    variables = found["_meta"]["hostvars"]["web-1"]
    assert (variables["ansible_host"], variables["osaas_fleet"]["state"]) == ("192.0.2.1", "rolled back")


def test_variables_and_groups_are_composed(inventory: Inventory) -> None:
    found = inventory(
        wave=["canary"],
        compose={"ansible_host": "'192.0.2.' ~ osaas_fleet.labels.slot"},
        groups={"late_slot": "osaas_fleet.labels.slot > 0"},
        keyed_groups=[{"key": "osaas_fleet.domain", "prefix": "in"}],
    )
    assert {name: host["ansible_host"] for name, host in found["_meta"]["hostvars"].items()} == {
        "web-0": "192.0.2.0",
        "web-1": "192.0.2.1",
    }
    assert found["late_slot"]["hosts"] == ["web-1"] and found["in_rack_1"]["hosts"] == ["web-1"]
    assert "Could not set nothing for host late" in inventory.error(
        strict=True, compose={"nothing": "osaas_fleet.nothing"}
    )


def test_the_cache_answers_until_it_is_flushed_or_asked_something_else(inventory: Inventory) -> None:
    cached = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(inventory.directory / "cache"),
    }
    before = inventory(**cached)
    with Ledger.open(inventory.ledger) as ledger, ledger.write() as connection:
        enrol(connection, [Enrolment("later", "rack-0")], who="test", now=time.time())
    assert inventory(**cached) == before
    assert "later" not in inventory(open_only=True, **cached)["_meta"]["hostvars"]
    assert "later" in inventory("--flush-cache", **cached)["_meta"]["hostvars"]
    assert "later" in inventory(**cached)["_meta"]["hostvars"]


def test_what_cannot_be_loaded_is_told_in_one_line(inventory: Inventory) -> None:
    missing = inventory.directory / "missing.db"
    told = inventory.error(ledger=str(missing))
    assert f"ledger {missing}: is not there. Enrol hosts first: osaas.fleet.enrol" in told
    assert not missing.exists()
    assert "wave: 'last' is unknown. Rollout 1 has canary, the rest" in inventory.error(wave=["last"])
