# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What is on the EFI system partition: systemd-boot, and an entry or a unified kernel image to boot.

Boot Loader Specification, types 1 and 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.boot_files import find_kernel, find_loader
from ansible_collections.osaas.fleet.plugins.module_utils._image.vfat import write_text


def loader_files(image: Finished, scratch: Path) -> Mapping[str, Path]:
    """The boot loader itself."""
    loader = find_loader(image.root, "systemd-boot*.efi")
    architecture = loader.stem[len("systemd-boot") :]
    return {
        f"EFI/BOOT/BOOT{architecture.upper()}.EFI": loader,
        f"EFI/systemd/{loader.name}": loader,
        "loader/loader.conf": write_text(scratch / "loader.conf", "timeout 0\n", image.epoch),
    }


def entry_files(image: Finished, scratch: Path, arguments: Sequence[str]) -> Mapping[str, Path]:
    """Kernel and initramfs as files, and an entry that names them."""
    kernel, directory = find_kernel(image.root), image.digest[:16]
    lines = [
        f"title {title(image.root)}",
        f"sort-key {image.name}",
        f"version {version(image)}",
        f"linux /{directory}/vmlinuz",
        f"initrd /{directory}/initramfs.img",
        f"options {' '.join(arguments)}",
    ]
    text = "".join(f"{line}\n" for line in lines)
    return {
        f"{directory}/vmlinuz": kernel.image,
        f"{directory}/initramfs.img": kernel.initramfs,
        f"loader/entries/{image.name}-{version(image)}.conf": write_text(
            scratch / "entry.conf", text, image.epoch
        ),
    }


def unified_files(image: Finished, scratch: Path, arguments: Sequence[str]) -> Mapping[str, Path]:
    """One file that has kernel, initramfs and arguments, by ukify(1)."""
    kernel, target = find_kernel(image.root), scratch / "unified.efi"
    settings = [
        f"--linux={kernel.image}",
        f"--initrd={kernel.initramfs}",
        f"--stub={find_loader(image.root, 'linux*.efi.stub')}",
        f"--os-release=@{image.root / 'usr/lib/os-release'}",
        f"--uname={kernel.version}",
        f"--cmdline={' '.join(arguments)}",
    ]
    image.run(["ukify", "build", *settings, f"--output={target}"], scratch)
    return {f"EFI/Linux/{image.name}-{version(image)}.efi": target}


def version(image: Finished) -> str:
    """The time of the image, as snapshots are called: what is newer sorts later."""
    return datetime.fromtimestamp(image.epoch, timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def title(root: Path) -> str:
    """PRETTY_NAME of os-release(5)."""
    for line in (root / "usr/lib/os-release").read_text(encoding="utf-8").splitlines():
        name, _equals, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip("\"'")
    return "Linux"
