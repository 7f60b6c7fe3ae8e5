# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Decide what has to start anew after packages changed: the host, some services, or nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import Package
from ansible_collections.osaas.fleet.plugins.module_utils._host.reboot_table import (
    REBOOT_PACKAGES,
    REBOOT_SERVICES,
    SESSION_SERVICES,
)


@dataclass(frozen=True)
class Restarts:
    """Reasons for a reboot (none: no reboot), and the services that run replaced files."""

    reboot_reasons: tuple[str, ...]
    services: tuple[str, ...]

    @property
    def reboot(self) -> bool:
        """Whether the host must be rebooted."""
        return bool(self.reboot_reasons)


def decide(
    packages: Iterable[Package],
    booted: float,
    stale_units: Collection[str],
    patterns: Collection[str] = (),
    kernel: Collection[str] = (),
    fresh: Collection[str] = (),
) -> Restarts:
    """What must restart on a host booted at `booted` (seconds since 1970); `stale_units` run replaced files.

    `kernel` is what kernel_reasons() found. The rule for packages is that of `dnf needs-restarting -r`: a
    listed package installed after the boot. NEVRAs that are `fresh` were, whatever the clock said.
    """
    chosen = patterns or REBOOT_PACKAGES
    since = {one.name for one in packages if one.installed > booted or one.nevra in fresh}
    names = {name for name in since if _matches(name, chosen)}
    fixed = {unit for unit in stale_units if _matches(unit, REBOOT_SERVICES)}
    reasons = [*kernel]
    reasons += [f"{name} was updated since the boot" for name in sorted(names)]
    reasons += [f"{unit} runs replaced files and cannot be restarted" for unit in sorted(fixed)]
    services = [unit for unit in sorted(set(stale_units) - fixed) if not _matches(unit, SESSION_SERVICES)]
    return Restarts(tuple(reasons), tuple(services))


def kernel_reasons(running: str, installed: Collection[str]) -> tuple[str, ...]:
    """Why the kernel asks for a reboot: a way back may have removed the one that runs."""
    if not installed or running in installed:
        return ()
    return (f"kernel {running} runs, but is not installed any more",)


def _matches(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
