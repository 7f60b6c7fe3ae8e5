# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What lies beside a definition, and images are made from."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place


def source_file(sources: Path, name: str, place: Place) -> Path:
    """A file beside the definitions. Raises InputError if it lies elsewhere, or is none."""
    path = _beside(sources, name, place)
    if not path.is_file():
        raise InputError(f"there is no file {name!r} beside the definition", where=str(place))
    return path


def source_tree(sources: Path, name: str, place: Place) -> Iterator[tuple[str, os.stat_result]]:
    """All below a directory beside the definitions, by names below it, directories before what is in them.

    Raises InputError if it lies elsewhere, or is none, or has devices or sockets in it.
    """
    top = _beside(sources, name, place)
    if not top.is_dir():
        raise InputError(f"there is no directory {name!r} beside the definition", where=str(place))
    for path in sorted(top.rglob("*")):
        found, below = path.lstat(), str(path.relative_to(top))
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode) or stat.S_ISLNK(found.st_mode)):
            what = f"{name}/{below} is no file, directory or symbolic link"
            raise InputError(what, where=str(place), way_out="Take it out")
        yield below, found


def _beside(sources: Path, name: str, place: Place) -> Path:
    path = (sources / name).resolve()
    if not path.is_relative_to(sources.resolve()):
        what = f"{name!r} does not lie in the directory of the definition"
        raise InputError(what, where=str(place), way_out="Put it there, or below")
    return path
