# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Definitions: what an image is, as its author wrote it, checked against the schema and typed."""

from __future__ import annotations

import difflib
import typing as t
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.ids import Ids
from ansible_collections.osaas.fleet.plugins.module_utils._image.kinds import ARTIFACT_KINDS, KINDS
from ansible_collections.osaas.fleet.plugins.module_utils._image.libraries import jsonschema
from ansible_collections.osaas.fleet.plugins.module_utils._image.schema import definition_schema
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place, Steps, Text, read_text
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Trial
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial_kinds import TRIAL_KINDS

SUFFIX = ".yml"


@dataclass(frozen=True)
class Definition:
    """One image. Either it has a parent, or a snapshot or channel that its packages come from."""

    name: str
    place: Place
    parent: str | None
    snapshot: str | None
    channel: str | None
    ids: Ids
    features: tuple[Feature, ...]
    artifacts: tuple[Artifact, ...]
    trials: tuple[Trial, ...]
    lock: str | None
    lock_place: Place


def read_definition(path: Path) -> Definition:
    """Read one. Raises InputError, or AllErrors with everything that is wrong in it."""
    text = read_text(path, name=path.name)
    errors: list[FleetError] = list(_faults(text))
    if errors:
        raise AllErrors(errors)
    data = text.data
    features = list(_features(text, path.parent))
    trials = list(_trials(text, path.parent))
    errors = [one for one in (*features, *trials) if isinstance(one, FleetError)]
    if data["image"] != path.stem:
        what = f"the image is called {data['image']!r}, its file {path.name!r}"
        errors.append(InputError(what, where=str(text.place(("image",))), way_out="Give both one name"))
    if errors:
        raise AllErrors(errors)
    ids = data.get("ids", {})
    return Definition(
        name=data["image"],
        place=text.place(("image",)),
        parent=data.get("parent"),
        snapshot=data.get("snapshot"),
        channel=data.get("channel"),
        ids=Ids(text.place(("ids",)), ids.get("users", {}), ids.get("groups", {})),
        features=tuple(feature for feature in features if isinstance(feature, Feature)),
        artifacts=tuple(_artifacts(data.get("artifacts", []))),
        trials=tuple(trial for trial in trials if isinstance(trial, Trial)),
        lock=data.get("lock"),
        lock_place=text.place(("lock",)),
    )


def read_lineage(directory: Path, name: str) -> list[Definition]:
    """The image and its parents, the first of them first. Raises InputError for a parent that is its own."""
    lineage = [read_definition(directory / f"{name}{SUFFIX}")]
    while (parent := lineage[0].parent) is not None:
        if parent in (known.name for known in lineage):
            circle = " → ".join([parent, *(known.name for known in lineage)])
            raise InputError(f"an image is its own parent: {circle}", where=str(lineage[0].place))
        lineage.insert(0, read_definition(directory / f"{parent}{SUFFIX}"))
    return lineage


def _features(text: Text, sources: Path) -> Iterator[Feature | FleetError]:
    for index, entry in enumerate(text.data.get("features", [])):
        ((kind, options),) = entry.items()
        try:
            yield KINDS[kind].read(options, text.place(("features", index, kind)), sources)
        except FleetError as error:
            yield error


def _trials(text: Text, sources: Path) -> Iterator[Trial | FleetError]:
    for index, entry in enumerate(text.data.get("tests", [])):
        ((kind, options),) = entry.items()
        try:
            yield TRIAL_KINDS[kind].read(options, text.place(("tests", index, kind)), sources)
        except FleetError as error:
            yield error


def _artifacts(entries: Sequence[Mapping[str, t.Any]]) -> Iterator[Artifact]:
    for entry in entries:
        for kind, options in entry.items():
            yield ARTIFACT_KINDS[kind](**options)


def _faults(text: Text) -> Iterator[InputError]:
    """Where the data breaks the schema, in the order of the file."""
    if not isinstance(text.data, dict):
        yield InputError("a definition is a mapping", where=str(text.place(())), way_out="Begin with image:")
        return
    errors = jsonschema.Draft202012Validator(definition_schema()).iter_errors(text.data)
    for error in sorted(errors, key=lambda error: text.place(tuple(error.absolute_path))):
        steps: Steps = tuple(error.absolute_path)
        unknown = _unknown(error)
        if not unknown:
            what, way_out = _told(error)
            yield InputError(what, where=str(text.place(steps)), way_out=way_out)
        for name in unknown:
            known = sorted(error.schema["properties"])
            near = difflib.get_close_matches(name, known, n=1)
            way_out = f"Was {near[0]} meant?" if near else f"There are {', '.join(known)}"
            where = str(text.place((*steps, name)))
            yield InputError(f"{name!r} is not known here", where=where, way_out=way_out)


def _unknown(error: t.Any) -> Sequence[str]:
    if error.validator != "additionalProperties":
        return ()
    return sorted(set(error.instance) - set(error.schema["properties"]))


def _told(error: t.Any) -> tuple[str, str]:
    """A fault as a person wants to read it: what, and the way out."""
    option = next((f"{step}: " for step in reversed(error.absolute_path) if isinstance(step, str)), "")
    rule = error.schema.get("description", "")
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"{option}{missing!r} is missing", ""
    if error.validator == "type":
        wanted = _NOUNS.get(error.validator_value, error.validator_value)
        return f"{option}must be {wanted}, is {_NOUNS.get(_type(error.instance), 'nothing')}", rule
    if error.validator in ("pattern", "enum"):
        return f"{option}{error.instance!r} will not do", rule
    if error.validator == "minItems":
        return f"{option}is empty", rule
    if error.validator in ("minProperties", "maxProperties"):
        return f"{option}an entry has one key, its kind; here are {len(error.instance)}", ""
    if error.validator == "oneOf" and not error.absolute_path:
        return "an image has either a parent, or a snapshot, or a channel", "Give one of them"
    return f"{option}{error.message}", rule


_NOUNS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
}


def _type(value: t.Any) -> str:
    types = {dict: "object", list: "array", str: "string", int: "integer", bool: "boolean"}
    return types.get(type(value), "")
