# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of real ansible-playbook with the ledger's actions, on hosts that are never contacted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

COLLECTIONS = Path(__file__).parents[3] / ".cache/collections"
HOSTS = {f"web-{number}": {"rack": f"rack-{number % 2}", "canary": number == 0} for number in range(4)}


@dataclass(frozen=True)
class Step:
    """One action on one host. Its arguments may refer to results of earlier steps, see result()."""

    action: str
    arguments: dict[str, Any] = field(default_factory=dict)
    host: str = "localhost"
    check: bool = False

    def play(self, number: int, ledger: str) -> dict[str, Any]:
        given = {"ledger": ledger, **self.arguments}
        task = {
            f"osaas.fleet.{self.action}": {name: value for name, value in given.items() if value is not None},
            "register": f"result_{number}",
            "ignore_errors": True,
            "check_mode": self.check,
        }
        return {"hosts": self.host, "gather_facts": False, "tasks": [task]}


def result(number: int, key: str, host: str = "localhost") -> str:
    """For an argument: what an earlier step on that host has returned."""
    return f"{{{{ hostvars['{host}'].result_{number}.{key} }}}}"


class Ansible:
    """Runs steps in one ansible-playbook; the ledger is kept between runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ledger = str(directory / "ledger.db")
        (directory / "inventory.yml").write_text(yaml.safe_dump({"all": {"hosts": HOSTS}}))
        program = str(Path(sys.executable).parent / "ansible-playbook")
        self.argv = [program, "-i", str(directory / "inventory.yml"), str(directory / "playbook.yml")]
        self.environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(directory),
            "ANSIBLE_NOCOLOR": "1",
        }

    def __call__(self, *steps: Step) -> list[dict[str, Any]]:
        """The result of each step."""
        results = self.directory / "results.json"
        listed = [f"hostvars['{step.host}'].result_{number}" for number, step in enumerate(steps)]
        copy = {"content": f"{{{{ [{', '.join(listed)}] | to_json }}}}", "dest": str(results)}
        last = {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.copy": copy}]}
        self.write([*(step.play(number, self.ledger) for number, step in enumerate(steps)), last])
        done = subprocess.run(
            self.argv, env=self.environment, check=False, capture_output=True, text=True, errors="replace"
        )
        self.output = done.stdout + done.stderr
        assert done.returncode == 0, self.output
        found: list[dict[str, Any]] = json.loads(results.read_text())
        return found

    def write(self, plays: Sequence[dict[str, Any]]) -> None:
        (self.directory / "playbook.yml").write_text(json.dumps(plays))


ENROL = Step("enrol", {"hosts": list(HOSTS), "domain": "rack", "labels": ["canary"]})
