# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update through os_update and through plain dnf, on one host; what a look at a host costs.

The update is of an ordinary month: the testbed's own packages, and 200 of half a MB. Every row is one run of
Ansible against a booted host of the testbed, seen from the controller: wall time is of all, CPU time and
memory are the controller's. Caches of packages and metadata are empty at each update.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from e2e.conftest import CACHE, RUN_DIR
from e2e.host_site import R1, R2, REPOS, Site, fill_store
from integration.repo.forge import Forge
from testbed.distro import ensure_distro
from testbed.fleet import Fleet

from bench.measure import Cost, Table, measure, medians

HOST = "host-01"
RUNS = 3
PACKAGES, PAYLOAD = 200, 500_000  # how many are added to the testbed's own, with so many bytes each
CHECKS: list[dict[str, Any]] = [
    {"kind": "units"},
    {"kind": "unit", "unit": "beacon.service"},
    {"kind": "tcp", "port": 22},
    {"kind": "http", "url": "http://127.0.0.1:8000/"},
    {"kind": "dns", "host": "localhost"},
    {"kind": "command", "argv": ["true"]},
    {"kind": "file", "path": "/etc/os-release"},
    {"kind": "free_space", "minimum": "1M"},
    {"kind": "load", "maximum": 1000},
    {"kind": "mount"},
]


def run(work: Path, packages: int) -> list[Table | str]:
    """Boot a host, measure, and let it go; the size of the upstream is that of the testbed."""
    distro = ensure_distro(cache=CACHE, progress=print)
    fill_store(work / "store", distro)
    key = _forge_bulk(work)
    with Fleet.start(
        "bench", distro=distro, hosts=1, store=work / "store", run_dir=RUN_DIR, cache=CACHE, progress=print
    ) as fleet:
        bench = _Bench(Site(fleet, distro, work), key.read_text())
        bench.go_back()
        bench.site.shell(HOST, f"dnf -y install {' '.join(f'tiny-{name}' for name in _names())}")
        updates = {
            "dnf -y distro-sync": [{"ansible.builtin.command": {"argv": ["dnf", "-y", "distro-sync"]}}],
            "os_update: active": [_os_update("active")],
            "os_update: staged, then active": [_os_update("staged"), _os_update("active")],
        }
        looks: dict[str, dict[str, Any]] = {
            "ping": {"ansible.builtin.ping": {}},
            "host_info": {"osaas.fleet.host_info": {}},
            "health_check, ten checks": {"osaas.fleet.health_check": {"checks": CHECKS}},
        }
        updating: dict[str, Callable[[], Cost]] = {
            name: partial(bench.update, tasks) for name, tasks in updates.items()
        }
        looking: dict[str, Callable[[], Cost]] = {
            name: partial(bench.play, [task]) for name, task in looks.items()
        }
        return [
            Table(f"Update of {HOST}, medians of {RUNS}", "dnf -y distro-sync", medians(RUNS, updating)),
            Table(f"One look at {HOST}, medians of {RUNS}", "ping", medians(RUNS, looking)),
        ]


def _names() -> list[str]:
    return [f"p{number:03}" for number in range(PACKAGES)]


def _forge_bulk(work: Path) -> Path:
    """Give the releases R1 and R2 of the store a repo `bulk`; returns its public key."""
    (work / "forge").mkdir()
    forge = Forge(work / "forge")
    key = forge.key("bench")
    for release, version in ((R1, "1"), (R2, "2")):
        rpms = forge.build(version, _names(), PAYLOAD)
        forge.sign("bench", *rpms.iterdir())
        forge.index(rpms, key="bench")
        rpms.rename(work / "store" / "snapshots" / release / "bulk")
    forge.close()
    return key


def _os_update(state: str) -> dict[str, Any]:
    return {"osaas.fleet.os_update": {"state": state, "release": R2}}


@dataclass(frozen=True)
class _Bench:
    """A host with three repos: the testbed's and `bulk`, signed with `key`."""

    site: Site
    key: str

    def update(self, tasks: Sequence[dict[str, Any]]) -> Cost:
        """From R1 to R2, by all of the tasks; the way back is not counted."""
        self.go_back()
        self._pin(R2)
        self.site.shell(HOST, "rm -rf /var/cache/osaas /var/cache/dnf; sync")
        cost = self.play(tasks)
        new = self.site.shell(HOST, f"rpm -q beacon {' '.join(f'tiny-{name}' for name in _names())}")
        assert "beacon-1.1" in new and new.count("-2-1.noarch") == PACKAGES, new
        return cost

    def go_back(self) -> None:
        """Bring the host to R1."""
        self._pin(R1)
        done = self.site.update(HOST, "active", R1)
        assert not done["failed"], done

    def play(self, tasks: Sequence[dict[str, Any]]) -> Cost:
        """The cost of one ansible-playbook with just these tasks."""
        log = self.site.config.with_name("log")
        playbook = self.site.config.with_name("play.yml")
        playbook.write_text(json.dumps([{"hosts": HOST, "gather_facts": False, "tasks": list(tasks)}]))
        ansible = [sys.executable, "-m", "ansible", "playbook", "-i", str(self.site.fleet.inventory)]
        command = self.site.fleet.command(*ansible, str(playbook))
        return measure(command, self.site.environment(), log)

    def _pin(self, release: str) -> None:
        keys = {"testbed": self.site.key, "bench": self.key}
        signed_by = {**dict.fromkeys(REPOS, "testbed"), "bulk": "bench"}
        done = self.site.call(
            HOST,
            "host_pin",
            release=release,
            digest=f"digest of {release}",
            url=f"http://{self.site.fleet.address}:8080",
            repositories=[{"name": name, "gpgkey": [key]} for name, key in signed_by.items()],
            gpgkeys=[{"name": name, "content": content} for name, content in keys.items()],
            force=True,
        )
        assert not done["failed"], done
