# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has to start anew."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host.kernels import installed_kernels
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import Package
from ansible_collections.osaas.fleet.plugins.module_utils._host.reboot import decide, kernel_reasons

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


def test_what_this_boot_brought_counts_whatever_the_clock_said() -> None:
    old = [package("systemd", 1), package("bash", 1), package("glibc", 1)]
    fresh = {"systemd-0:1-1.noarch", "bash-0:1-1.noarch", "glibc-0:0-1.noarch"}
    assert decide(old, BOOTED, [], fresh=fresh).reboot_reasons == ("systemd was updated since the boot",)


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


def test_a_kernel_that_was_taken_away(tmp_path: Path) -> None:
    for release in ("6.10.0-1", "6.9.0-2", "6.8.0-1"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "modules.order").touch()
    (tmp_path / "6.7.0-1").mkdir()  # what depmod left
    installed = installed_kernels(tmp_path, tmp_path / "none")
    assert installed == ["6.8.0-1", "6.9.0-2", "6.10.0-1"]
    assert kernel_reasons("6.9.0-2", installed) == kernel_reasons("6.7.0-1", []) == ()
    reasons = kernel_reasons("6.7.0-1", installed)
    assert reasons == ("kernel 6.7.0-1 runs, but is not installed any more",)
    assert decide([], BOOTED, [], kernel=reasons).reboot_reasons == reasons
    assert installed_kernels(tmp_path, tmp_path) == []
