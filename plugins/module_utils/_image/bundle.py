# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Many paths that come together: of a directory or an archive beside the definition."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import inside, owned_by
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root


class Part(t.NamedTuple):
    """One path below the top. Of a directory without a mode, that which is there already will do."""

    path: str
    type: str  # the value of a FileType
    owner: str
    group: str
    mode: int | None = None
    target: str = ""  # of a symbolic link; of a hard link, another path below the top


def bundle_items(top: str, parts: Sequence[Part]) -> Iterator[Item]:
    """What they are in an image when they are put below `top`; which is there or is made."""
    yield PathItem(top, FileType.DIRECTORY)
    for part in parts:
        kind = FileType(part.type)
        if kind is FileType.DIRECTORY and part.mode is None:
            yield PathItem(f"{top}/{part.path}", kind)
        else:
            target = part.target if kind is FileType.SYMLINK else None
            yield PathItem(f"{top}/{part.path}", kind, part.mode, part.owner, part.group, target)


def bundle_requirements(top: str, parts: Sequence[Part]) -> Iterator[Requirement]:
    """What must be there for them."""
    yield inside(top)
    for owner, group in sorted({(part.owner, part.group) for part in parts}):
        yield from owned_by(owner, group)


def bundle_keys(top: str, parts: Sequence[Part]) -> Iterator[Key]:
    """The paths of all but directories."""
    for part in parts:
        if part.type != FileType.DIRECTORY.value:
            yield Key("path", f"{top}/{part.path}")


def put_bundle(root: Root, top: str, parts: Sequence[Part], read: t.Callable[[str], bytes]) -> None:
    """Put them below `top`, directories first; `read` gives the content of a file."""
    root.ensure_directory(top)
    for part in parts:
        path = f"{top}/{part.path}"
        if part.type == FileType.SYMLINK.value:
            root.link(path, part.target)
        elif part.type == FileType.FILE.value:
            root.write(path, read(part.path), part.mode or 0, part.owner, part.group)
        elif part.mode is None:
            root.ensure_directory(path, part.owner, part.group)
        else:
            root.make_directory(path, part.mode, part.owner, part.group)
