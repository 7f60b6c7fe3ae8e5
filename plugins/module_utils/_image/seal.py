# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Make a layer depend on what it was built from alone: no time, no order, no leftover shows in it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

# What the tools of a build leave behind, and a booted system makes anew.
LEFTOVERS = (
    "etc/.pwd.lock",
    "usr/lib/sysimage/rpm/.rpm.lock",
    "var/cache/ldconfig/aux-cache",
    "var/lib/systemd/random-seed",
)
EMPTIED = ("run", "tmp", "var/tmp")
IDENTITY = "etc/machine-id"
DATABASE = "usr/lib/sysimage/rpm/rpmdb.sqlite"


def seal(root: Path, epoch: int) -> None:
    """Bring a finished root into its one form; `epoch` is the latest time that any of its files may have."""
    for name in LEFTOVERS:
        (root / name).unlink(missing_ok=True)
    for name in EMPTIED:
        _empty(root / name)
    identity = root / IDENTITY
    if identity.is_file() and identity.stat().st_size:
        identity.unlink()
        identity.touch(0o444)
    _rebuild(root / DATABASE)
    for place, directories, files in os.walk(root):
        for name in (*directories, *files):
            _clamp(f"{place}/{name}", epoch)
    _clamp(str(root), epoch)


def _empty(directory: Path) -> None:
    if directory.is_dir() and not directory.is_symlink():
        for path in directory.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _rebuild(database: Path) -> None:
    """Write rpm's database anew: its pages then depend on its rows alone (SQLite's VACUUM)."""
    if not database.is_file() or not _is_written(database):
        return
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")


def _is_written(database: Path) -> bool:
    """Whether rpm had it open since it was last written anew: it keeps its log beside it."""
    return database.with_name(f"{database.name}-wal").exists()


def _clamp(path: str, epoch: int) -> None:
    if os.lstat(path).st_mtime > epoch:
        os.utime(path, (epoch, epoch), follow_symlinks=False)
