# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Artifacts as an operator asks for them apart from a definition: by the same rules."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact_kinds import ARTIFACT_KINDS
from ansible_collections.osaas.fleet.plugins.module_utils._image.libraries import jsonschema


def read_artifacts(raw: Sequence[Mapping[str, t.Any]]) -> list[Artifact]:
    """Entries like {"disk": {"root": "erofs"}}. Raises InputError for the first that breaks a rule."""
    return [_artifact(entry, f"artifacts[{number}]") for number, entry in enumerate(raw)]


def _artifact(entry: Mapping[str, t.Any], where: str) -> Artifact:
    kinds = ", ".join(sorted(ARTIFACT_KINDS))
    if len(entry) != 1 or next(iter(entry)) not in ARTIFACT_KINDS:
        raise InputError("an entry has one key, its kind", where=where, way_out=f"The kinds are {kinds}")
    ((name, options),) = entry.items()
    kind = ARTIFACT_KINDS[name]
    fault = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(kind.schema()).iter_errors(options or {})
    )
    if fault is not None:
        raise InputError(fault.message, where=".".join([where, name, *map(str, fault.absolute_path)]))
    return kind(**(options or {}))
