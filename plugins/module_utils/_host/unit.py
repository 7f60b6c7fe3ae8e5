# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Run a transaction in a systemd unit of its own: being no child of ours, no connection's end can stop it."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._host.bundle import worker_module, worker_zip
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import Outcome, Transaction

LONG = "2h"  # far beyond any transaction: killing one half way is worse than waiting
_PROPERTIES = (
    "Type=exec",
    f"RuntimeMaxSec={LONG}",
    f"TimeoutStopSec={LONG}",
    "KillMode=mixed",
    "OOMScoreAdjust=-900",
    "Nice=5",
    "IOSchedulingClass=best-effort",
    "IOSchedulingPriority=6",
)
_POLL = 0.1  # seconds between two looks at the result
_LOOKS_PER_UNIT_CHECK = 20


@dataclass(frozen=True)
class Worker:
    """How the worker is started."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


def worker(transaction: Transaction) -> Worker:
    """The worker for a job that was recorded; its code is put beside the job."""
    code = transaction.directory / "worker.zip"
    write_atomic(code, worker_zip())
    argv = (sys.executable, "-m", worker_module(), str(transaction.directory))
    return Worker(argv, {"PYTHONPATH": str(code), "LC_ALL": "C.UTF-8"})


def start(runner: Runner, transaction: Transaction) -> None:
    """Start the worker for a job that was recorded."""
    properties = [f"--property={one}" for one in _PROPERTIES]
    output = [
        f"--property={stream}=append:{transaction.log}" for stream in ("StandardOutput", "StandardError")
    ]
    program = worker(transaction)
    environment = [f"--setenv={name}={value}" for name, value in program.environment.items()]
    unit = ["systemd-run", "--quiet", "--collect", f"--unit={transaction.unit}"]
    runner.run([*unit, *properties, *output, *environment, "--", *program.argv])


def is_running(runner: Runner, transaction: Transaction) -> bool:
    """Whether its unit is there, in whatever state but an ended one."""
    done = runner.run(["systemctl", "show", "--property=ActiveState", transaction.unit])
    return done.stdout.strip().partition("=")[2] not in ("inactive", "failed", "")


def follow(runner: Runner, transaction: Transaction, *, timeout: float) -> Outcome | None:
    """Wait for its end; None if the unit is gone without one (killed, power cut).

    Raises HostError after `timeout` seconds; the transaction goes on.
    """
    deadline = time.monotonic() + timeout
    looks = 0
    while time.monotonic() < deadline:
        outcome = transaction.outcome()
        if outcome:
            return outcome
        if looks % _LOOKS_PER_UNIT_CHECK == 0 and not is_running(runner, transaction):
            return transaction.outcome()
        looks += 1
        time.sleep(_POLL)
    raise HostError(
        f"still runs after {timeout:.0f} s",
        where=transaction.unit,
        way_out="Call again to go on following it",
    )
