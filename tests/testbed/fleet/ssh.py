# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How everything reaches the hosts: one set of ssh options, in the three forms that readers want. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from .hosts import Host
from .instance import Instance


def options(instance: Instance) -> dict[str, str]:
    """Options of ssh_config(5).

    The sockets of master connections lie with the instance: fleets share their inner addresses, and ssh (as
    Ansible) would else find one fleet's open connection under another's address.
    """
    return {
        "User": "root",
        "IdentityFile": f'"{instance.ssh_key}"',
        "IdentitiesOnly": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": f'"{instance.known_hosts}"',
        "GlobalKnownHostsFile": "/dev/null",
        "ControlMaster": "auto",
        "ControlPersist": "60s",
        "ControlPath": f'"{instance.ssh_sockets}/%h"',
        "ServerAliveInterval": "5",
        "ConnectTimeout": "10",
        "LogLevel": "ERROR",
    }


def arguments(instance: Instance) -> list[str]:
    """The options as arguments of ssh."""
    return [word for key, value in options(instance).items() for word in ("-o", f"{key}={value}")]


def common_args(instance: Instance) -> str:
    """The options as Ansible's `ansible_ssh_common_args`, which it splits as a shell would."""
    return shlex.join(arguments(instance))


def config(instance: Instance, hosts: Iterable[Host]) -> str:
    """The options as a file for `ssh -F`, hosts by name."""
    names = "".join(f"Host {host.name}\n    HostName {host.address}\n" for host in hosts)
    common = "".join(f"    {key} {value}\n" for key, value in options(instance).items())
    return f"{names}Host *\n{common}"


def known_hosts(keys: dict[Host, str]) -> str:
    """known_hosts lines; a key is "type base64", as in the first two fields of a .pub file."""
    return "".join(f"{host.address} {key}\n" for host, key in keys.items())
