# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet writes for Ansible, ssh and nginx, and what it reads back."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from testbed.fleet import files, inventory, ssh, state, web
from testbed.fleet.errors import FleetError
from testbed.fleet.hosts import make_hosts
from testbed.fleet.instance import Instance

HOSTS = make_hosts(2, 2)
SPACED = Instance("demo", Path("/a place/run"))
STATE = state.State(
    phase="starting",
    supervisor=42,
    started="2026-01-01T00:00:00+00:00",
    releases={"r1": "/upstream/r1"},
    hosts=HOSTS,
    power={"host-01": False, "host-02": False},
    boots={"host-01": 0, "host-02": 0},
)


def test_inventory_holds_all_that_ansible_needs() -> None:
    read = yaml.safe_load(inventory.render(SPACED, HOSTS))["all"]
    assert read["hosts"] == {
        "host-01": {"ansible_host": "10.99.0.11", "rack": "rack-1", "canary": True},
        "host-02": {"ansible_host": "10.99.0.12", "rack": "rack-2"},
    }
    assert read["vars"] == {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": "/a place/run/demo/id_ed25519",
        "ansible_ssh_common_args": ssh.common_args(SPACED),
        "ansible_python_interpreter": "/usr/bin/python3",
    }


@pytest.mark.parametrize("source", ["arguments", "file"])
def test_ssh_takes_the_options_from_either_form(tmp_path: Path, source: str) -> None:
    config = tmp_path / "config"
    config.write_text(ssh.config(SPACED, HOSTS))
    words = {
        "arguments": ["-F", "/dev/null", *shlex.split(ssh.common_args(SPACED)), "10.99.0.12"],
        "file": ["-F", str(config), "host-02"],
    }[source]
    shown = subprocess.run(
        ["ssh", "-G", *words], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for line in (
        "hostname 10.99.0.12",
        "user root",
        "stricthostkeychecking true",
        "userknownhostsfile /a place/run/demo/known_hosts",
        "controlpath /a place/run/demo/ssh/10.99.0.12",
        "controlpersist 60",
    ):
        assert line in shown


def test_known_hosts_go_by_address() -> None:
    assert ssh.known_hosts({HOSTS[0]: "ssh-ed25519 AAAA"}) == "10.99.0.11 ssh-ed25519 AAAA\n"


def test_nginx_serves_upstream_and_store() -> None:
    text = web.render(SPACED, Path("/store"))
    assert 'listen 10.99.0.1:8081;\n        root "/a place/run/demo/upstream";' in text
    assert 'listen 10.99.0.1:8080;\n        root "/store";' in text
    assert "8080" not in web.render(SPACED, None)


def test_state_is_read_back_as_written() -> None:
    assert state.parse(state.dump(STATE), Path("state.json")) == STATE


def test_state_switches_one_host() -> None:
    on = STATE.with_host("host-02", power=True, boots=1)
    assert on.power == {"host-01": False, "host-02": True}
    assert on.boots == {"host-01": 0, "host-02": 1}
    assert dataclasses.replace(on, power=STATE.power, boots=STATE.boots) == STATE


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"hosts": [{"name": "x"}]}', '{"hosts": []}'])
def test_a_broken_state_is_named(text: str) -> None:
    with pytest.raises(
        FleetError, match=r"here/state\.json: not the state of a testbed .*; run `down`, then `up`"
    ):
        state.parse(text, Path("here/state.json"))


def test_files_and_links_are_replaced(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    for text in ("old", "new"):
        files.write(file, text)
        files.link(link, Path(text))
    assert file.read_text() == "new"
    assert link.readlink() == Path("new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]
