# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Prove that an image depends on its definition and snapshot alone: build it a second time, elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.build import Builder
from ansible_collections.osaas.fleet.plugins.module_utils._image.changes import changes
from ansible_collections.osaas.fleet.plugins.module_utils._image.images import Images
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import Layers
from ansible_collections.osaas.fleet.plugins.module_utils._image.outputs import Output, Outputs


def verify_reproducible(
    builder: Builder, image: Finished, artifacts: Sequence[Artifact], made: Sequence[Output]
) -> None:
    """Build all layers and artifacts again. Raises VerificationError, which names what differs first."""
    where = builder.layers.directory
    with tempfile.TemporaryDirectory(prefix=".again-", dir=where.parent) as scratch:
        layers = Layers(Path(scratch) / "layers", builder.runner)
        with layers.lock():
            steps = list(replace(builder, layers=layers).build())
        key = steps[-1].layer.key
        for change in changes(builder.layers.entries(key), layers.entries(key)):
            what = f"{change} is not the same in a second build"
            raise VerificationError(what, where=image.name, way_out="Find what it depends on besides")
        Images(layers).record(image.built)
        again = Images(layers).finished(image.name, None)
        again = replace(again, tools=image.tools, appliance=image.appliance, others=image.others)
        outputs = Outputs(Path(scratch) / "artifacts" / image.name)
        for old, new in zip(made, outputs.make(again, artifacts)):
            if old != new:
                raise VerificationError(
                    f"{old.file} is not the same in a second build", where=image.name, way_out=WAY_OUT
                )


WAY_OUT = "Some file systems cannot be made the same twice, or not with these versions of their tools"
