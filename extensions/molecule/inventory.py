#!/usr/bin/env python3
# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The testbed's hosts, reached from outside their network; none while they are not up."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

RUN_DIR = Path(__file__).parents[2] / ".run"


def main() -> None:
    """Print the inventory as Ansible wants it from a script."""
    inventory = RUN_DIR / "molecule/inventory.yml"
    hosts: dict[str, dict[str, object]] = {}
    if inventory.exists():
        group = yaml.safe_load(inventory.read_text())["all"]
        shared = {**group["vars"], "ansible_ssh_executable": str(RUN_DIR / "molecule-site/bin/ssh")}
        hosts = {name: {**shared, **own} for name, own in group["hosts"].items()}
    sys.stdout.write(json.dumps({"testbed": {"hosts": list(hosts)}, "_meta": {"hostvars": hosts}}))


if __name__ == "__main__":
    main()
