# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine must have before a fleet can start. Each lack is one clear line."""

from __future__ import annotations

import os
import shutil

from .errors import FleetError

PACKAGES = {  # command to the Debian package that has it
    "systemd-nspawn": "systemd-container",
    "systemctl": "systemd",
    "mkfs.btrfs": "btrfs-progs",
    "nginx": "nginx-light",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "ip": "iproute2",
    "mount": "mount",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}


def need_root() -> None:
    """Raises FleetError unless we are root."""
    if os.geteuid() != 0:
        raise FleetError("the testbed mounts file systems and boots machines: run it as root (sudo)")


def need_tools() -> None:
    """Raises FleetError with the packages to install."""
    missing = {tool: package for tool, package in PACKAGES.items() if shutil.which(tool) is None}
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise FleetError(f"not installed: {', '.join(missing)}; run `apt-get install {packages}`")
