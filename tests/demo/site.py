# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's directory: the collection installed from its tarball, ansible.cfg, the fleet's variables."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from testbed.distro import Distro, ensure_distro
from testbed.fleet import Fleet

CHECKOUT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
REPOSITORIES = ("baseos", "appstream")
POLICY = {
    "waves": [{"name": "canary", "labels": {"canary": True}}, {"name": "fleet", "percent": 100}],
    "max_unavailable": 2,
    "max_unavailable_per_domain": 1,
    "error_budget": 0,
    "soak": 3,
}
HEALTH_CHECKS = [
    {"name": "no unit has failed", "kind": "units"},
    {"name": "beacon runs", "kind": "unit", "unit": "beacon.service"},
    {
        "name": "beacon answers",
        "kind": "http",
        "url": "http://127.0.0.1:8000/",
        "contains": '"healthy": true',
        "retries": 10,
        "delay": 0.5,
    },
]


class SiteError(Exception):
    """A command of the site did not end well; the message is for a person."""


@dataclass(frozen=True)
class Site:
    """Where an operator of this fleet would stand to type commands; the checkout itself is not used."""

    directory: Path
    fleet: Fleet

    @property
    def variables(self) -> Path:
        """The fleet's variables, for `-e @…`."""
        return self.directory / "fleet.yml"

    @property
    def ledger(self) -> Path:
        """The ledger."""
        return self.directory / "ledger.db"

    @property
    def inventory(self) -> Path:
        """The fleet's hosts, to be reached from anywhere on this machine."""
        return self.directory / "inventory.yml"

    @property
    def bin(self) -> Path:
        """Has ansible-playbook and ssh that run inside the fleet's network, wherever they are called."""
        return self.directory / "bin"

    def environment(self) -> dict[str, str]:
        """What commands of the site run with."""
        return clean_environment() | {"ANSIBLE_CONFIG": str(self.directory / "ansible.cfg")}

    def argv(self, playbook: str, **variables: Any) -> list[str]:
        """The words of `ansible-playbook osaas.fleet.PLAYBOOK` with the fleet's variables and these."""
        extra = ["-e", json.dumps(variables)] if variables else []
        return [
            *self.fleet.command(str(BIN / "ansible-playbook")),
            f"osaas.fleet.{playbook}",
            "-e",
            f"@{self.variables}",
            *extra,
        ]

    def play(self, playbook: str, **variables: Any) -> int:
        """Run a playbook of the collection before a person's eyes; returns its exit status."""
        argv = self.argv(playbook, **variables)
        return subprocess.run(argv, cwd=self.directory, env=self.environment(), check=False).returncode

    def rollout(self, number: int | None = None) -> dict[str, Any]:
        """The rollout's status as osaas.fleet.rollout_info tells it."""
        arguments = {"ledger": str(self.ledger)} | ({"rollout": number} if number else {})
        argv = [
            str(BIN / "ansible"),
            "localhost",
            "-m",
            "osaas.fleet.rollout_info",
            "-a",
            json.dumps(arguments),
        ]
        environment = self.environment() | {"ANSIBLE_LOAD_CALLBACK_PLUGINS": "0"}
        done = subprocess.run(
            argv, cwd=self.directory, env=environment, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise SiteError(f"osaas.fleet.rollout_info failed: {done.stdout}{done.stderr}")
        status: dict[str, Any] = json.loads(done.stdout.partition("=>")[2])["rollout"]
        return status


def make_site(directory: Path, fleet: Fleet, distro: Distro, *, policy: Mapping[str, Any] = POLICY) -> Site:
    """Lay the directory out anew: whatever an earlier run left in it is removed."""
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "bin").mkdir(parents=True)
    site = Site(directory, fleet)
    install_collection(directory)
    shutil.copy(distro.key, directory / distro.key.name)
    site.variables.write_text(yaml.safe_dump(_variables(site, distro, policy), sort_keys=False, width=110))
    (directory / "ansible.cfg").write_text(_configuration(site))
    site.inventory.write_text(_inventory(site))
    # By path: a wrapper that looks its own name up would find itself.
    for program, path in (("ansible-playbook", str(BIN / "ansible-playbook")), ("ssh", "/usr/bin/ssh")):
        wrapper = directory / "bin" / program
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(fleet.command(path))} "$@"\n')
        wrapper.chmod(0o755)
    return site


def main() -> None:
    """Lay out the directory .run/NAME-site for the running fleet NAME."""
    name = sys.argv[1]
    distro = ensure_distro(cache=CHECKOUT / ".cache/testbed", progress=print)
    run_dir = CHECKOUT / ".run"
    make_site(run_dir / f"{name}-site", Fleet.attach(name, run_dir=run_dir), distro)


def clean_environment() -> dict[str, str]:
    """Nothing of the caller's Ansible settings, none of the checkout's paths."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHON"))}


def install_collection(directory: Path) -> None:
    galaxy = str(BIN / "ansible-galaxy")
    environment = clean_environment() | {"ANSIBLE_HOME": str(directory / "home")}
    for argv in (
        [galaxy, "collection", "build", "--output-path", str(directory), str(CHECKOUT)],
        [galaxy, "collection", "install", "--offline", "-p", str(directory / "collections"), "{tarball}"],
    ):
        tarball = next(directory.glob("osaas-fleet-*.tar.gz"), Path())
        words = [str(tarball) if word == "{tarball}" else word for word in argv]
        done = subprocess.run(words, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            raise SiteError(f"{' '.join(words[1:3])} failed: {done.stderr.strip()}")


def _variables(site: Site, distro: Distro, policy: Mapping[str, Any]) -> dict[str, Any]:
    upstream = f"http://{site.fleet.address}:8081"
    key = str(site.directory / distro.key.name)
    return {
        "osaas_store": str(site.directory / "store"),
        "osaas_store_url": f"http://{site.fleet.address}:8080",
        "osaas_ledger": str(site.ledger),
        "osaas_repositories": [
            {"name": name, "baseurl": [f"{upstream}/{name}"], "gpgkey": [key]} for name in REPOSITORIES
        ],
        "osaas_host_repositories": [{"name": name, "gpgkey": ["testbed"]} for name in REPOSITORIES],
        "osaas_gpgkeys": [{"name": "testbed", "content": distro.key.read_text()}],
        "osaas_targets": "all",
        "osaas_policy": dict(policy),
        "osaas_health_checks": HEALTH_CHECKS,
    }


def _inventory(site: Site) -> str:
    inventory = yaml.safe_load(site.fleet.inventory.read_text())
    inventory["all"]["vars"]["ansible_ssh_executable"] = str(site.bin / "ssh")
    return yaml.safe_dump(inventory, sort_keys=False, width=110)


def _configuration(site: Site) -> str:
    return f"""\
[defaults]
inventory = {site.inventory}
collections_path = {site.directory}/collections
home = {site.directory}/home
stdout_callback = osaas.fleet.fleet_progress
forks = 10
retry_files_enabled = false
inject_facts_as_vars = false

[ssh_connection]
pipelining = true
"""


if __name__ == "__main__":
    main()
