# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as an Ansible inventory. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from . import ssh
from .hosts import Host
from .instance import Instance


def render(instance: Instance, hosts: Iterable[Host]) -> str:
    """YAML: each host with its address and rack, `canary: true` on one; how to connect, once for all."""
    inventory = {
        "all": {
            "vars": {
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(instance.ssh_key),
                "ansible_ssh_common_args": ssh.common_args(instance),
                "ansible_python_interpreter": "/usr/bin/python3",
            },
            "hosts": {host.name: _variables(host) for host in hosts},
        }
    }
    return yaml.safe_dump(inventory, sort_keys=False, width=110)


def _variables(host: Host) -> dict[str, str | bool]:
    variables: dict[str, str | bool] = {"ansible_host": host.address, "rack": host.rack}
    return variables | {"canary": True} if host.canary else variables
