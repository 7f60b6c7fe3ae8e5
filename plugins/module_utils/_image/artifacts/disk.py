# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A disk that a machine with UEFI boots from."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import MIB, Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.boot_partition import (
    BOOT,
    SIZE,
    Boot,
    make_esp,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.file_systems import (
    make_btrfs,
    make_erofs,
    make_ext4,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.gpt import Partition, make_disk
from ansible_collections.osaas.fleet.plugins.module_utils._image.verity import format_verity


@dataclass(frozen=True)
class DiskArtifact(Artifact, kind="disk"):
    """A GPT with an EFI system partition, and the image as its root. `free` and `esp` are in MiB."""

    root: t.Literal["ext4", "btrfs", "erofs"] = "ext4"
    boot: Boot = "entry"
    free: int = 512
    esp: int = 256

    suffix: t.ClassVar = ".raw"
    about: t.ClassVar = "A disk with a GPT, for machines with UEFI. The image brings kernel and systemd-boot."
    options: t.ClassVar = {
        "root": {
            "enum": ["ext4", "btrfs", "erofs"],
            "default": "ext4",
            "description": "The root file system. EROFS is read-only, and dm-verity vouches for it.",
        },
        "boot": BOOT,
        "free": {**MIB, "default": 512, "description": "MiB that are free in a root that can be written."},
        "esp": SIZE,
    }

    def room(self, image: Finished) -> int:
        return 2 * image.bytes + (self.free + self.esp << 20)

    def make(self, image: Finished, target: Path) -> None:
        self.write(image, target)

    def write(self, image: Finished, target: Path, last: Sequence[str] = ()) -> None:
        """The same, and the kernel is told these arguments last."""
        with image.scratch(target) as scratch:
            arguments, partitions = self._root(image, scratch)
            esp = scratch / "esp"
            make_esp(image, esp, scratch, self.esp, self.boot, arguments, last)
            boot = Partition("esp", "esp", image.uuid("partition esp"), esp)
            make_disk(image, target, scratch, [boot, *partitions])

    def _root(self, image: Finished, scratch: Path) -> tuple[list[str], Sequence[Partition]]:
        """What the kernel is told about the root, and its partitions."""
        root = scratch / "root"
        if self.root == "erofs":
            make_erofs(image, root)
            root_hash = format_verity(image, root, scratch / "verity")
            # Discoverable Partitions Specification: they are found by the halves of the hash.
            data, tree = (str(UUID(half)) for half in (root_hash[:32], root_hash[32:]))
            partitions = [
                Partition("root", "root", data, root),
                Partition("root-verity", "root-verity", tree, scratch / "verity"),
            ]
            about = ["root=/dev/mapper/root", "rootfstype=erofs", f"roothash={root_hash}"]
            return [*about, "ro", "systemd.volatile=state"], partitions
        if self.root == "ext4":
            make_ext4(image, root, image.root, self.free)
        else:
            make_btrfs(image, root, self.free)
        uuid = image.uuid("partition root")
        return [f"root=PARTUUID={uuid}", f"rootfstype={self.root}", "rw"], [
            Partition("root", "root", uuid, root)
        ]
