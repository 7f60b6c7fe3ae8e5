# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that are atomic and remembered by a digest of what went in."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[str], None]


class DistroError(Exception):
    """The distribution cannot be built; the message is one line for a person."""


def digest(*parts: str) -> str:
    """Hexadecimal digest (32 digits) of `parts`; their borders count."""
    total = hashlib.sha256()
    for part in parts:
        total.update(f"{len(part)}:{part}".encode())
    return total.hexdigest()[:32]


def code(*names: str) -> str:
    """The source text of modules of this package: a step whose code changed must run again."""
    return "".join((Path(__file__).parent / name).read_text() for name in names)


def write_atomic(path: Path, text: str) -> None:
    """Write `text` beside `path`, flush it to disk and rename it into place."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.rename(path)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Yield an empty directory beside `path` that takes its place when the block ends well.

    What an interrupted run left beside is swept away first.
    """
    beside, old = (path.with_name(f".{path.name}.{word}") for word in ("new", "old"))
    for left_over in (beside, old):
        shutil.rmtree(left_over, ignore_errors=True)
    beside.mkdir(parents=True)
    yield beside
    if path.exists():
        path.rename(old)
    beside.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def sweep(place: Path, keep: Iterable[Path]) -> None:
    """Delete what lies in `place` except `keep`."""
    for path in set(place.iterdir()) - set(keep):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def sole_builder(root: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of the cache directory `root`; a second builder waits and then finds everything done."""
    with (root / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another process that builds in {root}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
