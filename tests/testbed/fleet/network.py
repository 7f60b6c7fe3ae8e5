# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inside of the fleet's network namespace."""

from __future__ import annotations

from .command import run
from .hosts import CONTROLLER, NETWORK
from .machine import BRIDGE


def set_up() -> None:
    """A bridge with the controller's address; nspawn plugs the hosts in."""
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "address", "add", f"{CONTROLLER}/{NETWORK.prefixlen}", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])
