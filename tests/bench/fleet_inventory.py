# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load 500 open hosts of a ledger of 100,000, and all of them, as ansible-inventory does for one host.

Beside an empty inventory, and a plugin that adds the same hosts with the same variable out of thin air.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.rollouts import Release, open_rollout
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.tables import tables

from bench.measure import Cost, Table, measure, medians

FLEET, OPEN, RUNS = 100_000, 500, 3
COLLECTIONS = Path(__file__).parents[2] / ".cache" / "collections"
TRIVIAL = f"""
from ansible.plugins.inventory import BaseInventoryPlugin

class InventoryModule(BaseInventoryPlugin):
    NAME = "trivial"

    def verify_file(self, path):
        return path.endswith("trivial.yml")

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        for number in range({FLEET}):
            name = inventory.add_host(f"host-{{number:06}}")
            variable = {{
                "host": name,
                "domain": f"rack-{{number // 40}}",
                "labels": {{}},
                "release": "20261108T174400Z",
                "digest": "d1",
                "unavailable": "",
                "wave": "all",
                "state": "done",
                "reason": "",
            }}
            inventory.set_variable(name, "osaas_fleet", variable)
"""


def run(work: Path, _packages: int) -> list[Table]:
    """See __main__.py."""
    ledger = _ledger(work)
    (work / "plugins").mkdir()
    (work / "plugins" / "trivial.py").write_text(TRIVIAL)
    config = {"plugin": "osaas.fleet.fleet", "ledger": ledger}
    sources = {
        "empty.yml": {"all": {"hosts": {f"host-{FLEET - 1:06}": {}}}},
        "open.fleet.yml": {**config, "open_only": True},
        "trivial.yml": {"plugin": "trivial"},
        "all.fleet.yml": config,
    }
    for name, content in sources.items():
        (work / name).write_text(json.dumps(content))
    rows = {
        "an inventory of one host": "empty.yml",
        f"the {OPEN} open hosts of {FLEET:,}": "open.fleet.yml",
        f"{FLEET:,} hosts out of thin air": "trivial.yml",
        f"all {FLEET:,} hosts of the ledger": "all.fleet.yml",
    }
    costs = medians(RUNS, {title: partial(_load, work, source) for title, source in rows.items()})
    first, second, third, fourth = rows
    return [
        Table("few hosts of a large ledger", first, {title: costs[title] for title in (first, second)}),
        Table("a whole large ledger", third, {title: costs[title] for title in (third, fourth)}),
    ]


def _ledger(work: Path) -> str:
    """All hosts are done but the last few."""
    path = str(work / "ledger.db")
    hosts = [Enrolment(f"host-{number:06}", f"rack-{number // 40}", release="r1") for number in range(FLEET)]
    policy = {"waves": [{"name": "all", "percent": 100}]}
    assignment = tables().assignment
    with Ledger.open(path) as ledger, ledger.write() as connection:
        enrol(connection, hosts, who="bench", now=time.time())
        open_rollout(connection, Release("r2", "snapshot", "d"), policy, who="bench", now=time.time())
        through = assignment.c.host < f"host-{FLEET - OPEN:06}"
        connection.execute(assignment.update().where(through).values(state="done"))
    return path


def _load(work: Path, source: str) -> Cost:
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(work),
        "ANSIBLE_INVENTORY_PLUGINS": str(work / "plugins"),
        "ANSIBLE_INVENTORY_ENABLED": "trivial,osaas.fleet.fleet,ansible.builtin.yaml",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    }
    program = Path(sys.executable).parent / "ansible-inventory"
    return measure(
        [program, "-i", work / source, "--host", f"host-{FLEET - 1:06}"], environment, work / "log"
    )
