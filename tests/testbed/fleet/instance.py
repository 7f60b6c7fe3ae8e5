# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where one running fleet keeps its things. Pure: names of paths, nothing is touched."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import FleetError

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
SOCKET_PATH_MAX = 107  # sun_path of unix(7), less its final NUL
SSH_SOCKET = len("/10.99.0.255") + len(".") + 16  # ssh binds a random name first, then renames it


@dataclass(frozen=True)
class Instance:
    """A name and the directory that all its files are under, `<run_dir>/<name>/`."""

    name: str
    run_dir: Path

    def __post_init__(self) -> None:
        """Refuse names and places that later steps could not use."""
        if not NAME.fullmatch(self.name):
            raise FleetError(
                f"name {self.name!r}: use a lower-case letter, then up to 30 of a-z, 0-9 and '-'"
            )
        if len(str(self.ssh_sockets)) + SSH_SOCKET > SOCKET_PATH_MAX:
            raise FleetError(f"{self.ssh_sockets}: too long for the sockets of ssh; use a shorter directory")

    @property
    def directory(self) -> Path:
        """Everything of this instance."""
        return self.run_dir.absolute() / self.name

    @property
    def cgroup(self) -> str:
        """Control group, unique on this machine: two checkouts may each have a 'demo'."""
        place = hashlib.sha256(str(self.directory).encode()).hexdigest()[:8]
        return f"osaas-{self.name}-{place}"

    @property
    def lock(self) -> Path:
        """Locked by the supervisor as long as it lives; holds its pid. Never removed."""
        return self.directory / "lock"

    @property
    def logs(self) -> Path:
        """A file per host, one for nginx, one for the supervisor. The only thing left after the end."""
        return self.directory / "log"

    def log(self, name: str) -> Path:
        """Log of a host (its console), or of "nginx" or "supervisor"."""
        return self.logs / f"{name}.log"

    @property
    def state(self) -> Path:
        """See state.py."""
        return self.directory / "state.json"

    @property
    def control(self) -> Path:
        """Socket of the supervisor, see control.py."""
        return self.directory / "control"

    @property
    def netns(self) -> Path:
        """Link to the network namespace: `nsenter --net=<this> COMMAND`."""
        return self.directory / "netns"

    @property
    def pool_image(self) -> Path:
        """The btrfs file system that holds the hosts' roots."""
        return self.directory / "pool.img"

    @property
    def pool(self) -> Path:
        """Mount point of the pool; mounted in the supervisor's namespace only."""
        return self.directory / "pool"

    @property
    def disks(self) -> Path:
        """A directory for each host that boots images: its disk, with esp and data in it."""
        return self.directory / "disks"

    def boots(self, name: str) -> Path:
        """What the boot loader of such a host decided, see firmware.py."""
        return self.logs / f"{name}.boots"

    @property
    def machines(self) -> Path:
        """Where the roots of such hosts are mounted, in the supervisor's namespace only."""
        return self.directory / "machines"

    @property
    def ssh_key(self) -> Path:
        """Private key that root of every host accepts."""
        return self.directory / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """Host keys, written before the first boot."""
        return self.directory / "known_hosts"

    @property
    def ssh_sockets(self) -> Path:
        """Master connections of ssh, one per host."""
        return self.directory / "ssh"

    @property
    def ssh_config(self) -> Path:
        """For ssh and testinfra by host name."""
        return self.directory / "ssh_config"

    @property
    def inventory(self) -> Path:
        """For Ansible."""
        return self.directory / "inventory.yml"

    @property
    def nginx(self) -> Path:
        """Configuration, pid and scratch of nginx."""
        return self.directory / "nginx"

    @property
    def upstream(self) -> Path:
        """Link to the release that upstream serves now."""
        return self.directory / "upstream"
