# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The root of an image while it is built. Paths are the image's; no link leads out of it."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.ids import Ids
from ansible_collections.osaas.fleet.plugins.module_utils._image.links import place_in
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox


@dataclass(frozen=True)
class Root:
    """`sources` is the directory of the definitions, `ids` the numbers of users and groups.

    `images` are the roots of the finished images that features copy from, by name.
    """

    sandbox: Sandbox
    sources: Path
    ids: Ids
    images: Mapping[str, Path] = field(default_factory=dict)

    def make_directory(self, path: str, mode: int, owner: str, group: str) -> None:
        """A directory, which may be there already."""
        place = self.place(path, last=True)
        if not place.is_dir():
            place.mkdir()
        self._own(place, mode, owner, group)

    def ensure_directory(self, path: str, owner: str = "root", group: str = "root") -> None:
        """A directory, 0755, unless there is one."""
        if not self.place(path, last=True).is_dir():
            self.make_directory(path, 0o755, owner, group)

    def write(self, path: str, content: bytes, mode: int, owner: str, group: str) -> None:
        """A file; a new one, for the old one may be shared with the layer below."""
        place = self.place(path)
        place.unlink(missing_ok=True)
        place.write_bytes(content)
        self._own(place, mode, owner, group)

    def set_attribute(self, path: str, name: str, value: bytes) -> None:
        """An extended attribute of a file. Raises InputError if its file system has none such."""
        try:
            os.setxattr(self.place(path), name, value)
        except OSError as error:
            raise InputError(f"{path} cannot have the attribute {name}: {error.strerror}") from error

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        place = self.place(path)
        place.unlink(missing_ok=True)
        place.symlink_to(target)

    def hardlink(self, path: str, target: str) -> None:
        """A second name of a file."""
        os.link(self.place(target), self.place(path))

    def remove(self, path: str) -> None:
        """What is there goes, with all below it."""
        place = self.place(path)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)

    def run(self, argv: Sequence[str]) -> None:
        """Run a program of the image, in the sandbox. Raises CommandError."""
        self.sandbox.run_inside(argv)

    def read(self, path: str) -> str:
        """The text of a file, empty if there is none."""
        place = self.place(path, last=True)
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
        numbers = dict(entries(self.read(f"/etc/{database}")))
        if name in numbers:
            return numbers[name]
        raise InputError(f"there is no {name} in /etc/{database} of the image", where=str(self.sandbox.root))

    def source(self, name: str) -> bytes:
        """The content of a file beside the definitions."""
        return (self.sources / name).read_bytes()

    def place(self, path: str, *, last: bool = False) -> Path:
        """Where a path lies for the builder: all links but the last followed, within the image."""
        return place_in(self.sandbox.root, path, last=last)

    def _own(self, place: Path, mode: int, owner: str, group: str) -> None:
        os.chown(place, self.number("passwd", owner), self.number("group", group), follow_symlinks=False)
        place.chmod(mode)  # after chown(2), which takes the set-id bits away

    def _rewrite(self, path: str, content: str, mode: int) -> None:
        """A new file in place of the old one, with its mode and owner; the layer below may share that."""
        place = self.place(path)
        old = place.stat() if place.exists() else None
        place.unlink(missing_ok=True)
        place.write_bytes(content.encode())
        if old is not None:
            os.chown(place, old.st_uid, old.st_gid)
        place.chmod(stat.S_IMODE(old.st_mode) if old is not None else mode)


def entries(text: str) -> Iterator[tuple[str, int]]:
    """Names and numbers of passwd(5) or group(5)."""
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) > 2:
            yield fields[0], int(fields[2])
