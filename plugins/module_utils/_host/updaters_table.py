# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What else updates packages of a host, as data. Names of units as fnmatch patterns."""

from __future__ import annotations

import re

KNOWN_UNITS = (
    "dnf-automatic*.timer",
    "dnf5-automatic.timer",
    "yum-cron.service",
    "yum-updatesd.service",
    "packagekit.service",
    "packagekit-offline-update.service",
    "rpm-ostreed-automatic.timer",
    "unattended-upgrades.service",
)

# The command of any other timer that counts as an updater.
UPDATES = re.compile(r"\b(dnf|dnf-3|dnf5|microdnf|yum|pkcon)\b.*\b(update|upgrade|distro-sync|dsync|up)\b")

# What cloud-init reads at a boot, the last file wins.
CLOUD_OPTION = re.compile(r"^package_(?:upgrade|update)\s*:\s*(?P<value>\S+)", re.MULTILINE)
