# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What features cannot know when their definition is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.osaas.fleet.plugins.module_utils._image.item import Item


@dataclass(frozen=True)
class Context:
    """The snapshot that packages come from, by id, digest and repos; and images that features copy from."""

    release: str = ""
    digest: str = ""
    repositories: tuple[str, ...] = ()
    images: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)
