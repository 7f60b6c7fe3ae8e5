# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What host_info returns: what the host should run, what it runs, and what is not as it should be."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._host import offline, paths, unit
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import uses_dnf5
from ansible_collections.osaas.fleet.plugins.module_utils._host.bad_releases import read_bad_releases
from ansible_collections.osaas.fleet.plugins.module_utils._host.drift import changes_since
from ansible_collections.osaas.fleet.plugins.module_utils._host.history import read_history
from ansible_collections.osaas.fleet.plugins.module_utils._host.kernels import installed_kernels
from ansible_collections.osaas.fleet.plugins.module_utils._host.module_streams import module_streams
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import (
    Package,
    set_digest,
    version_of,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.pinning import current_pin, other_repositories
from ansible_collections.osaas.fleet.plugins.module_utils._host.processes import (
    boot_id,
    boot_time,
    stale_units,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.reboot import decide, kernel_reasons
from ansible_collections.osaas.fleet.plugins.module_utils._host.repofiles import render
from ansible_collections.osaas.fleet.plugins.module_utils._host.rpmdb import installed_packages
from ansible_collections.osaas.fleet.plugins.module_utils._host.running import Running, read_running
from ansible_collections.osaas.fleet.plugins.module_utils._host.systemd import failed_units
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import (
    Transaction,
    all_transactions,
    installed_in,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.updaters import find_updaters

_LAST = 5  # transactions that are told of


def host_facts(
    runner: Runner, *, allowed: Collection[str], reboot_packages: Collection[str]
) -> dict[str, t.Any]:
    """Everything about this host, in one look; `allowed` repos beside the pinned ones are no drift."""
    packages = installed_packages()
    digest = set_digest(packages)
    pin, running = current_pin(), read_running()
    transactions = [_told(runner, one) for one in all_transactions()[-_LAST:]]
    kernel = kernel_reasons(os.uname().release, installed_kernels())
    fresh = installed_in(boot_id())
    needed = decide(packages, boot_time(), stale_units(), reboot_packages, kernel, fresh)
    drift = drift_reasons(pin, running, digest, _repo_file(), [*_strangers(allowed)])
    return {
        "machine_id": Path("/etc/machine-id").read_text(encoding="ascii").strip(),
        "boot_id": boot_id(),
        "kernel": os.uname().release,
        "kernels_installed": installed_kernels(),
        "arch": os.uname().machine,
        "os": _os_release(),
        "dnf": _dnf(packages),
        "pinned": pin.release if pin else None,
        "running": running.release if running else None,
        "package_set_digest": digest,
        "module_streams": list(module_streams(dnf5=uses_dnf5())),
        "drift": bool(drift),
        "drift_reasons": drift,
        "package_changes": _package_changes(running, packages, digest),
        "updaters": find_updaters(runner),
        "reboot_required": needed.reboot,
        "reboot_reasons": list(needed.reboot_reasons),
        "services_to_restart": list(needed.services),
        "failed_units": failed_units(runner),
        "transaction_running": next((one["id"] for one in transactions if one["state"] == "running"), None),
        "transactions": transactions,
        "bad_releases": [asdict(one) for one in read_bad_releases()],
    }


def drift_reasons(
    pin: Pin | None, running: Running | None, digest: str, repo_file: str, others: Collection[str]
) -> list[str]:
    """How the host differs from its pin, one line each; a host without a pin cannot drift."""
    if pin is None:
        return []
    reasons = []
    if running is None or running.release != pin.release:
        reasons.append(f"pinned to {pin.release}, runs {running.release if running else 'no release'}")
    elif running.package_set_digest != digest:
        reasons.append(f"packages changed since the host was brought to {running.release}")
    if repo_file != render(pin):
        reasons.append(f"{paths.REPO_FILE} was changed")
    reasons += [f"repo {name} is enabled beside the pinned ones" for name in sorted(others)]
    return reasons


def _strangers(allowed: Collection[str]) -> list[str]:
    return [name for name in other_repositories() if name not in allowed]


def _repo_file() -> str:
    return paths.REPO_FILE.read_text(encoding="utf-8") if paths.REPO_FILE.exists() else ""


def _told(runner: Runner, transaction: Transaction) -> dict[str, t.Any]:
    """One of the last transactions; its state is one of those that host_info documents."""
    job, outcome = transaction.job(), transaction.outcome()
    if outcome:
        state = "failed" if outcome.error else "done"
    elif offline.is_waiting(transaction):
        state = "waiting"
    else:
        state = "running" if unit.is_running(runner, transaction) else "interrupted"
    return {
        "id": transaction.id,
        "release": job.release,
        "from_release": job.from_release,
        "state": state,
        "error": outcome.error if outcome else "",
        "repairs": list(outcome.repairs) if outcome else [],
        "seconds": outcome.seconds if outcome else None,
    }


def _package_changes(
    running: Running | None, packages: Collection[Package], digest: str
) -> list[dict[str, t.Any]]:
    if running is None or running.package_set_digest == digest:
        return []
    return [asdict(one) for one in changes_since(running.packages, packages, read_history())]


def _dnf(packages: Collection[Package]) -> dict[str, str | None]:
    flavour, names = ("dnf5", ("dnf5",)) if uses_dnf5() else ("dnf4", ("python3-dnf", "dnf"))
    version = next(filter(None, (version_of(packages, name) for name in names)), None)
    return {"flavour": flavour if version else None, "version": version}


def _os_release() -> dict[str, str]:
    """os-release(5): quoted by the rules of a shell, but the two values needed never hold an escape."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    return {
        "id": fields.get("ID", "linux").strip("\"'"),
        "version": fields.get("VERSION_ID", "").strip("\"'"),
    }
