# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flavour testbed-10: Debian trixie's packages, like an EL10 (systemd 257, dnf 4.23, Python 3.13)."""

from __future__ import annotations

from dataclasses import replace

from .testbed_9 import TESTBED_9

TESTBED_10 = replace(
    TESTBED_9,
    name="testbed-10",
    suite="trixie",
    major="10",
    # A plugin of dnf, system-upgrade, imports it without requiring it.
    core=(*TESTBED_9.core, "python3-systemd"),
    offered=(),
)
