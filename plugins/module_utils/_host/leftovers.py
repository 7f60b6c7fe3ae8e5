# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Files that rpm was unpacking when it was killed: they have a name of their own until they are whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_UNPACKING = re.compile(r"(?P<name>.+);[0-9a-f]{8}")  # rpm's lib/fsm.c: the path, and the time


def remove_leftovers(files: Iterable[str]) -> list[str]:
    """Delete what is left of unpacking `files` (paths that packages own); returns the paths deleted."""
    owned = set(files)
    gone = []
    for directory in sorted({Path(path).parent for path in owned}):
        for path in _unpacking(directory, owned):
            path.unlink()
            gone.append(str(path))
    return gone


def _unpacking(directory: Path, owned: set[str]) -> Iterator[Path]:
    if not directory.is_dir():
        return
    for path in sorted(directory.iterdir()):
        match = _UNPACKING.fullmatch(path.name)
        if not match or str(path) in owned or str(directory / match["name"]) not in owned:
            continue
        if path.is_symlink() or not path.is_dir():
            yield path
