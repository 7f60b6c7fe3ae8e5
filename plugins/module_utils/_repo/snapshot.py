# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Snapshots: immutable dated cuts over a set of mirrors, each a manifest and one link per repo.

The release digest is the sha256 of the manifest without the digest itself: who knows it can prove every byte
that the snapshot names. No two snapshots share one, for the id is part of it. By hand:
jq -S 'del(.digest)' manifest.json | sha256sum
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError, StoreError
from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text, read_json
from ansible_collections.osaas.fleet.plugins.module_utils._names import SNAPSHOT_ID
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import sha256
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold import Effect
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store, tree_name
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import TreeRecord

MANIFEST = "manifest.json"
MANIFEST_SIGNATURE = "manifest.json.asc"
MANIFEST_COPY = "manifest.json.copy"


@dataclass(frozen=True)
class Part:
    """One repo in a snapshot. `signature_sha256` is that of repomd.xml.asc, "" if there is none.

    `derived` says why its metadata is not the upstream's, byte for byte; `left_out` are the kinds of records
    that it does without.
    """

    repomd_sha256: str
    revision: str
    packages: int
    bytes: int
    gpgcheck: bool
    repo_gpgcheck: bool
    signature_sha256: str = ""
    derived: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def tree(self) -> str:
        """The name of its tree."""
        return tree_name(self.repomd_sha256, self.signature_sha256)

    def to_dict(self) -> dict[str, t.Any]:
        """As it stands in manifest.json."""
        return {
            **asdict(self),
            "metadata": "derived" if self.derived else "verbatim",
            "derived": list(self.derived),
            "left_out": list(self.left_out),
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, t.Any]) -> Part:
        """The inverse of to_dict(). Raises TypeError if it is none."""
        given = {name: value for name, value in raw.items() if name != "metadata"}
        lists = {name: tuple(raw[name]) for name in ("derived", "left_out") if name in raw}
        return cls(**{**given, **lists})

    @classmethod
    def of(cls, record: TreeRecord) -> Part:
        """That tree, as a part of a snapshot."""
        return cls(**{one.name: getattr(record, one.name) for one in fields(cls)})


@dataclass(frozen=True)
class Manifest:
    """What a snapshot is. `created` is ISO 8601, UTC; `parent` is the id of the one cut before it.

    `holds` are those that made it another state than its mirrors were. `read_digest` is the release digest
    that it was read with, "" for one that is new.
    """

    id: str
    created: str
    parent: str | None
    creator: str | None
    repositories: Mapping[str, Part]
    holds: tuple[Effect, ...] = ()
    read_digest: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """The release digest."""
        return self.read_digest or _digest(self._undigested())

    def to_dict(self) -> dict[str, t.Any]:
        """As it stands in manifest.json, and as modules return it."""
        return {**self._undigested(), "digest": self.digest}

    def _undigested(self) -> dict[str, t.Any]:
        return {
            "id": self.id,
            "created": self.created,
            "parent": self.parent,
            "creator": self.creator,
            "repositories": {name: part.to_dict() for name, part in self.repositories.items()},
            "holds": [effect.to_dict() for effect in self.holds],
            "packages": sum(part.packages for part in self.repositories.values()),
            "bytes": sum(part.bytes for part in self.repositories.values()),
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, t.Any]) -> Manifest:
        """The inverse of to_dict(). Raises KeyError, TypeError or InputError if it is none."""
        parts = {name: Part.from_dict(part) for name, part in raw["repositories"].items()}
        holds = tuple(Effect.from_dict(effect) for effect in raw.get("holds", ()))
        return cls(raw["id"], raw["created"], raw["parent"], raw["creator"], parts, holds, raw["digest"])


def snapshots(store: Store) -> list[Manifest]:
    """All snapshots, newest first."""
    ids = [path.name for path in store.snapshots.glob("*") if SNAPSHOT_ID.fullmatch(path.name)]
    return [read_snapshot(store, name) for name in sorted(ids, reverse=True)]


def read_snapshot(store: Store, name: str) -> Manifest:
    """The snapshot with this id. Raises InputError if there is none, StoreError if it is damaged."""
    path = store.snapshots / name / MANIFEST
    try:
        raw = read_json(path)
        if raw is None:
            raise InputError(
                "there is no such snapshot", where=name, way_out=f"See those in {store.snapshots}"
            )
        # A manifest of old knows no holds, and a digest that was made in another way.
        if "holds" in raw and raw["digest"] != _digest({key: raw[key] for key in raw.keys() - {"digest"}}):
            raise StoreError("the manifest does not fit its digest", where=str(path))
        return Manifest.from_dict(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"the manifest is damaged: {error!r}", where=str(path)) from error


def _digest(undigested: Mapping[str, t.Any]) -> str:
    return sha256(json_text(undigested).encode())
