# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""After packages changed: restart what can be restarted, and say what is left to do."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Collection

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._host.kernels import installed_kernels
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import set_digest
from ansible_collections.osaas.fleet.plugins.module_utils._host.processes import (
    boot_id,
    boot_time,
    stale_units,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.reboot import decide, kernel_reasons
from ansible_collections.osaas.fleet.plugins.module_utils._host.rpmdb import installed_packages
from ansible_collections.osaas.fleet.plugins.module_utils._host.systemd import failed_units
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import installed_in


def settle(
    runner: Runner, *, restart: bool, reboot_packages: Collection[str], revive: bool = False
) -> dict[str, t.Any]:
    """The part of os_update's result that tells of the host as it is now.

    With `restart`, services on replaced files are restarted, unless the host must be rebooted anyway. With
    `revive` too, so are units that have failed: what made them fail may be gone, but nobody else starts them
    (packages restart only what runs).
    """
    packages = installed_packages()
    kernel = kernel_reasons(os.uname().release, installed_kernels())
    fresh = installed_in(boot_id())
    needed = decide(packages, boot_time(), stale_units(), reboot_packages, kernel, fresh)
    restarted: list[str] = []
    if restart and not needed.reboot:
        restarted += [unit for unit in needed.services if _systemctl(runner, "try-restart", unit)]
        failed = failed_units(runner) if revive else []
        restarted += [unit for unit in failed if _systemctl(runner, "restart", unit)]
    return {
        "package_set_digest": set_digest(packages),
        "reboot_required": needed.reboot,
        "reboot_reasons": list(needed.reboot_reasons),
        "services_restarted": restarted,
        "services_to_restart": [service for service in needed.services if service not in restarted],
    }


def _systemctl(runner: Runner, verb: str, unit: str) -> bool:
    done = runner.run(["systemctl", verb, unit], check=False)
    if done.status != 0:
        runner.warn(f"{unit} cannot be restarted: {done.stderr.strip()}")
    return done.status == 0
