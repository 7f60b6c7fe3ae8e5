# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The disk of one image host: an image to boot, and all that makes this host itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ansible_collections.osaas.fleet.plugins.module_utils._files import write_json
from ansible_collections.osaas.fleet.plugins.module_utils._image.deployable import Deployable
from ansible_collections.osaas.fleet.plugins.module_utils._image.file_systems import MIB, make_ext4
from ansible_collections.osaas.fleet.plugins.module_utils._image.gpt import Partition, make_disk
from ansible_collections.osaas.fleet.plugins.module_utils._image.host_identity import (
    IdentityFile,
    write_identity,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.vfat import make_vfat, write_text
from ansible_collections.osaas.fleet.plugins.module_utils._image.workbench import Workbench

DATA = "osaas-data"
# It grows to the whole disk: room for the tables of one far larger, and enough files for any image.
GROWS = ("-b", "4096", "-i", "16384", "-J", "size=32")


@dataclass(frozen=True)
class HostDisk:
    """`esp` and `free` are in MiB: the size of the ESP, and what is free beside the image.

    `entry` is the boot entry, name and text; `size` MiB of the whole disk, 0 for as small as it can be.
    `write_config` writes the host's config into a directory. `keys` are those that images must be signed
    with, by name.
    """

    image: Deployable
    identity: Sequence[IdentityFile]
    time_zone: str | None
    release: Mapping[str, str]
    entry: tuple[str, str]
    keys: Mapping[str, str]
    write_config: Callable[[Path], object]
    esp: int
    free: int
    size: int

    def make(self, bench: Workbench, target: Path) -> None:
        """Write it beside `target`, then put it there. Raises CommandError."""
        with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as directory:
            scratch = Path(directory)
            make_vfat(bench, scratch / "esp", self.esp, self._boot_files(scratch))
            self._data(scratch / "content")
            make_ext4(bench, scratch / "data", scratch / "content", self.free, label=DATA, more=GROWS)
            partitions = [
                Partition("esp", "esp", bench.uuid("partition esp"), scratch / "esp"),
                Partition("linux-generic", DATA, bench.uuid("partition data"), scratch / "data"),
            ]
            half = scratch / "disk"
            make_disk(bench, half, scratch, partitions)
            with half.open("r+b") as stream:
                stream.truncate(max(half.stat().st_size, self.size * MIB))
                os.fsync(stream.fileno())
            half.chmod(0o600)
            half.replace(target)

    def _boot_files(self, scratch: Path) -> Mapping[str, Path]:
        files, name, text = self.image.files, *self.entry
        architecture = str(self.image.about["loader"]["architecture"])
        kept = f"osaas/{self.image.digest[:16]}"
        return {
            f"EFI/BOOT/BOOT{architecture.upper()}.EFI": self.image.loader,
            f"EFI/systemd/systemd-boot{architecture}.efi": self.image.loader,
            "loader/loader.conf": write_text(scratch / "loader.conf", "timeout 0\n", self.image.epoch),
            f"loader/entries/{name}": write_text(scratch / "entry.conf", text, self.image.epoch),
            f"{kept}/vmlinuz": files["vmlinuz"],
            f"{kept}/initramfs": files["initramfs"],
        }

    def _data(self, content: Path) -> None:
        """What is on the data partition, as a directory."""
        for name in ("deployments", "staging", "state", "persistent"):
            (content / name).mkdir(parents=True)
        deployment = content / "deployments" / self.image.digest
        deployment.mkdir()
        for name, source in self.image.files.items():
            shutil.copyfile(source, deployment / name)
            (deployment / name).chmod(0o444)
        write_json(deployment / "release.json", dict(self.release), mode=0o444)
        write_identity(content / "identity", self.identity, self.time_zone)
        self.write_config(content / "config")
        keys = content / "config/keys"
        keys.mkdir(parents=True)
        for name, key in self.keys.items():
            (keys / f"{name}.asc").write_text(key, encoding="utf-8")
