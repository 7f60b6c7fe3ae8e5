# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""May this be published? Only what was made of the very image that passed its tests."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.definition import read_definition
from ansible_collections.osaas.fleet.plugins.module_utils._image.images import Images
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers
from ansible_collections.osaas.fleet.plugins.module_utils._image.outputs import MANIFEST
from ansible_collections.osaas.fleet.plugins.module_utils._image.publish import Made
from ansible_collections.osaas.fleet.plugins.module_utils._image.verdict import check_tested


def check_content(layers: Layers, made: Made, definitions: Path) -> bool:
    """Raises InputError unless it may; returns whether its definition has tests at all."""
    image = Images(layers)
    content = made.release(datetime.now(timezone.utc)).content
    if content != image.layer(made.name).summary.digest:
        raise InputError(
            "it was made of another build of the image than the last one",
            where=str(made.directory / MANIFEST),
            way_out="Build it again with artifacts, and test it",
        )
    trials = read_definition(definitions / f"{made.name}.yml").trials
    check_tested(layers, image.get(made.name).layers[-1], trials, definitions)
    return bool(trials)
