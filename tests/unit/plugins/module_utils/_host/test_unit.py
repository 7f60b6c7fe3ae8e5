# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transient unit of a transaction: how it is started, and what is made of how it ends."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths, unit
from ansible_collections.osaas.fleet.plugins.module_utils._host.bundle import worker_module
from ansible_collections.osaas.fleet.plugins.module_utils._host.transactions import (
    Outcome,
    Transaction,
    new_transaction,
)

ENDED = Outcome("", "digest", 1.0)


@dataclass
class Systemd:
    """Says `state` of every unit, and ends `ends` when it is asked."""

    state: str
    ends: Transaction | None = None
    commands: list[Sequence[str]] = field(default_factory=list)

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        self.commands.append(argv)
        if self.ends:
            self.ends.end(ENDED)
        return Completed(0, f"ActiveState={self.state}\n", "")

    def warn(self, message: str) -> None:
        raise AssertionError(message)


@pytest.fixture
def transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Transaction:
    monkeypatch.setattr(paths, "TRANSACTIONS", tmp_path)
    return new_transaction("20261101T000000Z")


def test_it_is_no_child_of_the_caller_and_not_soon_killed(transaction: Transaction) -> None:
    systemd = Systemd("active")
    unit.start(systemd, transaction)
    (argv,) = systemd.commands
    assert argv[0] == "systemd-run" and f"--unit={transaction.unit}" in argv
    program = list(argv[argv.index("--") + 1 :])
    assert program == [sys.executable, "-m", worker_module(), str(transaction.directory)]
    assert {"--property=RuntimeMaxSec=2h", "--property=TimeoutStopSec=2h", "--property=Nice=5"} <= set(argv)
    assert f"--property=StandardOutput=append:{transaction.log}" in argv
    assert (transaction.directory / "worker.zip").stat().st_size > 0


@pytest.mark.parametrize(
    ("state", "running"),
    [("active", True), ("activating", True), ("deactivating", True), ("inactive", False), ("failed", False)],
)
def test_whether_it_runs(transaction: Transaction, state: str, running: bool) -> None:
    assert unit.is_running(Systemd(state), transaction) is running


def test_its_end_is_seen(transaction: Transaction) -> None:
    transaction.end(ENDED)
    assert unit.follow(Systemd("inactive"), transaction, timeout=1) == ENDED


def test_an_end_between_two_looks_is_seen(transaction: Transaction) -> None:
    assert unit.follow(Systemd("inactive", ends=transaction), transaction, timeout=1) == ENDED


def test_one_that_was_killed_has_no_result(transaction: Transaction) -> None:
    assert unit.follow(Systemd("failed"), transaction, timeout=1) is None


def test_patience_ends(transaction: Transaction) -> None:
    message = rf"{transaction.unit}: still runs after 0 s. Call again to go on following it"
    with pytest.raises(HostError, match=message):
        unit.follow(Systemd("active"), transaction, timeout=0.15)
