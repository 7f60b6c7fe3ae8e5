# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An artifact: a file made of a finished image. Each kind has a file of its own under artifacts/."""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid5

from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._image.built import Built
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Schema
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox

MIB: t.Final[Schema] = {"type": "integer", "minimum": 1}


@dataclass(frozen=True)
class Finished:
    """The image that an artifact is made of, and the tools to make it with.

    `digest` is that of its listing, `bytes` the size of all its files; `stack` has the directories of its
    layers, the first one first. `appliance` is the digest of the image that has the tools, empty for the
    builder's own. `others` are images that artifacts are made against, by name.
    """

    built: Built
    tools: Sandbox
    root: Path
    digest: str
    stack: tuple[Path, ...]
    appliance: str
    bytes: int = 0
    others: Mapping[str, Finished] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What artifacts are called."""
        return self.built.name

    @property
    def epoch(self) -> int:
        """Its time, in seconds since 1970: no file in it is newer."""
        return self.built.epoch

    def uuid(self, of: str) -> str:
        """An id for a thing made of it: equal images have the same, its other things have others."""
        return str(uuid5(UUID(self.digest[:32]), of))

    def run(self, argv: list[str], writes: Path, stdin: str | None = None) -> Completed:
        """Run a tool that reads the image and writes to a directory. Raises CommandError."""
        return self.tools.run_tool(argv, reads=[self.root], writes=writes, stdin=stdin)

    @contextmanager
    def scratch(self, target: Path) -> Iterator[Path]:
        """A directory beside `target` for what lies on the way to it."""
        with TemporaryDirectory(prefix=".", dir=target.parent) as directory:
            yield Path(directory)


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

    def images(self) -> Iterable[str]:
        """Other images that it is made against; this image stands for what it was before."""
        return ()

    @abstractmethod
    def make(self, image: Finished, target: Path) -> None:
        """Write the artifact to `target`, which is not there yet. Raises FleetError."""

    def room(self, image: Finished) -> int:
        """How many bytes of disk it takes to make it, at most; about as much as the image, for most kinds."""
        return image.bytes

    def files(self, target: Path) -> Sequence[Path]:
        """What make() writes; most kinds write one file."""
        return [target]
