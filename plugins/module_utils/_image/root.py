# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The root of an image while it is built. Paths are the image's; no link leads out of it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.ids import Ids
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox

MOST_LINKS = 40  # path_resolution(7)


@dataclass(frozen=True)
class Root:
    """`sources` is the directory of the definitions, `ids` the numbers of users and groups."""

    sandbox: Sandbox
    sources: Path
    ids: Ids

    def make_directory(self, path: str, mode: int, owner: str, group: str) -> None:
        """A directory, which may be there already."""
        place = self._place(path)
        if not place.is_dir():
            place.mkdir()
        self._own(place, mode, owner, group)

    def write(self, path: str, content: bytes, mode: int, owner: str, group: str) -> None:
        """A file; a new one, for the old one may be shared with the layer below."""
        place = self._place(path)
        place.unlink(missing_ok=True)
        place.write_bytes(content)
        self._own(place, mode, owner, group)

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        place = self._place(path)
        place.unlink(missing_ok=True)
        place.symlink_to(target)

    def hardlink(self, path: str, target: str) -> None:
        """A second name of a file."""
        os.link(self._place(target), self._place(path))

    def remove(self, path: str) -> None:
        """What is there goes, with all below it."""
        place = self._place(path)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)

    def run(self, argv: Sequence[str]) -> None:
        """Run a program of the image, in the sandbox. Raises CommandError."""
        self.sandbox.run_inside(argv)

    def read(self, path: str) -> str:
        """The text of a file, empty if there is none."""
        place = self._place(path)
        return place.read_text(encoding="utf-8") if place.is_file() else ""

    def add_line(self, path: str, line: str, *, mode: int) -> None:
        """Add a line to a database of the system; if there is none, it is made with this mode."""
        self._rewrite(path, f"{self.read(path)}{line}\n", mode)

    def add_member(self, group: str, user: str) -> None:
        """Put a user into one more group."""
        lines = [line.split(":") for line in self.read("/etc/group").splitlines()]
        for fields in lines:
            if fields[0] == group:
                fields[3] = ",".join(sorted({*filter(None, fields[3].split(",")), user}))
        self._rewrite("/etc/group", "".join(f"{':'.join(fields)}\n" for fields in lines), 0o644)

    def number(self, database: str, name: str) -> int:
        """The number of a user ("passwd") or a group ("group"). Raises InputError."""
        if name == "root":
            return 0
        for found, number in _entries(self.read(f"/etc/{database}")):
            if found == name:
                return number
        raise InputError(f"there is no {name} in /etc/{database} of the image", where=str(self.sandbox.root))

    def source(self, name: str) -> bytes:
        """A file beside the definitions. Raises InputError if it lies elsewhere, or cannot be read."""
        return source_file(self.sources, name).read_bytes()

    def _place(self, path: str) -> Path:
        """Where a path lies for the builder: all links but the last followed, within the image."""
        place, links = self.sandbox.root, 0
        waiting = [part for part in reversed(path.split("/")) if part]
        while waiting:
            part = waiting.pop()
            if part == "..":
                place = place if place == self.sandbox.root else place.parent
                continue
            place = place / part
            if waiting and place.is_symlink() and links < MOST_LINKS:
                links += 1
                target = str(place.readlink())
                place = self.sandbox.root if target.startswith("/") else place.parent
                waiting += [step for step in reversed(target.split("/")) if step not in ("", ".")]
        return place

    def _own(self, place: Path, mode: int, owner: str, group: str) -> None:
        os.chown(place, self.number("passwd", owner), self.number("group", group), follow_symlinks=False)
        place.chmod(mode)  # after chown(2), which takes the set-id bits away

    def _rewrite(self, path: str, content: str, mode: int) -> None:
        """A new file in place of the old one, with its mode and owner; the layer below may share that."""
        place = self._place(path)
        old = place.stat() if place.exists() else None
        place.unlink(missing_ok=True)
        place.write_bytes(content.encode())
        if old is not None:
            os.chown(place, old.st_uid, old.st_gid)
        place.chmod(stat.S_IMODE(old.st_mode) if old is not None else mode)


def source_file(sources: Path, name: str) -> Path:
    """A file beside the definitions. Raises InputError if it lies elsewhere, or is none."""
    path = (sources / name).resolve()
    if not path.is_relative_to(sources.resolve()):
        raise InputError("a source lies beside the definition, or below", where=name)
    if not path.is_file():
        raise InputError("there is no such file beside the definition", where=name)
    return path


def _entries(text: str) -> Iterator[tuple[str, int]]:
    """Names and numbers of passwd(5) or group(5)."""
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) > 2:
            yield fields[0], int(fields[2])
