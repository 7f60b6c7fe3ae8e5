# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Files that are either whole or not there, whatever happens in between (kill -9, full disk, power cut)."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Make renames inside `directory` durable (fsync(2): fsync of a file leaves its directory entry out)."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> bool:
    """Make `path` hold exactly `content` with `mode`; returns whether anything changed."""
    if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
        if path.stat().st_mode & 0o7777 == mode:
            return False
        path.chmod(mode)
        return True
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)
    return True


def json_text(value: t.Any) -> str:
    """`value` as sorted, indented JSON: the same value gives the same bytes."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write_json(path: Path, value: t.Any, *, mode: int = 0o644) -> bool:
    """Like write_atomic(), as json_text()."""
    return write_atomic(path, json_text(value).encode(), mode=mode)


def read_json(path: Path) -> t.Any:
    """The value in `path`, or None when there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def link_atomic(path: Path, target: str) -> bool:
    """Make `path` a symlink to `target`, swapped in one step; returns whether anything changed."""
    if path.is_symlink() and str(path.readlink()) == target:
        return False
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(path)
    sync_directory(path.parent)
    return True
