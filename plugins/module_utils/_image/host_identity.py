# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a host is, as files for its /etc: each made by a generator, whose name is kept beside it."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text

RECORD = "identity.json"
PASSWORD = "root-password"  # noqa: S105  # the name of a file
NETWORK = "systemd/network"
KEYS = "ssh/authorized_keys.d"
HOST_KEY = "ssh_host_ed25519_key"
_PATH = re.compile(r"(?!\.{1,2}(/|$))[^/\0]+(/(?!\.{1,2}(/|$))[^/\0]+)*")
_KEY_FILES = "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u\n"


@dataclass(frozen=True)
class IdentityFile:
    """A file below /etc. `generator` says what made it."""

    path: str
    content: str
    generator: str
    mode: int = 0o644


def identity_files(provisioning: Mapping[str, t.Any]) -> Iterator[IdentityFile]:
    """The files that the tier `provisioning` of a host's config, with a machine_id, comes to."""
    yield IdentityFile("hostname", f"{provisioning['hostname']}\n", "hostname")
    yield IdentityFile("machine-id", f"{provisioning['machine_id']}\n", "machine-id", 0o444)
    network = provisioning.get("network", {})
    for number, interface in enumerate(network.get("interfaces", ())):
        path = f"{NETWORK}/{10 + number}-osaas.network"
        yield IdentityFile(path, _network(interface, network, first=not number), "network")
    root = provisioning.get("root", {})
    if root.get("password_hash"):
        yield IdentityFile(PASSWORD, f"{root['password_hash']}\n", "root-password", 0o600)
    if root.get("authorized_keys"):
        keys = "".join(f"{key}\n" for key in root["authorized_keys"])
        yield IdentityFile(f"{KEYS}/root", keys, "authorized-keys")
        yield IdentityFile("ssh/sshd_config.d/10-osaas.conf", _KEY_FILES, "authorized-keys")


def check_identity(files: Sequence[IdentityFile]) -> None:
    """Raises InputError for a path that leaves /etc, or that two files have."""
    seen: dict[str, str] = {}
    for file in files:
        if not _PATH.fullmatch(file.path) or file.path in (RECORD, "shadow"):
            way_out = "Give a path relative to /etc, without '.' and '..'"
            raise InputError("is no place for a file of a host's identity", where=file.path, way_out=way_out)
        if file.path in seen:
            what = f"is made twice: {seen[file.path]} and {file.generator}"
            raise InputError(what, where=file.path, way_out="Keep one of them")
        seen[file.path] = file.generator


def make_host_key(runner: Runner, hostname: str) -> list[IdentityFile]:
    """A new SSH host key: the private half, then the public one. Raises CommandError."""
    with TemporaryDirectory() as directory:
        key = Path(directory) / HOST_KEY
        runner.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", hostname, "-f", str(key)])
        public = key.with_name(f"{HOST_KEY}.pub")
        return [
            IdentityFile(f"ssh/{HOST_KEY}", key.read_text(encoding="ascii"), "ssh-host-key", 0o600),
            IdentityFile(f"ssh/{HOST_KEY}.pub", public.read_text(encoding="ascii"), "ssh-host-key"),
        ]


def write_identity(directory: Path, files: Sequence[IdentityFile], time_zone: str | None) -> None:
    """Write them into a directory that is not there yet, and which generator made which."""
    directory.mkdir()
    for file in files:
        path = directory / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=file.mode)
        path.write_text(file.content, encoding="utf-8")
        path.chmod(file.mode)
    made = {file.path: file.generator for file in files}
    if time_zone is not None:
        (directory / "localtime").symlink_to(f"../usr/share/zoneinfo/{time_zone}")
        made["localtime"] = "time-zone"
    (directory / RECORD).write_text(json_text(made), encoding="utf-8")


def _network(interface: Mapping[str, t.Any], network: Mapping[str, t.Any], *, first: bool) -> str:
    """A file of systemd.network(5). Names are asked for on the first interface, wherever they are served."""
    match = f"Name={interface['name']}" if "name" in interface else f"MACAddress={interface['mac']}"
    lines = ["[Match]", match, "", "[Network]", f"DHCP={'yes' if interface.get('dhcp') else 'no'}"]
    lines += [f"Address={address}" for address in interface.get("addresses", ())]
    lines += [f"Gateway={interface['gateway']}"] if "gateway" in interface else []
    if first:
        lines += [f"DNS={server}" for server in network.get("dns", ())]
        lines += [f"Domains={' '.join(network['search'])}"] if network.get("search") else []
    return "".join(f"{line}\n" for line in lines)
