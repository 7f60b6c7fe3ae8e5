# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An update through os_update and through plain dnf, on one host; what a look at a host costs.

Every row is ad-hoc calls of Ansible to a booted host of the testbed, seen from the controller: wall time is
of all, CPU time and memory are the controller's. Caches of packages and metadata are empty at each update.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from e2e.conftest import CACHE, RUN_DIR
from e2e.host_site import R1, R2, Site, fill_store
from testbed.distro import ensure_distro
from testbed.fleet import Fleet

from bench.measure import Cost, Table, measure, medians

HOST = "host-01"
RUNS = 3
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
    with Fleet.start(
        "bench", distro=distro, hosts=1, store=work / "store", run_dir=RUN_DIR, cache=CACHE, progress=print
    ) as fleet:
        site = Site(fleet, distro, work)
        assert not site.converge(HOST, R1)["failed"]
        plain = partial(_update, site, [_adhoc(site, "ansible.builtin.command", "dnf -y distro-sync")])
        staged, active = (_module(site, state=state, release=R2) for state in ("staged", "active"))
        updates = {
            "dnf -y distro-sync": plain,
            "os_update: active": partial(_update, site, [active]),
            "os_update: staged, then active": partial(_update, site, [staged, active]),
        }
        looks: dict[str, Callable[[], Cost]] = {
            "ping": partial(_call, site, _adhoc(site, "ansible.builtin.ping", "")),
            "host_info": partial(_call, site, _adhoc(site, "osaas.fleet.host_info", "")),
            "health_check, ten checks": partial(
                _call, site, _adhoc(site, "osaas.fleet.health_check", json.dumps({"checks": CHECKS}))
            ),
        }
        return [
            Table(f"28 packages of {HOST}, medians of {RUNS}", "dnf -y distro-sync", medians(RUNS, updates)),
            Table(f"One look at {HOST}, medians of {RUNS}", "ping", medians(RUNS, looks)),
        ]


def _adhoc(site: Site, module: str, arguments: str) -> list[str]:
    ansible = [sys.executable, "-m", "ansible", "adhoc", "-i", str(site.fleet.inventory), HOST]
    return site.fleet.command(*ansible, "-m", module, *(["-a", arguments] if arguments else []))


def _module(site: Site, **arguments: Any) -> list[str]:
    return site.command(HOST, "os_update", arguments)


def _update(site: Site, commands: Sequence[list[str]]) -> Cost:
    """From R1 to R2, by all of the commands; the way back is not counted."""
    back = site.converge(HOST, R1)
    assert not back["failed"], back
    assert not site.pin(HOST, R2, force=True)["failed"]
    site.shell(HOST, "rm -rf /var/cache/osaas /var/cache/dnf; sync")
    costs = [_call(site, command) for command in commands]
    assert "beacon-1.1" in site.shell(HOST, "rpm -q beacon")
    wall, cpu = sum(cost.wall for cost in costs), sum(cost.cpu for cost in costs)
    return Cost(wall, cpu, max(cost.peak for cost in costs))


def _call(site: Site, command: list[str]) -> Cost:
    return measure(command, site.environment(), site.config.with_name("log"))
