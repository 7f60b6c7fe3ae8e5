# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An artifact: a file made of a finished image. Each kind has a file of its own under artifacts/."""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Schema


@dataclass(frozen=True)
class Finished:
    """The image that an artifact is made of. `digest` is that of its listing, `epoch` its time in seconds."""

    runner: Runner
    name: str
    root: Path
    digest: str
    epoch: int

    @property
    def uuid(self) -> str:
        """An id for file systems that want one: equal images have the same."""
        return str(UUID(self.digest[:32]))

    def run(self, argv: list[str]) -> None:
        """Run a tool, with the image's time as its own. Raises CommandError."""
        self.runner.run(argv, env={"SOURCE_DATE_EPOCH": str(self.epoch), "TZ": "UTC"})


@dataclass(frozen=True)
class Artifact(ABC):
    """One artifact of a definition, with the options of its kind as fields. A subclass registers itself."""

    kinds: t.ClassVar[dict[str, type[Artifact]]] = {}
    kind: t.ClassVar[str]
    suffix: t.ClassVar[str]  # of the file's name, after the image's
    about: t.ClassVar[str]
    options: t.ClassVar[Mapping[str, Schema]] = {}

    def __init_subclass__(cls, *, kind: str) -> None:
        cls.kind = kind
        Artifact.kinds[kind] = cls

    @classmethod
    def schema(cls) -> Schema:
        """The JSON Schema of the options."""
        return {
            "description": cls.about,
            "type": "object",
            "properties": dict(cls.options),
            "additionalProperties": False,
        }

    @abstractmethod
    def make(self, image: Finished, target: Path) -> None:
        """Write the artifact to `target`, which is not there yet. Raises FleetError."""
