# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flavour testbed-next: the packages that Debian tests now, like a Fedora (dnf5, rpm 6, systemd 262)."""

from __future__ import annotations

from dataclasses import replace

from .flavour import Amendment, words
from .testbed_9 import TESTBED_9

_DNF4 = ("dnf", "dnf-plugins-core", "python3-dnf")
_NO_PLUGIN = "[main]\nname = local\nenabled = no\n"

TESTBED_NEXT = replace(
    TESTBED_9,
    name="testbed-next",
    suite="forky",
    major="11",
    core=(*(name for name in TESTBED_9.core if name not in _DNF4), "dnf5", "python3-libdnf5"),
    offered=("btrfs-progs",),
    dropped=(*TESTBED_9.dropped, *words("systemd-cryptsetup systemd-timesyncd systemd-tpm")),
    # It loads most of its libraries only when it needs them, and so merely recommends them.
    demanding=("systemd",),
    amendments={
        **TESTBED_9.amendments,
        "dnf5": Amendment(links={"/usr/bin/dnf": "dnf5"}, provides=("dnf",)),
        # Enabled, this plugin would call createrepo_c on the host after every transaction.
        "libdnf5-[0-9]*": Amendment(rewritten={"/etc/dnf/libdnf5-plugins/local.conf": _NO_PLUGIN}),
    },
)
