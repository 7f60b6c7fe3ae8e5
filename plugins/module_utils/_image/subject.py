# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""An image that was built, as its tests see it."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.build import Builder
from ansible_collections.osaas.fleet.plugins.module_utils._image.built import built
from ansible_collections.osaas.fleet.plugins.module_utils._image.images import Images
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject


def subject_of(builder: Builder, appliance: str | None) -> tuple[str, Subject]:
    """The key of the image of a plan, and the image. Raises InputError if it was not built.

    Tools for it are those of an `appliance` or the builder's own.
    """
    plan, layers, tops = builder.plan, builder.layers, builder.tops()
    name = plan.images[-1].definition.name
    key = tops.get(name)
    if key is None or layers.find(key) is None:
        raise InputError(
            "the image is not there as its definition has it now", where=name, way_out="Build it"
        )
    parent = plan.images[-1].definition.parent or ""
    return key, Subject(
        runner=builder.runner,
        image=Images(layers).finish(built(plan, builder.stack(), {}), appliance),
        scratch=layers.directory,
        root=layers.root(key),
        epoch=plan.epoch,
        sources=builder.sources,
        entries=layers.entries(key),
        before=layers.entries(tops[parent]) if parent in tops else {},
        packages=plan.nevras,
        packages_before=plan.nevras_of(plan.images[:-1]),
    )
