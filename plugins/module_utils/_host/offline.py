# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Let the next boot do a transaction, with nothing else running: systemd.offline-updates(7)."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._files import link_atomic, write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths, unit
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import Transaction

_NAME = "osaas-offline-update.service"


def prepare(runner: Runner, transaction: Transaction) -> None:
    """Have the next boot carry out a job that was recorded, and then boot once more."""
    target = paths.UNITS / _NAME
    write_atomic(target, _unit_file(transaction, unit.worker(transaction)).encode())
    wants = paths.UNITS / "system-update.target.wants"
    wants.mkdir(exist_ok=True)
    link_atomic(wants / _NAME, f"../{_NAME}")
    runner.run(["systemctl", "daemon-reload"])
    link_atomic(paths.SYSTEM_UPDATE, str(transaction.directory))


def is_waiting(transaction: Transaction) -> bool:
    """Whether the next boot will carry it out."""
    link = paths.SYSTEM_UPDATE
    return link.is_symlink() and str(link.readlink()) == str(transaction.directory)


def clear() -> None:
    """Have the next boot be like any other, and leave nothing of prepare()."""
    if paths.SYSTEM_UPDATE.is_symlink() and _is_ours(paths.SYSTEM_UPDATE.readlink()):
        paths.SYSTEM_UPDATE.unlink()
    (paths.UNITS / "system-update.target.wants" / _NAME).unlink(missing_ok=True)
    (paths.UNITS / _NAME).unlink(missing_ok=True)


def _is_ours(target: Path) -> bool:
    return paths.TRANSACTIONS in target.parents


def _unit_file(transaction: Transaction, worker: unit.Worker) -> str:
    """The link goes first: whatever happens, no boot but one is spent on it."""
    lines = [
        "[Unit]",
        f"Description=Offline update of osaas.fleet, transaction {transaction.id}",
        "DefaultDependencies=no",
        "Requires=sysinit.target",
        "After=sysinit.target system-update-pre.target",
        "Before=shutdown.target system-update.target",
        "ConditionPathExists=/system-update/job.json",
        "SuccessAction=reboot",
        "FailureAction=reboot",
        "",
        "[Service]",
        "Type=oneshot",
        f"TimeoutStartSec={unit.LONG}",
        f"ExecStartPre=/bin/rm -f {paths.SYSTEM_UPDATE}",
        f"ExecStart={' '.join(worker.argv)}",
        *(f"Environment={name}={value}" for name, value in worker.environment.items()),
        f"StandardOutput=append:{transaction.log}",
        f"StandardError=append:{transaction.log}",
    ]
    return "\n".join(lines) + "\n"
