# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Links, manifests and the map of a store: each must point where its kind points, at what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._files import read_json
from ansible_collections.osaas.fleet.plugins.module_utils._names import SNAPSHOT_ID, is_release_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.dated import at_map
from ansible_collections.osaas.fleet.plugins.module_utils._repo.manifest_signature import unsigned
from ansible_collections.osaas.fleet.plugins.module_utils._repo.release import place
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import MANIFEST as NAME
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import (
    MANIFEST_SIGNATURE,
    read_snapshot,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import (
    FOREIGN,
    LINK,
    MANIFEST,
    Fault,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_manifest import (
    check_manifest,
    check_modes,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_record import TreeName

TREE = re.compile(r"(?:\.\./)+trees/([^/]+)/([^/]+)")


def used_trees(store: Store) -> dict[TreeName, set[str]]:
    """The trees that a mirror or a snapshot points at, each with the ids of these snapshots."""
    used: dict[TreeName, set[str]] = {}
    for pattern in ("mirrors/*", "superseded/mirrors/*", "snapshots/*/*"):
        for link in store.root.glob(pattern):
            name = _tree_of(link)
            if name is not None:
                snapshot = link.parent.name
                used.setdefault(name, set()).update({snapshot} if SNAPSHOT_ID.fullmatch(snapshot) else ())
    return used


def check_links(store: Store, runner: Runner, keys: Sequence[Path]) -> Iterator[Fault]:
    """All that is wrong with mirrors, snapshots, channels and the map of dated addresses.

    With `keys` (files) every manifest must be signed by one of them.
    """
    snapshots = [path for path in store.snapshots.glob("*") if SNAPSHOT_ID.fullmatch(path.name)]
    for path in snapshots:
        yield from _snapshot(store, path)
    for path, why in unsigned(runner, snapshots, keys):
        yield Fault(MANIFEST, f"snapshots/{path.name}/{MANIFEST_SIGNATURE}", why, snapshots=(path.name,))
    for pattern, depth in (("mirrors/*", 1), ("superseded/mirrors/*", 2)):
        for link in store.root.glob(pattern):
            if not link.name.startswith("."):
                yield from _mirror(store, link, "../" * depth)
    for pattern, up in (("channels/*", "../"), ("superseded/channels/*", "../../")):
        for link in store.root.glob(pattern):
            if not link.name.startswith(".") and link.suffix != ".json":
                yield from _channel(store, link, up)
    dated = store.root / "at.map"
    expected = at_map(path.name for path in snapshots)
    if (dated.read_text(encoding="utf-8") if dated.is_file() else "") != expected:
        yield Fault(LINK, "at.map", "it is not the map of the snapshots that there are")


def _snapshot(store: Store, path: Path) -> Iterator[Fault]:
    fault = check_manifest(store, path)
    if fault and fault.path.endswith(f"/{NAME}"):
        yield fault
        return
    try:
        manifest = read_snapshot(store, path.name)
    except FleetError as error:
        if path.is_dir():  # else a prune was faster
            yield Fault(MANIFEST, f"snapshots/{path.name}", error.what, snapshots=(path.name,))
        return
    if fault:
        yield fault
    yield from check_modes(store, path)
    for name, part in manifest.repositories.items():
        link, target = path / name, f"../../trees/{name}/{part.tree}"
        if _target(link) != target or not link.is_dir():
            yield Fault(
                LINK,
                f"snapshots/{path.name}/{name}",
                _points(link),
                repositories=(name,),
                snapshots=(path.name,),
                target=target,
            )
    for link in path.iterdir():
        if link.is_symlink() and link.name not in manifest.repositories:
            why = f"the manifest does not know it; {_points(link)}"
            yield Fault(FOREIGN, f"snapshots/{path.name}/{link.name}", why, snapshots=(path.name,))


def _mirror(store: Store, link: Path, up: str) -> Iterator[Fault]:
    """Where a mirror has to point nobody else knows: the next sync makes it again."""
    name = _tree_of(link)
    good = f"{up}trees/{link.name}/{name.tree}" if name else ""
    if _target(link) != good or not link.is_dir():
        yield Fault(LINK, str(link.relative_to(store.root)), _points(link), repositories=(link.name,))


def _channel(store: Store, link: Path, up: str) -> Iterator[Fault]:
    """Its history tells where it was last moved; where it pointed before that is not worth a repair."""
    release = _target(link).rpartition("/")[2]
    if is_release_id(release) and _target(link) == f"{up}{place(release)}" and link.is_dir():
        return
    target = _last_move(store, link.name) if link.parent == store.channels else ""
    yield Fault(LINK, str(link.relative_to(store.root)), _points(link), target=target)


def _last_move(store: Store, channel: str) -> str:
    try:
        moves = read_json(store.channels / f"{channel}.json") or []
        told = [move["to"] for move in moves if (store.root / place(move["to"])).is_dir()]
    except (ValueError, TypeError, KeyError):  # the history is damaged too
        return ""
    return f"../{place(told[-1])}" if told else ""


def _tree_of(link: Path) -> TreeName | None:
    found = TREE.fullmatch(_target(link))
    return TreeName(found[1], found[2]) if found else None


def _target(link: Path) -> str:
    return str(link.readlink()) if link.is_symlink() else ""


def _points(link: Path) -> str:
    if link.is_symlink():
        return f"it points at {link.readlink()}{'' if link.exists() else ', which is not there'}"
    return "it is no link" if link.exists() else "it is not there"
