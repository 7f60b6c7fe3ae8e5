# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Transactions on this host: a directory each, with what to do (job.json) and its end (result.json)."""

from __future__ import annotations

import re
import shutil
import typing as t
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._files import (
    read_json,
    sync_directory,
    write_atomic,
    write_json,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import Source, source_from_json
from ansible_collections.osaas.fleet.plugins.module_utils._host.patience import Patience
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import (
    Demand,
    Plan,
    demand_from_json,
    plan_from_json,
)

_ID = re.compile(r"(?P<release>\d{8}T\d{6}Z)-(?P<number>\d+)")


@dataclass(frozen=True)
class Job:
    """What the worker is to do.

    `before` is the package-set digest of the host when it was begun. `recovers` is the id of a transaction
    that was interrupted or failed half way, `request` names the call that asked for this one; both may be
    empty. An `offline` one is done by the next boot. With `restore_point`, the root is kept as it was.
    `boot` is the id of the boot that it was begun in. One that `tidies` only removes what is there in several
    versions, so that others can be planned; what it left of them is to be installed `again`.
    """

    id: str
    release: str
    from_release: str | None
    source: Source
    plan: Plan
    demand: Demand = field(default=Demand())
    before: str = ""
    patience: Patience = field(default=Patience())
    offline: bool = False
    restore_point: bool = False
    recovers: str = ""
    request: str = ""
    boot: str = ""
    tidies: bool = False

    def as_json(self) -> dict[str, t.Any]:
        """The form that is stored."""
        return {
            "id": self.id,
            "release": self.release,
            "from_release": self.from_release,
            "source": self.source.as_json(),
            "plan": self.plan.as_json(),
            "demand": self.demand.as_json(),
            "before": self.before,
            "patience": asdict(self.patience),
            "offline": self.offline,
            "restore_point": self.restore_point,
            "recovers": self.recovers,
            "request": self.request,
            "boot": self.boot,
            "tidies": self.tidies,
        }


@dataclass(frozen=True)
class Outcome:
    """How a transaction ended: `error` is one line, or empty when the host runs the release.

    `repairs` says, a line each, what was mended of an earlier transaction.
    """

    error: str
    package_set_digest: str
    seconds: float
    repairs: tuple[str, ...] = field(default=())


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
        return Job(
            **{
                **value,
                "source": source_from_json(value["source"]),
                "plan": plan_from_json(value["plan"]),
                "demand": demand_from_json(value["demand"]),
                "patience": Patience(**value["patience"]),
            }
        )

    def outcome(self) -> Outcome | None:
        """How it ended, if it did."""
        value = read_json(self.directory / "result.json")
        return None if value is None else Outcome(**{**value, "repairs": tuple(value["repairs"])})

    def record(self, job: Job) -> None:
        """Write down what is to be done."""
        write_json(self.directory / "job.json", job.as_json())

    def end(self, outcome: Outcome) -> None:
        """Write down how it ended."""
        write_json(self.directory / "result.json", asdict(outcome))

    @property
    def told(self) -> bool:
        """Whether somebody was told how it ended."""
        return (self.directory / "told").exists()

    def tell(self) -> None:
        """Remember that its end is no news any more."""
        write_atomic(self.directory / "told", b"")

    @property
    def half_done(self) -> bool:
        """Whether it has begun to change packages, and did not prove yet that they are as planned."""
        return self._half_done.exists()

    def begin_change(self) -> None:
        """Comes before the first change of packages."""
        write_atomic(self._half_done, b"")

    def end_change(self) -> None:
        """Comes after the proof that packages are as planned."""
        self._half_done.unlink(missing_ok=True)
        sync_directory(self.directory)

    @property
    def _half_done(self) -> Path:
        return self.directory / "half-done"

    def tail(self, lines: int = 20) -> list[str]:
        """The end of the log."""
        try:
            return self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return []


def new_transaction(release: str) -> Transaction:
    """The next transaction to `release`, with its directory."""
    number = 1 + max((_number(one.id) for one in _directories()), default=0)
    transaction = Transaction(f"{release}-{number}")
    transaction.directory.mkdir(parents=True)
    return transaction


def all_transactions() -> list[Transaction]:
    """Every transaction of this host that was written down, oldest first."""
    return [one for one in _directories() if (one.directory / "job.json").exists()]


def last_transaction() -> Transaction | None:
    """The newest one that was written down; there is never more than one without an end."""
    return next(reversed(all_transactions()), None)


def installed_in(boot: str) -> frozenset[str]:
    """NEVRAs that transactions begun in the boot with this id brought, whatever became of them later."""
    begun = [one for one in all_transactions() if one.job().boot == boot]
    changed = [one for one in begun if one.half_done or ((end := one.outcome()) and not end.error)]
    return frozenset(nevra for one in changed for nevra in one.job().plan.incoming())


def prune(keep: int = 20) -> None:
    """Delete the directories of all transactions but the newest."""
    for transaction in _directories()[:-keep]:
        shutil.rmtree(transaction.directory, ignore_errors=True)


def _directories() -> list[Transaction]:
    found = [Transaction(path.name) for path in paths.TRANSACTIONS.glob("*") if _ID.fullmatch(path.name)]
    return sorted(found, key=lambda one: _number(one.id))


def _number(identity: str) -> int:
    return int(identity.rpartition("-")[2])
