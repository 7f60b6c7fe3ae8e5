# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Transactions on this host: a directory each, with what to do (job.json) and its end (result.json)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import Source, source_from_json
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import Plan, plan_from_json

_ID = re.compile(r"(?P<release>\d{8}T\d{6}Z)-(?P<number>\d+)")


@dataclass(frozen=True)
class Job:
    """What the worker is to do.

    `recovers` is the id of a transaction that was interrupted, `request` names the call that asked for
    this one; both may be empty.
    """

    id: str
    release: str
    from_release: str | None
    source: Source
    plan: Plan
    allow_removals: tuple[str, ...] = field(default=())
    recovers: str = ""
    request: str = ""

    def as_json(self) -> dict[str, t.Any]:
        """The form that is stored."""
        return {
            "id": self.id,
            "release": self.release,
            "from_release": self.from_release,
            "source": self.source.as_json(),
            "plan": self.plan.as_json(),
            "allow_removals": list(self.allow_removals),
            "recovers": self.recovers,
            "request": self.request,
        }


@dataclass(frozen=True)
class Outcome:
    """How a transaction ended: `error` is one line, or empty when the host runs the release."""

    error: str
    package_set_digest: str
    seconds: float

    def as_json(self) -> dict[str, t.Any]:
        """The form that is stored."""
        return {"error": self.error, "package_set_digest": self.package_set_digest, "seconds": self.seconds}


@dataclass(frozen=True)
class Transaction:
    """A transaction on disk."""

    id: str

    @property
    def directory(self) -> Path:
        """Holds job.json, result.json, log and the worker's code."""
        return paths.TRANSACTIONS / self.id

    @property
    def unit(self) -> str:
        """The systemd unit that it runs in."""
        return f"osaas-transaction-{self.id}.service"

    @property
    def log(self) -> Path:
        """What dnf, rpm and scriptlets had to say."""
        return self.directory / "log"

    def job(self) -> Job:
        """What is to be done. Raises HostError if that was never written."""
        value: dict[str, t.Any] | None = read_json(self.directory / "job.json")
        if value is None:
            raise HostError("has no job.json", where=str(self.directory), way_out="Remove that directory")
        source, plan = source_from_json(value.pop("source")), plan_from_json(value.pop("plan"))
        return Job(source=source, plan=plan, allow_removals=tuple(value.pop("allow_removals")), **value)

    def outcome(self) -> Outcome | None:
        """How it ended, if it did."""
        value = read_json(self.directory / "result.json")
        return None if value is None else Outcome(**value)

    def record(self, job: Job) -> None:
        """Write down what is to be done."""
        write_json(self.directory / "job.json", job.as_json())

    def end(self, outcome: Outcome) -> None:
        """Write down how it ended."""
        write_json(self.directory / "result.json", outcome.as_json())

    def tail(self, lines: int = 20) -> list[str]:
        """The end of the log."""
        try:
            return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return []


def new_transaction(release: str) -> Transaction:
    """The next transaction to `release`, with its directory."""
    number = 1 + max((_number(one.id) for one in all_transactions()), default=0)
    transaction = Transaction(f"{release}-{number}")
    transaction.directory.mkdir(parents=True)
    return transaction


def all_transactions() -> list[Transaction]:
    """Every transaction of this host, oldest first."""
    found = [Transaction(path.name) for path in paths.TRANSACTIONS.glob("*") if _ID.fullmatch(path.name)]
    return sorted(found, key=lambda one: _number(one.id))


def last_transaction() -> Transaction | None:
    """The newest one that was written down; there is never more than one without an end."""
    for transaction in reversed(all_transactions()):
        if (transaction.directory / "job.json").exists():
            return transaction
    return None


def _number(identity: str) -> int:
    return int(identity.rpartition("-")[2])
