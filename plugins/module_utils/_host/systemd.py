# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Ask the host's service manager."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner


def failed_units(runner: Runner) -> list[str]:
    """Names of all failed units."""
    listing = runner.run(["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--full"])
    return sorted(line.split()[0] for line in listing.stdout.splitlines() if line.strip())


def active_state(runner: Runner, unit: str) -> str:
    """`active`, `failed`, `inactive` … as systemd says; `inactive` too for a unit that does not exist."""
    return runner.run(["systemctl", "is-active", unit], check=False).stdout.strip() or "unknown"
