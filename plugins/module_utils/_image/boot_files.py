# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What a machine boots from: kernel, initramfs and boot loader, where distributions put them in an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError

MODULES = "usr/lib/modules"
LOADERS = "usr/lib/systemd/boot/efi"
CMDLINES = ("etc/kernel/cmdline", "usr/lib/kernel/cmdline")  # kernel-install(8); the first one counts


@dataclass(frozen=True)
class Kernel:
    """A kernel and its initramfs."""

    version: str
    image: Path
    initramfs: Path


def find_kernel(root: Path) -> Kernel:
    """The kernel of an image. Raises InputError if there is none, or more than one, or no initramfs."""
    images = sorted((root / MODULES).glob("*/vmlinuz"))
    if len(images) != 1:
        found = ", ".join(image.parent.name for image in images) or "none"
        raise InputError(
            f"an image that boots has one kernel, /{MODULES}/VERSION/vmlinuz; here is {found}",
            where=str(root),
            way_out="Install one kernel",
        )
    version = images[0].parent.name
    places = [images[0].with_name("initramfs.img"), root / f"boot/initramfs-{version}.img"]
    initramfs = next((place for place in places if place.is_file()), None)
    if initramfs is None:
        looked = " nor ".join(f"/{place.relative_to(root)}" for place in places)
        raise InputError(
            f"there is no initramfs for the kernel {version}, neither {looked}",
            where=str(root),
            way_out="Install what makes it with the kernel, or make it with a command",
        )
    return Kernel(version, images[0], initramfs)


def find_loader(root: Path, name: str) -> Path:
    """A file of systemd-boot, for the architecture of the image: "systemd-boot*.efi". Raises InputError."""
    found = next(iter(sorted((root / LOADERS).glob(name))), None)
    if found is None:
        raise InputError(
            f"there is no /{LOADERS}/{name}", where=str(root), way_out="Install systemd-boot in the image"
        )
    return found


def kernel_arguments(root: Path) -> list[str]:
    """What the image says that its kernel is to be told."""
    for name in CMDLINES:
        if (root / name).is_file():
            return (root / name).read_text(encoding="utf-8").split()
    return []
