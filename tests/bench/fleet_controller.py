# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger costs a controller per host, beside a hand-written `serial` playbook with the same tasks.

The hosts are virtual: every task is one program on the controller, run by a local connection. With `raw` a
task costs the controller as little as a task can, so that the ratio is the worst there is; with a module the
Python of the host is paid for here too. The ledger's own steps are those of the rollout playbook: a claim, a
record before the change and one after it, and the plays that open the rollout and sum it up.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.osaas.fleet.plugins.module_utils._fleet.hosts import Enrolment, enrol
from ansible_collections.osaas.fleet.plugins.module_utils._fleet.ledger import Ledger

from bench.measure import Cost, Table, measure

HOSTS, BATCH, TASKS, FORKS = 60, 20, 7, 5
COLLECTIONS = Path(__file__).parents[2] / ".cache" / "collections"
NAMES = [f"host-{number:02}" for number in range(HOSTS)]
KINDS: dict[str, Any] = {"raw": "/bin/true", "command": {"argv": ["/bin/true"]}}
POLICY = {
    "waves": [{"name": "all", "percent": 100}],
    "max_unavailable": BATCH,
    "max_unavailable_per_domain": BATCH,
}
RUN = "{{ hostvars.localhost.opened.run }}"


def run(work: Path, _packages: int) -> list[Table]:
    """See __main__.py."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {"all": {"hosts": {name: {} for name in NAMES}, "vars": local}}
    (work / "hosts.yml").write_text(json.dumps(inventory))
    tables = []
    for kind in KINDS:
        rows = {
            "hand-written, serial": partial(_play, work, [_by_hand(kind)]),
            "by the ledger": partial(_rollout, work, kind),
        }
        costs = {name: once() for name, once in rows.items()}
        title = f"{HOSTS} hosts, {TASKS} tasks of {kind} each, {FORKS} forks"
        tables.append(Table(title, "hand-written, serial", costs))
    return tables


def _tasks(kind: str) -> list[dict[str, Any]]:
    return [{f"ansible.builtin.{kind}": KINDS[kind], "changed_when": True} for _task in range(TASKS)]


def _by_hand(kind: str) -> dict[str, Any]:
    return {"hosts": "all", "gather_facts": False, "serial": BATCH, "tasks": _tasks(kind)}


def _rollout(work: Path, kind: str) -> Cost:
    ledger = str(work / f"{kind}.db")
    with Ledger.open(ledger) as opened, opened.write() as connection:
        hosts = [Enrolment(name, f"rack-{number % 6}") for number, name in enumerate(NAMES)]
        enrol(connection, hosts, who="bench", now=time.time())
    release = {"release": "20261122T174400Z", "digest": "d", "policy": POLICY}
    record = {"run": RUN, "fence": "{{ claimed.fence }}"}
    before, *after = _tasks(kind)
    move = [
        {"osaas.fleet.claim": {"run": RUN}, "register": "claimed"},
        {"ansible.builtin.meta": "end_host", "when": "not claimed.granted"},
        before,
        {"osaas.fleet.rollout_record": {**record, "state": "activating"}},
        *after,
        {
            "osaas.fleet.rollout_record": {
                **record,
                "state": "done",
                "release": "20261122T174400Z",
                "digest": "d",
            }
        },
    ]
    defaults = {"module_defaults": {"group/osaas.fleet.fleet": {"ledger": ledger}}, "gather_facts": False}
    plays = [
        {**defaults, "hosts": "localhost", "tasks": [{"osaas.fleet.rollout": release, "register": "opened"}]},
        {
            **defaults,
            "hosts": "all",
            "serial": HOSTS,
            "strategy": "ansible.builtin.host_pinned",
            "tasks": move,
        },
        {**defaults, "hosts": "localhost", "tasks": [{"osaas.fleet.rollout_info": {}}]},
    ]
    cost = _play(work, plays)
    with Ledger.open(ledger) as opened, opened.read() as connection:
        states = connection.exec_driver_sql("SELECT DISTINCT state FROM assignment").scalars().all()
    assert states == ["done"]
    return cost


def _play(work: Path, plays: list[dict[str, Any]]) -> Cost:
    playbook = work / "playbook.yml"
    playbook.write_text(json.dumps(plays))
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(work),
        "ANSIBLE_FORKS": str(FORKS),
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    program = Path(sys.executable).parent / "ansible-playbook"
    return measure([program, "-i", work / "hosts.yml", playbook], environment, work / "log")
