# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Check a value against a JSON Schema, with as much of Draft 2020-12 as schemas of hosts use.

A host has nothing but its Python, so no library that does it. Every pattern has to match the whole text.
"""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError

Schema = Mapping[str, t.Any]

_KINDS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "object": ("a dictionary", (dict,)),
    "array": ("a list", (list, tuple)),
    "string": ("text", (str,)),
    "boolean": ("true or false", (bool,)),
    "integer": ("a whole number", (int,)),
    "number": ("a number", (int, float)),
}


def errors_of(value: t.Any, schema: Schema, where: str) -> Iterator[InputError]:
    """Every rule that `value` breaks, with the field as `where`."""
    if not _is(value, schema.get("type")):
        yield InputError(f"must be {_KINDS[schema['type']][0]}, not {_shown(value, schema)}", where=where)
        return
    if "enum" in schema and value not in schema["enum"]:
        options = ", ".join(str(one) for one in schema["enum"])
        yield InputError(f"{_shown(value, schema)} is not one of {options}", where=where)
    if isinstance(value, str):
        yield from _text(value, schema, where)
    elif isinstance(value, dict):
        yield from _object(value, schema, where)
    elif isinstance(value, (list, tuple)) and "items" in schema:
        for number, one in enumerate(value):
            yield from errors_of(one, schema["items"], f"{where}[{number}]")
    elif "minimum" in schema and value < schema["minimum"]:
        yield InputError(f"must be {schema['minimum']} or more, not {value}", where=where)


def _text(value: str, schema: Schema, where: str) -> Iterator[InputError]:
    longest = schema.get("maxLength", len(value))
    if len(value) > longest:
        yield InputError(f"has {len(value)} characters, {longest} are allowed", where=where)
    elif "pattern" in schema and re.fullmatch(schema["pattern"], value) is None:
        yield InputError(
            f"{_shown(value, schema)} does not match {schema['pattern']}",
            where=where,
            way_out=schema.get("description", "").rstrip("."),
        )


def _object(value: Mapping[str, t.Any], schema: Schema, where: str) -> Iterator[InputError]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    if schema.get("additionalProperties") is False:
        for name in sorted(set(map(str, value)) - set(properties)):
            known = ", ".join(sorted(properties))
            yield InputError("is not known", where=f"{where}.{name}", way_out=f"There are {known}")
    for name in _missing(value, schema):
        yield InputError("is missing", where=f"{where}.{name}")
    if "oneOf" in schema and sum(not _missing(value, one) for one in schema["oneOf"]) != 1:
        names = " and ".join(name for one in schema["oneOf"] for name in one["required"])
        yield InputError(f"needs exactly one of {names}", where=where)
    for rule in schema.get("allOf", ()):
        if not any(errors_of(value, rule["if"], where)):
            for name in _missing(value, rule["then"]):
                [key] = rule["if"]["properties"]
                yield InputError(f"is missing, which {key} {value[key]} needs", where=f"{where}.{name}")
    for name, one in properties.items():
        if name in value:
            yield from _constant(value[name], one, f"{where}.{name}")
            yield from errors_of(value[name], one, f"{where}.{name}")


def _constant(value: t.Any, schema: Schema, where: str) -> Iterator[InputError]:
    if "const" in schema and value != schema["const"]:
        yield InputError(f"must be {schema['const']}", where=where)


def _missing(value: Mapping[str, t.Any], schema: Schema) -> list[str]:
    return [name for name in schema.get("required", ()) if name not in value]


def _is(value: t.Any, kind: str | None) -> bool:
    """JSON tells numbers from truth, Python does not."""
    if kind is None:
        return True
    return isinstance(value, _KINDS[kind][1]) and (kind == "boolean" or not isinstance(value, bool))


def _shown(value: t.Any, schema: Schema) -> str:
    return "what is given" if schema.get("writeOnly") else json.dumps(value, default=str)
