# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An image and its parents, checked from the first of them on: what one provides the next builds upon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.osaas.fleet.plugins.module_utils._errors import AllErrors, FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._image.context import Context
from ansible_collections.osaas.fleet.plugins.module_utils._image.definition import Definition
from ansible_collections.osaas.fleet.plugins.module_utils._image.graph import Ordered, arrange
from ansible_collections.osaas.fleet.plugins.module_utils._image.ids import Ids, check_ids
from ansible_collections.osaas.fleet.plugins.module_utils._image.world import Known


@dataclass(frozen=True)
class Arranged:
    """One image of the lineage with its features in order, and all numbers that it may use."""

    definition: Definition
    ordered: Ordered
    ids: Ids


def arrange_lineage(
    lineage: Sequence[Definition],
    packages: Mapping[str, Iterable[Known]] | None = None,
    context: Context | None = None,
) -> list[Arranged]:
    """Check every image, the first parent first. `packages` has what packages bring to an image, by its name.

    Without a `context`, what features cannot know without it is not checked.

    Raises AllErrors with the faults of the first image that has any: those of its children may follow.
    """
    arranged: list[Arranged] = []
    known: tuple[Known, ...] = ()
    ids: Ids | None = None
    for definition in lineage:
        errors: list[FleetError] = list(check_ids(definition.ids, definition.features, ids))
        features = list(definition.features)
        if context is not None:
            features = [feature.within(context) for feature in features]
        try:
            ordered = arrange(features, (*known, *(packages or {}).get(definition.name, ())))
        except AllErrors as error:
            raise AllErrors([*errors, *error.errors]) from error
        if errors:
            raise AllErrors(errors)
        ids = definition.ids if ids is None else definition.ids.over(ids)
        known = tuple(replace(one, provider=f"the parent {definition.name}") for one in ordered.items)
        arranged.append(Arranged(definition, ordered, ids))
    return arranged
