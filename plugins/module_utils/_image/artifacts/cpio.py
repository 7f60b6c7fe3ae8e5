# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A cpio archive, as the kernel unpacks an initramfs from."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import listing


@dataclass(frozen=True)
class CpioArtifact(Artifact, kind="cpio"):
    """Inode numbers are made up in the order of names: cpio(1), --reproducible. It has no attributes."""

    suffix: t.ClassVar = ".cpio.zst"
    about: t.ClassVar = "A cpio archive, compressed with zstd: an initramfs, if the image has an /init."

    def make(self, image: Finished, target: Path) -> None:
        plain = target.with_name(f"{target.name}.cpio")
        names = [".", *(f".{entry.path}" for entry in listing(image.root))]
        settings = ["--quiet", "--create", "--null", "--format=newc", "--reproducible"]
        where = [f"--directory={image.root}", f"--file={plain}"]
        image.run(["cpio", *settings, *where], target.parent, stdin="".join(f"{name}\0" for name in names))
        image.run(["zstd", "--quiet", "--rm", "-10", str(plain), "-o", str(target)], target.parent)
