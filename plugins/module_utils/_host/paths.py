# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Where a package host keeps what this collection writes. Everything else on the host is somebody else's."""

from __future__ import annotations

from pathlib import Path

REPO_DIR = Path("/etc/yum.repos.d")
REPO_FILE = REPO_DIR / "osaas.repo"
RELEASE_VAR = Path("/etc/dnf/vars/osaas_release")
KEY_DIR = Path("/etc/pki/rpm-gpg")
KEY_PREFIX = "RPM-GPG-KEY-osaas-"

CA_DIR = Path("/etc/pki/osaas")

ETC = Path("/etc/osaas")
PIN_FILE = ETC / "release.json"
BAD_RELEASES_FILE = ETC / "bad_releases.json"
PRE_HOOKS = ETC / "pre-update.d"
POST_HOOKS = ETC / "post-update.d"
UPDATERS_FILE = ETC / "updaters.json"
SAVED_REPOS = ETC / "repos.saved"

# Of systemd: where units of the site lie, and what has the next boot carry out a transaction.
UNITS = Path("/etc/systemd/system")
BOOTED = Path("/run/systemd/system")
SYSTEM_UPDATE = Path("/system-update")

# Of cloud-init: its main file, and the last that it reads.
CLOUD_CONFIG = Path("/etc/cloud/cloud.cfg")
CLOUD_DROP_IN = Path("/etc/cloud/cloud.cfg.d/zz-osaas.cfg")

# What was done on this host; survives a reboot, is never needed by anything but this collection.
STATE = Path("/var/lib/osaas")
RUNNING_FILE = STATE / "running.json"
TRANSACTIONS = STATE / "transactions"
LOCK_FILE = STATE / "lock"

# Where the file system of the root is mounted for a moment, to see the subvolumes beside the root.
TOP_LEVEL = Path("/run/osaas/top-level")

# Metadata and packages of staged releases, one directory per release; may be deleted at any time.
CACHE = Path("/var/cache/osaas")


def key_file(name: str) -> Path:
    """Where the public key called `name` in a pin lies."""
    return KEY_DIR / f"{KEY_PREFIX}{name}"


def ca_file(name: str) -> Path:
    """Where the certificates that a pin calls `name` lie."""
    return CA_DIR / f"{name}.pem"
