# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A test of a finished image. Each kind has a file of its own under trials/.

No test changes the image: what runs in it sees it read-only, and what boots is on top of it in memory.
"""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed, Runner
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Schema, frozen
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import Entry
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import sandboxed
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place


@dataclass(frozen=True)
class Subject:
    """The image under test. `sources` is the directory of its definition, `packages` are NEVRAs.

    `image` is the same for artifacts. `entries` is its listing. What is called `before` is that of its
    parent, empty if it has none. Below `scratch` a test may put what is large.
    """

    runner: Runner
    image: Finished
    scratch: Path
    root: Path
    epoch: int
    sources: Path
    entries: Mapping[str, Entry]
    before: Mapping[str, Entry]
    packages: Sequence[str]
    packages_before: Sequence[str]

    def run(self, argv: Sequence[str]) -> Completed:
        """Run a program of the image, which it cannot change, without network."""
        return self.runner.run(sandboxed(self.root, self.epoch, argv, writable=False), check=False)


@dataclass(frozen=True)
class Trial(ABC):
    """One test of a definition, with the options of its kind as fields. A subclass registers itself."""

    place: Place

    kinds: t.ClassVar[dict[str, type[Trial]]] = {}
    kind: t.ClassVar[str]
    about: t.ClassVar[str]
    options: t.ClassVar[Mapping[str, Schema]] = {}
    required: t.ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, kind: str) -> None:
        cls.kind = kind
        Trial.kinds[kind] = cls

    @classmethod
    def schema(cls) -> Schema:
        """The JSON Schema of the options."""
        return {
            "description": cls.about,
            "type": "object",
            "properties": dict(cls.options),
            "required": list(cls.required),
            "additionalProperties": False,
        }

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Trial:
        """Options that the schema accepts, as a test. Raises InputError for what a schema cannot say."""
        return cls(place=place, **{name: frozen(value) for name, value in options.items()})

    def inputs(self) -> Iterable[str]:
        """Files beside the definition that it reads."""
        return ()

    def told(self) -> Mapping[str, t.Any]:
        """The kind and all options, as data."""
        options = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "place"}
        return {"kind": self.kind, **options}

    @abstractmethod
    def faults(self, subject: Subject) -> Iterator[str]:
        """What is not as it must be, one line each."""

    def __str__(self) -> str:
        return f"{self.kind} ({self.place})"
