# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The EFI system partition of an image: the boot loader, and what it starts."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import MIB, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.boot_files import kernel_arguments
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Schema
from ansible_collections.osaas.fleet.plugins.module_utils._image.loader import (
    entry_files,
    loader_files,
    unified_files,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.vfat import make_vfat

Boot = t.Literal["entry", "unified"]
BOOT: t.Final[Schema] = {
    "enum": ["entry", "unified"],
    "default": "entry",
    "description": "Boot by an entry with kernel and initramfs, or by a unified kernel image.",
}
SIZE: t.Final[Schema] = {**MIB, "default": 256, "description": "MiB of the EFI system partition."}


def make_esp(
    image: Finished,
    target: Path,
    scratch: Path,
    size: int,
    boot: Boot,
    first: Sequence[str],
    last: Sequence[str] = (),
) -> None:
    """Write it, `size` MiB; arguments of the kernel go before its own and after. Raises FleetError."""
    made = entry_files if boot == "entry" else unified_files
    told = [*first, *kernel_arguments(image.root), *last]
    make_vfat(image, target, size, {**made(image, scratch, told), **loader_files(image, scratch)})
