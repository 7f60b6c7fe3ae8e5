# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The JSON Schema of definitions, put together from what each kind of feature says of itself."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Schema
from ansible_collections.osaas.fleet.plugins.module_utils._image.kinds import ARTIFACT_KINDS, KINDS
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import IMAGE, NAME, TEXT
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial_kinds import TRIAL_KINDS

NUMBERS: Schema = {
    "type": "object",
    "propertyNames": NAME,
    "additionalProperties": {"type": "integer", "minimum": 1, "maximum": 65533},
}


def definition_schema() -> Schema:
    """Draft 2020-12, as editors complete by it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Definition of an image (osaas.fleet)",
        "type": "object",
        "properties": {
            "image": IMAGE,
            "parent": {**IMAGE, "description": "The image that this one is built upon."},
            "snapshot": {
                "type": "string",
                "pattern": r"^\d{8}T\d{6}Z$",
                "description": "The id of the snapshot that packages come from, like 20261122T174400Z.",
            },
            "channel": {
                **TEXT,
                "description": "A channel; resolved to its snapshot when the image is planned.",
            },
            "lock": {
                "type": "string",
                "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
                "description": "A file beside the definition, which says exactly which packages it gets.",
            },
            "ids": {
                "type": "object",
                "description": "Numbers of the users and groups that features make.",
                "properties": {"users": NUMBERS, "groups": NUMBERS},
                "additionalProperties": False,
            },
            "features": {"type": "array", "items": _one_of("feature", KINDS)},
            "tests": {"type": "array", "items": _one_of("test", TRIAL_KINDS)},
            "artifacts": {"type": "array", "items": _one_of("artifact", ARTIFACT_KINDS), "uniqueItems": True},
        },
        "required": ["image"],
        "oneOf": [{"required": [name]} for name in ("parent", "snapshot", "channel")],
        "additionalProperties": False,
    }


class _Kind(t.Protocol):
    @classmethod
    def schema(cls) -> Schema:
        """The JSON Schema of the options."""


def _one_of(noun: str, kinds: Mapping[str, type[_Kind]]) -> Schema:
    return {
        "type": "object",
        "description": f"One {noun}: its kind, and the options of that kind.",
        "properties": {name: kind.schema() for name, kind in sorted(kinds.items())},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
