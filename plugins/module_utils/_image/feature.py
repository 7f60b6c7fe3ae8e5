# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A feature: one thing that an author wants of an image. Each kind has a file of its own under features/."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.context import Context
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import Item, Key
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import Requirement
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place

if t.TYPE_CHECKING:
    from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root

Schema = Mapping[str, t.Any]  # JSON Schema, draft 2020-12


class Phase(IntEnum):
    """When a feature is applied. Each is a layer of its own: a changed file does not install RPMs again.

    What may touch any path (packages, commands) has phases apart from what says exactly which paths it makes.
    """

    PACKAGES = 1
    REMOVALS = 2
    FILES = 3
    COMMANDS = 4


@dataclass(frozen=True)
class Packages:
    """What a feature asks of the one transaction of its image; see the kind `rpms`."""

    install: tuple[str, ...] = ()
    upgrade: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    remove_if_present: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    weak_dependencies: bool = False


@dataclass(frozen=True)
class Feature:
    """One feature of a definition, with the options of its kind as fields.

    A kind is a subclass: `class FileFeature(Feature, kind="file")`. It is registered by being defined.
    """

    place: Place

    kinds: t.ClassVar[dict[str, type[Feature]]] = {}
    kind: t.ClassVar[str]
    phase: t.ClassVar[Phase] = Phase.FILES
    about: t.ClassVar[str]  # one line, for the schema that editors show
    options: t.ClassVar[Mapping[str, Schema]]
    required: t.ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, kind: str) -> None:
        cls.kind = kind
        Feature.kinds[kind] = cls

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
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Feature:
        """Options that the schema accepts, as a feature. `sources` is the directory of the definition.

        Raises InputError for what a schema cannot say.
        """
        return cls(place=place, **{name: frozen(value) for name, value in options.items()})

    def images(self) -> Iterable[str]:
        """Other images that it copies from."""
        return ()

    def within(self, context: Context) -> Feature:
        """The same feature, knowing the context. Raises InputError."""
        return self

    def provides(self) -> Iterable[Item]:
        """What is in the image because of this feature."""
        return ()

    def requires(self) -> Iterable[Requirement]:
        """What must be in the image for it."""
        return ()

    def removes(self) -> Iterable[Key]:
        """Paths that are gone after it, with all below them."""
        return ()

    def replaces(self) -> Iterable[Key]:
        """Paths that it provides in place of what a package or the parent put there, and must have put."""
        return ()

    def overrides(self) -> Iterable[Key]:
        """What it provides, whether a package or the parent put something there or not."""
        return ()

    def may_change(self, path: str) -> bool:
        """Whether a path may be changed by what it runs."""
        return any(item.key == Key("path", path) for item in self.provides())

    def packages(self) -> Packages:
        """What must be among the packages of the image, and what not."""
        return Packages()

    def inputs(self) -> Iterable[str]:
        """Files beside the definition that it is made from."""
        return ()

    def apply(self, root: Root) -> None:
        """Make it so in the root. Raises FleetError."""

    def told(self) -> Mapping[str, t.Any]:
        """The kind and all options, as data."""
        options = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "place"}
        return {"kind": self.kind, **options}

    def same_as(self, other: Feature) -> bool:
        """Whether both say the same: a feature may stand in a definition twice."""
        return self.told() == other.told()

    def __str__(self) -> str:
        return f"{self.kind} ({self.place})"


def frozen(value: t.Any) -> t.Any:
    """Lists as tuples and mappings as sorted pairs, so that features can be compared and kept in sets."""
    if isinstance(value, dict):
        return tuple(sorted((name, frozen(part)) for name, part in value.items()))
    return tuple(frozen(part) for part in value) if isinstance(value, list) else value
