# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Releases of either kind: what a channel may point at."""

from __future__ import annotations

from ansible_collections.osaas.fleet.plugins.module_utils._names import IMAGE_ID, check_release_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.published import Published, read_image
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest, read_snapshot
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store


def place(release: str) -> str:
    """Where the release with this id stands, below the store."""
    return f"images/{release}" if IMAGE_ID.fullmatch(release) else f"snapshots/{release}"


def read_release(store: Store, release: str) -> Manifest | Published:
    """The snapshot or image with this id. Raises InputError if there is none, StoreError if it is damaged."""
    check_release_id(release, where="release")
    read = read_image if IMAGE_ID.fullmatch(release) else read_snapshot
    return read(store, release)
