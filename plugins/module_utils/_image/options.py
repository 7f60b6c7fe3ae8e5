# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Options that several kinds of features have, as JSON Schema, and what is made of them."""

from __future__ import annotations

import typing as t

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Schema
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import FileType, Key
from ansible_collections.osaas.fleet.plugins.module_utils._image.requirement import (
    IS_DIRECTORY,
    IsType,
    Requirement,
)

# Absolute, and in the one form that a path can be compared in: no "//", "/./", "/../" and no "/" at the end.
PATH: t.Final[Schema] = {
    "type": "string",
    "pattern": r"^(/(?!\.{1,2}(/|$))[^/\x00]+)+$",
    "description": "An absolute path in the image, without '.', '..' or a '/' at its end.",
}
MODE: t.Final[Schema] = {
    "type": "string",
    "pattern": "^0[0-7]{3,4}$",
    "description": 'Permissions as a quoted octal number, for example "0644".',
}
NAME: t.Final[Schema] = {
    "type": "string",
    "pattern": "^[a-z_][a-z0-9_-]{0,30}$",
    "description": "The name of a user or group.",
}
OWNERSHIP: t.Final[dict[str, Schema]] = {
    "mode": MODE,
    "owner": {**NAME, "default": "root"},
    "group": {**NAME, "default": "root"},
}
REPLACE: t.Final[Schema] = {"type": "boolean", "default": False}
IMAGE: t.Final[Schema] = {
    "type": "string",
    "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$",
    "description": "A name of lower-case letters, digits, '_' and '-'; the file is called so too.",
}
TEXT: t.Final[Schema] = {"type": "string", "minLength": 1}


def owned_by(owner: str, group: str) -> tuple[Requirement, Requirement]:
    """Who owns something must be in the image before it."""
    return Requirement(Key("user", owner)), Requirement(Key("group", group))


def inside(path: str) -> Requirement:
    """The directory that `path` is in must be there before it."""
    return Requirement(Key("path", path.rpartition("/")[0] or "/"), IS_DIRECTORY)


def at(path: str, kind: FileType) -> Requirement:
    """Something of this type must be at `path` before the feature is applied."""
    return Requirement(Key("path", path), IsType(kind))
