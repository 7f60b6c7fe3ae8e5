# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An EROFS file system."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.file_systems import make_erofs
from ansible_collections.osaas.fleet.plugins.module_utils._image.verity import (
    VERITY,
    with_verity,
    write_verity,
)


@dataclass(frozen=True)
class ErofsArtifact(Artifact, kind="erofs"):
    """With `verity`, a file with the hash tree, and one with the root hash, lie beside it."""

    verity: bool = False

    suffix: t.ClassVar = ".erofs"
    about: t.ClassVar = "An EROFS file system, compressed with LZ4."
    options: t.ClassVar = {"verity": VERITY}

    def make(self, image: Finished, target: Path) -> None:
        make_erofs(image, target)
        if self.verity:
            write_verity(image, target)

    def files(self, target: Path) -> Sequence[Path]:
        return with_verity(target) if self.verity else [target]
