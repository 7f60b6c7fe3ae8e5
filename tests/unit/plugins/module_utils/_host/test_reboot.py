# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has to start anew."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import Package
from ansible_collections.osaas.fleet.plugins.module_utils._host.reboot import decide

BOOTED = 1000.0


def package(name: str, installed: int) -> Package:
    return Package(f"{name}-0:1-1.noarch", name, installed)


def test_only_listed_packages_newer_than_the_boot_need_a_reboot() -> None:
    packages = [package("systemd", 1001), package("kernel-modules-core", 1001), package("glibc", 999)]
    decision = decide([*packages, package("bash", 1001)], BOOTED, [])
    assert decision.reboot_reasons == (
        "kernel-modules-core was updated since the boot",
        "systemd was updated since the boot",
    )
    assert decision.reboot


def test_own_patterns_replace_the_list() -> None:
    packages = [package("systemd", 1001), package("bash", 1001)]
    assert decide(packages, BOOTED, [], ["ba*"]).reboot_reasons == ("bash was updated since the boot",)


def test_services_on_replaced_files() -> None:
    stale = ["beacon.service", "user@0.service", "console-getty.service"]
    assert decide([], BOOTED, stale).services == ("beacon.service",)
    assert not decide([], BOOTED, stale).reboot
    fixed = decide([], BOOTED, [*stale, "dbus.service"])
    assert fixed.reboot_reasons == ("dbus.service runs replaced files and cannot be restarted",)
    assert fixed.services == ("beacon.service",)
