# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Follow symbolic links within a root, as the kernel would if that were the root of the system."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from pathlib import Path

MOST_LINKS = 40  # as many as the kernel follows, path_resolution(7)


def resolve(path: str, target: Callable[[str], str | None], *, last: bool = True) -> str:
    """Follow every link of an absolute path; that which it ends with only if `last` is set.

    `target` tells where the link at a path points to, None if there is none.
    """
    waiting = _steps(path)
    done, links = "/", 0
    while waiting:
        part = waiting.pop()
        if part == "..":
            done = posixpath.dirname(done)
            continue
        done = posixpath.join(done, part)
        pointed = target(done) if (waiting or last) and links < MOST_LINKS else None
        if pointed is not None:
            links += 1
            done = "/" if pointed.startswith("/") else posixpath.dirname(done)
            waiting += _steps(pointed)
    return done


def place_in(root: Path, path: str, *, last: bool = False) -> Path:
    """Where a path of a root lies for those outside of it; no link leads out."""

    def target(link: str) -> str | None:
        place = root / link.lstrip("/")
        return str(place.readlink()) if place.is_symlink() else None

    return root / resolve(path, target, last=last).lstrip("/")


def _steps(path: str) -> list[str]:
    """The names in a path, the first one last."""
    return [step for step in reversed(path.split("/")) if step not in ("", ".")]
