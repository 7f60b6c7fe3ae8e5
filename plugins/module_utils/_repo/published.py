# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Images that were published: immutable releases, each a signed manifest and the artifacts that it names.

The release digest is the sha256 of the manifest: who knows it can prove every byte. The manifest is what the
builder wrote and signed, and says nothing of the publication; the id does.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass
from datetime import datetime

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._names import IMAGE_ID, check_name
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import MANIFEST
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store


@dataclass(frozen=True)
class PublishedFile:
    """One artifact; `size` is in bytes."""

    kind: str
    file: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Published:
    """A published image. `created` is ISO 8601, UTC; `snapshot` is what its packages come from.

    `digest` is the release digest, `content` that of all that is in the image.
    """

    id: str
    name: str
    created: str
    snapshot: str
    digest: str
    content: str
    packages: int
    artifacts: tuple[PublishedFile, ...]

    def to_dict(self) -> dict[str, t.Any]:
        """As modules return it."""
        return {**asdict(self), "bytes": sum(one.size for one in self.artifacts)}

    @classmethod
    def from_manifest(cls, id_: str, content: bytes) -> Published:
        """The image with this id and this manifest. Raises InputError if it is none."""
        found = IMAGE_ID.fullmatch(id_)
        try:
            raw = json.loads(content)
            if found is None or raw["image"] != found[1]:
                raise InputError("the manifest is that of another image", where=id_)
            return cls(
                id=id_,
                name=raw["image"],
                created=datetime.strptime(found[2], "%Y%m%dT%H%M%S%z").isoformat(),
                snapshot=raw["snapshot"],
                digest=sha256(content),
                content=raw["digest"],
                packages=len(raw["packages"]),
                artifacts=tuple(_file(id_, one) for one in raw["artifacts"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the manifest is damaged: {error!r}", where=id_) from error


def published(store: Store) -> list[Published]:
    """All of them, newest first."""
    ids = [found for path in store.images.glob("*") if (found := IMAGE_ID.fullmatch(path.name))]
    return [read_image(store, one[0]) for one in sorted(ids, key=lambda one: (one[2], one[1]), reverse=True)]


def read_image(store: Store, name: str) -> Published:
    """The image with this id. Raises InputError if there is none, StoreError if it is damaged."""
    path = store.images / name / MANIFEST
    try:
        return Published.from_manifest(name, path.read_bytes())
    except FileNotFoundError:
        way_out = f"See those in {store.images}"
        raise InputError("there is no such image", where=name, way_out=way_out) from None
    except InputError as error:
        raise StoreError(error.what, where=str(path)) from error


def _file(id_: str, raw: t.Mapping[str, t.Any]) -> PublishedFile:
    check_name(raw["file"], where=f"{id_}: {MANIFEST}")
    return PublishedFile(raw["kind"], raw["file"], raw["sha256"], raw["size"])
