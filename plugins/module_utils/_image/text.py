# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A definition as it stands in its file: plain data, and the line that each part of it begins at."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.libraries import yaml

Steps = tuple[t.Union[str, int], ...]  # keys and indexes from the top of the data to a part of it
LARGEST = 1 << 20  # bytes; a definition that a person wrote is far below


@dataclass(frozen=True, order=True)
class Place:
    """A line of a file, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Text:
    """`data` of a file, and the `lines` of its parts."""

    file: str
    data: t.Any
    lines: Mapping[Steps, int]

    def place(self, steps: Steps) -> Place:
        """Where the part begins; of a part that is missing, where the one around it does."""
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return Place(self.file, self.lines.get(steps, 1))


def read_text(path: Path, *, name: str) -> Text:
    """Read a YAML 1.1 file. `name` stands for it in messages. Raises InputError."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=name) from error
    if len(content) > LARGEST:
        raise InputError(f"has {len(content)} bytes, a definition has {LARGEST} at most", where=name)
    try:
        node = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = str(Place(name, mark.line + 1)) if mark is not None else name
        raise InputError(f"is not YAML: {getattr(error, 'problem', error)}", where=where) from error
    reader = _Reader(name)
    return Text(name, reader.value(node, ()) if node is not None else None, reader.lines)


class _Reader:
    """Turns nodes into data, and notes their lines."""

    def __init__(self, file: str) -> None:
        self.lines: dict[Steps, int] = {}
        self._file = file
        self._scalars = yaml.SafeLoader("")
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, steps: Steps) -> t.Any:
        """The data of a node. Raises InputError."""
        self.lines.setdefault(steps, node.start_mark.line + 1)
        if id(node) in self._seen:
            raise self._error(node, "aliases are not allowed", "Share features through a parent image")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, steps)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(part, (*steps, index)) for index, part in enumerate(node.value)]
        try:
            return self._scalars.construct_object(node)
        except yaml.YAMLError as error:
            raise self._error(node, f"is not YAML: {getattr(error, 'problem', error)}") from error

    def _mapping(self, node: yaml.MappingNode, steps: Steps) -> dict[str, t.Any]:
        found: dict[str, t.Any] = {}
        for key_node, value_node in node.value:
            key = self._scalars.construct_object(key_node)
            if not isinstance(key, str):
                raise self._error(key_node, f"the key {key!r} is not a text", "Put it in quotes")
            if key in found:
                first = self.lines[(*steps, key)]
                raise self._error(key_node, f"{key!r} stands here again, first in line {first}")
            self.lines[(*steps, key)] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, (*steps, key))
        return found

    def _error(self, node: yaml.Node, what: str, way_out: str = "") -> InputError:
        return InputError(what, where=str(Place(self._file, node.start_mark.line + 1)), way_out=way_out)
