# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Units of systemd: those that come with the image, and which of them are started."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Item, Key, PathItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import TEXT
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import (
    IS_DIRECTORY,
    IS_FILE,
    Executable,
    Requirement,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.root import Root
from ansible_collections.osaas.fleet.plugins.module_utils._image.sources import source_file
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place
from ansible_collections.osaas.fleet.plugins.module_utils._image.units import (
    LOCAL_UNITS,
    SYSTEMCTL,
    UNIT,
    UNITS,
    unit_file,
)

UNIT_LIST: t.Final = {"type": "array", "items": UNIT, "uniqueItems": True}
DROP_IN: t.Final = {
    "type": "object",
    "properties": {
        "unit": UNIT,
        "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "description": "Its name, without .conf."},
        "content": {"type": "string", "description": "Its text."},
    },
    "required": ["unit", "name", "content"],
    "additionalProperties": False,
}


class DropIn(t.NamedTuple):
    """More settings of a unit."""

    unit: str
    name: str
    content: str

    @property
    def directory(self) -> str:
        """Where drop-ins of its unit lie."""
        return f"{UNITS}/{self.unit}.d"

    @property
    def path(self) -> str:
        """Where it lies."""
        return f"{self.directory}/{self.name}.conf"


@dataclass(frozen=True)
class SystemdFeature(Feature, kind="systemd"):
    """What is enabled is so by the unit's own [Install] section, which systemctl of the image reads."""

    install: tuple[str, ...] = ()
    drop_ins: tuple[DropIn, ...] = ()
    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    preset: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    default_target: str | None = None

    about: t.ClassVar = "Units of systemd: installed, amended, enabled, disabled or masked."
    options: t.ClassVar = {
        "install": {
            "type": "array",
            "items": TEXT,
            "description": "Files of units, relative to the definition; each is called as its unit.",
        },
        "drop_ins": {"type": "array", "items": DROP_IN, "description": "More settings of units."},
        "enable": {**UNIT_LIST, "description": "Units to enable."},
        "disable": {**UNIT_LIST, "description": "Units to disable."},
        "preset": {**UNIT_LIST, "description": "Units to enable or disable as presets of the image say."},
        "mask": {**UNIT_LIST, "description": "Units that cannot be started, whether there are such or not."},
        "default_target": {**UNIT, "description": "What the image boots into."},
    }

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Feature:
        for name in options.get("install", ()):
            source_file(sources, name, place)
        said: dict[str, str] = {}
        for what in ("enable", "disable", "preset", "mask"):
            for unit in options.get(what, ()):
                if unit in said:
                    told = f"{unit} stands under {said[unit]} and under {what}"
                    raise InputError(told, where=str(place), way_out="Keep one of them")
                said[unit] = what
        drop_ins = tuple(DropIn(**one) for one in options.get("drop_ins", ()))
        return super().read({**options, "drop_ins": drop_ins}, place, sources)

    def provides(self) -> Iterable[Item]:
        for path in self._installed():
            yield PathItem(path, FileType.FILE, 0o644, "root", "root")
        for drop_in in self.drop_ins:
            yield PathItem(drop_in.directory, FileType.DIRECTORY)
            yield PathItem(drop_in.path, FileType.FILE, 0o644, "root", "root")
        for path, target in self._links():
            yield PathItem(path, FileType.SYMLINK, owner="root", group="root", target=target)

    def requires(self) -> Iterable[Requirement]:
        if self.install or self.drop_ins:
            yield Requirement(Key("path", UNITS), IS_DIRECTORY)
        if self.mask or self.default_target:
            yield Requirement(Key("path", LOCAL_UNITS), IS_DIRECTORY)
        if self.enable or self.disable or self.preset:
            yield Requirement(Key("path", SYSTEMCTL), Executable())
        default = (self.default_target,) if self.default_target else ()
        amended = tuple(drop_in.unit for drop_in in self.drop_ins)
        for unit in (*self.enable, *self.disable, *self.preset, *amended, *default):
            yield Requirement(Key("path", unit_file(unit)), IS_FILE)

    def overrides(self) -> Iterable[Key]:
        for path, _target in self._links():
            yield Key("path", path)

    def inputs(self) -> Iterable[str]:
        return self.install

    def apply(self, root: Root) -> None:
        for source, path in zip(self.install, self._installed()):
            root.write(path, root.source(source), 0o644, "root", "root")
        for drop_in in self.drop_ins:
            root.ensure_directory(drop_in.directory)
            root.write(drop_in.path, drop_in.content.encode(), 0o644, "root", "root")
        for path, target in self._links():
            root.link(path, target)
        for verb, units in (("enable", self.enable), ("disable", self.disable), ("preset", self.preset)):
            if units:
                root.run([SYSTEMCTL, "--root=/", "--no-reload", verb, *units])

    def _installed(self) -> tuple[str, ...]:
        return tuple(f"{UNITS}/{PurePosixPath(source).name}" for source in self.install)

    def _links(self) -> Iterable[tuple[str, str]]:
        for unit in self.mask:
            yield f"{LOCAL_UNITS}/{unit}", "/dev/null"
        if self.default_target is not None:
            yield f"{LOCAL_UNITS}/default.target", f"{UNITS}/{self.default_target}"
