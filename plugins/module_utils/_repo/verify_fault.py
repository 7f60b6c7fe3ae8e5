# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What can be wrong in a store, as values."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import RemoteFile
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import TreeRecord

DAMAGED = "damaged"  # other bytes than its checksum says
MISSING = "missing"  # a tree, or the objects, should have it
MODE = "mode"
LINK = "link"
RECORD = "record"
MANIFEST = "manifest"
FOREIGN = "foreign"  # nothing of the store's, and yet in it


@dataclass(frozen=True)
class Fault:
    """Something in the store that is not as it must be, and why; paths are below the store.

    `path` is the object for a file whose sha256 is known, else the first of its `places` in trees and
    images. `bytes` is the size as far as it is known. The last three are what a repair needs: what a file
    must be, where a link must point ("": nowhere), what a record must say.
    """

    what: str
    path: str
    why: str
    bytes: int = 0
    places: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    file: RemoteFile | None = None
    target: str = ""
    record: TreeRecord | None = None

    def to_dict(self) -> dict[str, t.Any]:
        """As the module returns it."""
        return {
            "what": self.what,
            "path": self.path,
            "why": self.why,
            "bytes": self.bytes,
            "repositories": list(self.repositories),
            "snapshots": list(self.snapshots),
            "images": list(self.images),
        }
