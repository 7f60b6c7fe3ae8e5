# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of real hosts on this machine: Fleet starts, reaches, and ends it."""

from __future__ import annotations

from .errors import FleetError
from .fleet import Fleet
from .hosts import Host

__all__ = ["Fleet", "FleetError", "Host"]
