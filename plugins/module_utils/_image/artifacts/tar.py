# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A tar archive, compressed with zstd."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished

# GNU tar manual, "Reproducibility": names sorted, numbers for owners, no times but that of the last change.
REPRODUCIBLE = (
    "--sort=name",
    "--numeric-owner",
    "--format=posix",
    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
)


@dataclass(frozen=True)
class TarArtifact(Artifact, kind="tar"):
    """With extended attributes, file capabilities among them."""

    compression_level: int = 10

    suffix: t.ClassVar = ".tar.zst"
    about: t.ClassVar = "A tar archive, compressed with zstd."
    options: t.ClassVar = {
        "compression_level": {"type": "integer", "minimum": 1, "maximum": 19, "default": 10},
    }

    def make(self, image: Finished, target: Path) -> None:
        plain = target.with_name(f"{target.name}.tar")
        what = ["--xattrs", "--xattrs-include=*", f"--directory={image.root}", f"--file={plain}", "."]
        image.run(["tar", "--create", *REPRODUCIBLE, *what], target.parent)
        packing = ["--quiet", "--rm", f"-{self.compression_level}", "-T0"]
        image.run(["zstd", *packing, str(plain), "-o", str(target)], target.parent)
