# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Stage a release: everything that can be done, and can fail, while the host still serves."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import (
    Session,
    Source,
    open_session,
    source_from_json,
    source_of,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.clock import suspected
from ansible_collections.osaas.fleet.plugins.module_utils._host.database import wait_for_database
from ansible_collections.osaas.fleet.plugins.module_utils._host.packages import set_digest
from ansible_collections.osaas.fleet.plugins.module_utils._host.patience import Patience
from ansible_collections.osaas.fleet.plugins.module_utils._host.pin import Pin
from ansible_collections.osaas.fleet.plugins.module_utils._host.plan import (
    Demand,
    Plan,
    Space,
    check_removals,
    check_space,
    demand_from_json,
    plan_from_json,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.rpmdb import installed_packages
from ansible_collections.osaas.fleet.plugins.module_utils._host.signatures import verify_packages

_FILE = "staged.json"


@dataclass(frozen=True)
class Want:
    """What is wanted: a release, and what beside it."""

    pin: Pin
    demand: Demand = field(default=Demand())


@dataclass(frozen=True)
class Staged:
    """A plan whose packages are in the cache, good for a host whose package-set digest is `base_digest`."""

    source: Source
    base_digest: str
    plan: Plan
    demand: Demand

    def fits(self, want: Want, digest: str) -> bool:
        """Whether it was staged for just this."""
        same_host = self.source == source_of(want.pin) and self.base_digest == digest
        return same_host and self.demand == want.demand


def read_staged(source: Source) -> Staged | None:
    """What was staged last from `source`. It is told in its cache, so that it goes with that."""
    value: dict[str, t.Any] | None = read_json(source.cache / _FILE)
    if value is None:
        return None
    return Staged(
        source_from_json(value["source"]),
        value["base_digest"],
        plan_from_json(value["plan"]),
        demand_from_json(value["demand"]),
    )


def predict(want: Want, source: Source) -> Plan:
    """The plan alone; nothing but repo metadata is downloaded."""
    with suspected(want.pin.release):
        session = open_session(source, offline=False)
        try:
            return _resolve(session, want)
        finally:
            session.close()


def stage(runner: Runner, want: Want, patience: Patience) -> tuple[Staged, bool]:
    """Resolve, download, verify and rehearse; also returns whether anything had to be downloaded."""
    source = source_of(want.pin)
    source.cache.mkdir(parents=True, exist_ok=True)
    with suspected(want.pin.release):
        plan, downloads = _fetch(runner, source, want, patience)
    staged = Staged(source, set_digest(installed_packages()), plan, want.demand)
    _write(staged)
    return staged, downloads


def _fetch(runner: Runner, source: Source, want: Want, patience: Patience) -> tuple[Plan, bool]:
    session = open_session(source, offline=False)
    try:
        plan = _resolve(session, want)
        downloads = bool(session.missing())
        if not plan.empty:
            check_space(_demands(source, plan))
            session.download()
            verify_packages(runner, source, session)
            wait_for_database(patience.lock)  # a rehearsal needs rpm's lock too
            session.rehearse()
    finally:
        session.close()
    return plan, downloads


def _resolve(session: Session, want: Want) -> Plan:
    doubles = session.duplicates()
    if doubles:
        raise HostError(
            f"has packages in several versions, left by an interrupted transaction: {', '.join(doubles[:4])}",
            where="this host",
            way_out="Run os_update, which leaves one of each, without check mode",
        )
    resolution = session.resolve(want.demand)
    check_removals(resolution, want.demand.allow_removals, release=want.pin.release)
    return resolution.plan


def _write(staged: Staged) -> None:
    value = {
        "source": staged.source.as_json(),
        "base_digest": staged.base_digest,
        "plan": staged.plan.as_json(),
        "demand": staged.demand.as_json(),
    }
    write_json(staged.source.cache / _FILE, value)


def _demands(source: Source, plan: Plan) -> tuple[Space, ...]:
    """A first, rough look; the rehearsal then has rpm count every file on its own file system."""
    return (_space(source.cache, plan.download_bytes), _space(Path("/usr"), max(0, plan.install_bytes)))


def _space(directory: Path, needed: int) -> Space:
    stats = os.statvfs(directory)
    return Space(str(directory), directory.stat().st_dev, stats.f_bavail * stats.f_frsize, needed)
