# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the modules for hosts, on real hosts, with a store that has the releases of upstream as snapshots."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from testbed.distro import Distro
from testbed.fleet import Fleet

from .conftest import CHECKOUT

R1, R2, R3 = "20261101T000000Z", "20261102T000000Z", "20261103T000000Z"
REPOS = ("baseos", "appstream")


def fill_store(store: Path, distro: Distro) -> None:
    """Serve releases r1 to r3 of the distribution as the snapshots R1 to R3."""
    for release, upstream in ((R1, "r1"), (R2, "r2"), (R3, "r3")):
        for repo in REPOS:
            link = store / "snapshots" / release / repo
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(distro.release(upstream) / repo)


class Site:
    """Calls modules on the hosts, as `ansible` would for a person."""

    def __init__(self, fleet: Fleet, distro: Distro, scratch: Path) -> None:
        self.fleet, self.key = fleet, distro.key.read_text()
        self.keys = {"testbed": self.key}
        self.repositories = dict.fromkeys(REPOS, "testbed")  # the key of each
        self.config = scratch / "ansible.cfg"
        self.config.write_text(
            f"[defaults]\ncollections_path={CHECKOUT / '.cache/collections'}\nhome={scratch / 'home'}\n"
            "interpreter_python=/usr/bin/python3\ncallback_result_format=json\n"
        )

    def command(self, host: str, module: str, arguments: dict[str, Any], *flags: str) -> list[str]:
        ansible = [sys.executable, "-m", "ansible", "adhoc", "-i", str(self.fleet.inventory), host, *flags]
        given = ["-a", json.dumps(arguments)] if arguments else []  # "{}" would be taken for free-form text
        return self.fleet.command(*ansible, "-o", "-m", f"osaas.fleet.{module}", *given)

    def environment(self) -> dict[str, str]:
        return os.environ | {"ANSIBLE_CONFIG": str(self.config)}

    def call(self, host: str, module: str, *flags: str, **arguments: Any) -> dict[str, Any]:
        """The module's result; a failure is a result too."""
        command = self.command(host, module, arguments, *flags)
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)
        head, _, result = done.stdout.partition("=> ")
        assert "UNREACHABLE" not in head, done.stdout
        value: dict[str, Any] = json.loads(result)
        return value | {"failed": "FAILED" in head}

    def offer(self, repo: str, key: str) -> None:
        """Pin hosts to one more repo of each snapshot, signed by a key of its own."""
        self.keys[repo], self.repositories[repo] = key, repo

    def pin(self, host: str, release: str, **more: Any) -> dict[str, Any]:
        offered = [{"name": name, "gpgkey": [key]} for name, key in self.repositories.items()]
        return self.call(
            host,
            "host_pin",
            release=release,
            digest=f"digest of {release}",
            gpgkeys=[{"name": name, "content": content} for name, content in self.keys.items()],
            **{"url": f"http://{self.fleet.address}:8080", "repositories": offered, **more},
        )

    def update(self, host: str, state: str, release: str, *flags: str, **more: Any) -> dict[str, Any]:
        return self.call(host, "os_update", *flags, state=state, release=release, **more)

    def converge(self, host: str, release: str) -> dict[str, Any]:
        pinned = self.pin(host, release, force=True)
        assert not pinned["failed"], pinned
        return self.update(host, "active", release)

    def reboot(self, host: str) -> None:
        ansible = [sys.executable, "-m", "ansible", "adhoc", "-i", str(self.fleet.inventory), host]
        command = self.fleet.command(*ansible, "-m", "ansible.builtin.reboot")
        subprocess.run(command, env=self.environment(), check=True, capture_output=True)

    def shell(self, host: str, script: str) -> str:
        done = self.fleet.ssh(host, "bash", "-c", script)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
