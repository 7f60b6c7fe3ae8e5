# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a root a host of its own: names, address, keys."""

from __future__ import annotations

from pathlib import Path

from . import files, ssh
from .command import run
from .hosts import NETWORK, Host
from .instance import Instance


def make_client_key(instance: Instance) -> None:
    """The key that root of every host accepts."""
    _keygen(instance.ssh_key, instance.name)


def stamp(root: Path, host: Host, instance: Instance) -> str:
    """Give `root` the identity of `host`; returns its host key ("type base64") for known_hosts."""
    etc = root / "etc"
    (etc / "hostname").write_text(f"{host.name}\n")
    (etc / "machine-id").write_text(f"{host.machine_id(instance.name)}\n")
    (etc / "systemd/network").mkdir(parents=True, exist_ok=True)
    (etc / "systemd/network/10-host0.network").write_text(network(host))
    ssh_folder = root / "root/.ssh"
    ssh_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (ssh_folder / "authorized_keys").write_text(instance.ssh_key.with_suffix(".pub").read_text())
    host_key = etc / "ssh/ssh_host_ed25519_key"
    _keygen(host_key, host.name)
    return " ".join(host_key.with_suffix(".pub").read_text().split()[:2])


def stamp_disk(disk: Path, host: Host, instance: Instance) -> str:
    """The same for the disk of a host that boots images: all of it lies in the tree of its identity."""
    identity = disk / "data/identity"
    (disk / "esp/loader/entries").mkdir(parents=True)
    for name in ("ssh/authorized_keys.d", "ssh/sshd_config.d", "systemd/network"):
        (identity / name).mkdir(parents=True)
    (identity / "hostname").write_text(f"{host.name}\n")
    (identity / "machine-id").write_text(f"{host.machine_id(instance.name)}\n")
    (identity / "systemd/network/10-host0.network").write_text(network(host))
    (identity / "ssh/authorized_keys.d/root").write_text(instance.ssh_key.with_suffix(".pub").read_text())
    where = "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u\n"
    (identity / "ssh/sshd_config.d/10-osaas.conf").write_text(where)
    host_key = identity / "ssh/ssh_host_ed25519_key"
    _keygen(host_key, host.name)
    return " ".join(host_key.with_suffix(".pub").read_text().split()[:2])


def network(host: Host) -> str:
    """systemd.network(5) of the interface that nspawn makes."""
    address = f"{host.address}/{NETWORK.prefixlen}"
    return f"[Match]\nName=host0\n\n[Network]\nAddress={address}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"


def write_access(instance: Instance, host_keys: dict[Host, str]) -> None:
    """What a client needs: known hosts and a configuration."""
    instance.ssh_sockets.mkdir(mode=0o700)
    files.write(instance.known_hosts, ssh.known_hosts(host_keys))
    files.write(instance.ssh_config, ssh.config(instance, host_keys))


def _keygen(path: Path, comment: str) -> None:
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
