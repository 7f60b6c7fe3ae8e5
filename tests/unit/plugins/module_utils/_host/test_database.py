# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock is a real one, held by a real process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host import database
from ansible_collections.osaas.fleet.plugins.module_utils._host.processes import locker_of

HOLD = (
    "import fcntl, sys, time; lock = open(sys.argv[1], 'r+'); fcntl.lockf(lock, fcntl.LOCK_EX); "
    "print('held', flush=True); time.sleep(float(sys.argv[2]))"
)


def test_wait_for_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "database_directory", lambda: tmp_path)
    database.wait_for_database(0)  # no lock file yet
    lock = tmp_path / ".rpm.lock"
    lock.touch()
    database.wait_for_database(0)
    command = [sys.executable, "-c", HOLD, str(lock), "1.5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "held\n"
        assert f"(process {holder.pid})" in locker_of(lock)
        with pytest.raises(
            HostError, match=f"rpm database: has been locked for 0 s by .+process {holder.pid}"
        ):
            database.wait_for_database(0)
        database.wait_for_database(60)
    assert locker_of(lock) == ""
