# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What stood in a tree, for the sync after it: a line for each package, much faster read than primary.xml."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import make_directory


class Listed(t.NamedTuple):
    """One package of a tree: its checksum as advertised, the sha256 of its object, its name and its place."""

    algorithm: str
    digest: str
    sha256: str
    nevra: str
    href: str


def write_listing(path: Path, packages: Iterable[Package], objects: Mapping[str, str]) -> None:
    """Write what is known of `packages`; `objects` maps href to sha256."""
    lines = [
        f"{file.algorithm} {file.digest} {objects[file.href]} {package.nevra} {file.href}\n"
        for package in packages
        for file in (package.file,)
    ]
    make_directory(path.parent)
    write_atomic(path, "".join(lines).encode("utf-8", "surrogateescape"))


def read_listing(path: Path) -> list[Listed] | None:
    """The inverse of write_listing(); None if there is no such file, or it is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
        # Only the place, which comes last, may have blanks.
        return [Listed(*line.split(" ", 4)) for line in lines[:-1]]
    except (FileNotFoundError, TypeError):
        return None
