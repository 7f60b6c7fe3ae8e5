# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What makes an image the OS of an image host."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath

# The one thing of the host side that an image has in it: what a host runs by itself.
from ansible_collections.osaas.fleet.plugins.module_utils._host.programs import host_program
from ansible_collections.osaas.fleet.plugins.module_utils._image.boot_files import MODULES, find_kernel
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature, Phase
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_host import dracut
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_host.paths import (
    PERSISTENT,
    PROGRAM,
    ROOT_SCRIPT,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_host.root_script import SCRIPT
from ansible_collections.osaas.fleet.plugins.module_utils._image.image_host.unit_files import (
    LINKS,
    PYTHON,
    unit_files,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import PATH, TEXT
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import (
    IS_DIRECTORY,
    Executable,
    Requirement,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root
from ansible_collections.osaas.fleet.plugins.module_utils._image.units import LOCAL_UNITS, UNITS

ESP = "/efi"
NEEDS = (PYTHON, "/usr/bin/systemd-repart", "/usr/sbin/veritysetup")
DRACUT = ("/usr/bin/dracut", "--force", "--no-hostonly", "--reproducible", "--add", "osaas")
# What other features put things into, too: these must not wait for this one, which is late.
WANTS = (f"{UNITS}/local-fs.target.wants", f"{UNITS}/multi-user.target.wants")
SHARED = frozenset(
    ["/usr", "/usr/lib", "/usr/lib/systemd", UNITS, *WANTS, "/etc", "/etc/systemd", LOCAL_UNITS]
)
INITRAMFS = re.compile(rf"/boot/initramfs-.+\.img|/{MODULES}/[^/]+/initramfs\.img")


@dataclass(frozen=True)
class ImageHostFeature(Feature, kind="image_host"):
    """It is applied after all files: the initramfs is made anew, with what puts the root together."""

    persistent: tuple[str, ...] = ()
    patience: int = 600
    initramfs: tuple[str, ...] = DRACUT

    phase: t.ClassVar = Phase.COMMANDS
    about: t.ClassVar = "Makes the image the OS of an image host, which boots it beside others."
    options: t.ClassVar = {
        "persistent": {
            "type": "array",
            "items": PATH,
            "uniqueItems": True,
            "description": "Directories beside /var that a host keeps, whatever image it boots.",
        },
        "patience": {
            "type": "integer",
            "minimum": 1,
            "default": 600,
            "description": "Seconds that a host has to be healthy after it was booted; else it has failed.",
        },
        "initramfs": {
            "type": "array",
            "items": TEXT,
            "minItems": 1,
            "default": list(DRACUT),
            "description": "What makes the initramfs; it is given the file and the version of the kernel.",
        },
    }

    def told(self) -> Mapping[str, t.Any]:
        """With what it brings: another release of this collection makes another layer."""
        hasher = sha256()
        for path, content in sorted(self._files().items()):
            hasher.update(f"{path}\0{len(content)}\0".encode() + content)
        return {**super().told(), "brings": hasher.hexdigest()}

    def provides(self) -> Iterable[Item]:
        for directory in self._directories():
            if directory not in SHARED:
                yield PathItem(directory, FileType.DIRECTORY)
        for path in self._files():
            yield PathItem(path, FileType.FILE, _mode(path), "root", "root")
        for path, target in LINKS.items():
            yield PathItem(path, FileType.SYMLINK, owner="root", group="root", target=target)

    def requires(self) -> Iterable[Requirement]:
        yield Requirement(Key("path", UNITS), IS_DIRECTORY)
        for program in (*NEEDS, self.initramfs[0]):
            yield Requirement(Key("path", program), Executable())

    def overrides(self) -> Iterable[Key]:
        return [Key("path", path) for path in (*self._files(), *LINKS)]

    def may_change(self, path: str) -> bool:
        return (
            super().may_change(path) or path in self._directories() or INITRAMFS.fullmatch(path) is not None
        )

    def apply(self, root: Root) -> None:
        for directory in self._directories():
            root.ensure_directory(directory)
        for path, content in self._files().items():
            root.write(path, content, _mode(path), "root", "root")
        for path, target in LINKS.items():
            root.link(path, target)
        kernel = find_kernel(root.sandbox.root)
        initramfs = f"/{kernel.initramfs.relative_to(root.sandbox.root)}"
        root.run([*self.initramfs, initramfs, kernel.version])

    def _directories(self) -> list[str]:
        """Where its files are, and all above them, outermost first."""
        places = {place for path in (*self._files(), *LINKS) for place in PurePosixPath(path).parents}
        return [ESP, *sorted(str(place) for place in places - {PurePosixPath("/")})]

    def _files(self) -> dict[str, bytes]:
        """Path and content of each."""
        texts = {
            ROOT_SCRIPT: SCRIPT,
            PERSISTENT: "".join(f"{path}\n" for path in self.persistent),
            **dracut.FILES,
            **unit_files(self.patience),
        }
        return {**{path: text.encode() for path, text in texts.items()}, PROGRAM: host_program()}


def _mode(path: str) -> int:
    return 0o755 if path.endswith((".sh", ROOT_SCRIPT)) else 0o644
