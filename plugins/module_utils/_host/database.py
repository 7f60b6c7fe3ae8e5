# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The rpm database as files: is it free, is it whole, and how it is made whole again."""

from __future__ import annotations

import fcntl
import logging
import shutil
import time
from collections.abc import Callable, Collection
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import paths
from ansible_collections.osaas.fleet.plugins.module_utils._host.processes import locker_of
from ansible_collections.osaas.fleet.plugins.module_utils._host.rpmdb import database_directory

_log = logging.getLogger("osaas")
_PAUSE = 0.5  # seconds between two tries
_WHERE = "rpm database"


def wait_for_database(patience: float) -> None:
    """Return when no other process is changing packages. Raises HostError after `patience` seconds.

    rpm itself would wait for ever. Its lock is one of fcntl(2) on .rpm.lock, which every frontend takes.
    """
    path = database_directory() / ".rpm.lock"
    if not path.exists():
        return
    deadline = time.monotonic() + patience
    while _locked(path):
        if time.monotonic() >= deadline:
            raise HostError(
                f"has been locked for {patience:.0f} s by {locker_of(path) or 'another process'}",
                where=_WHERE,
                way_out="Wait for it to end, or end it, then call again",
            )
        _log.info("waiting for %s, which changes packages", locker_of(path) or "another process")
        time.sleep(_PAUSE)


def _locked(path: Path) -> bool:
    with path.open("r+") as handle:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def mend_database(runner: Runner, known: Collection[str], names: Callable[[], Collection[str]]) -> str:
    """Rebuild the rpm database if, and only if, rpm proves that it is broken; returns what was done.

    `known` are names of packages that must be in it, `names` reads it. What it was before is kept.
    Raises HostError, with the database as it was, if it cannot be rebuilt without losing one of them.
    """
    proof = _complaint(runner)
    if not proof:
        return ""
    here = database_directory()
    backup = paths.STATE / f"rpmdb-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
    shutil.copytree(here, backup)
    rebuilt = runner.run(["rpmdb", "--rebuilddb"], check=False)
    left = _complaint(runner) if rebuilt.status == 0 else rebuilt.stderr.strip()
    lost = sorted(set(known).difference(names())) if not left else []
    if left or lost:
        _put_back(backup, here)
        loss = f"a rebuilt one would lack {len(lost)} packages, among them {lost[0]}" if lost else left
        raise HostError(
            f"is broken ({proof}) and cannot be rebuilt: {loss}",
            where=_WHERE,
            way_out=f"Restore it from a backup of the host; a copy is in {backup}",
        )
    return f"rebuilt the rpm database, which was broken ({proof}); what it was is kept in {backup}"


def _complaint(runner: Runner) -> str:
    """The last thing that rpm has to say against its database, empty if it is whole."""
    done = runner.run(["rpmdb", "--verifydb"], check=False)
    if done.status == 0:
        return ""
    lines = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.status}").splitlines()
    return lines[-1].strip()


def _put_back(backup: Path, here: Path) -> None:
    for path in here.glob("rpmdb.sqlite*"):
        if not (backup / path.name).exists():
            path.unlink()
    shutil.copytree(backup, here, dirs_exist_ok=True)
