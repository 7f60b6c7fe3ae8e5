# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Verify a store: read everything again, and hold every file, link and record against what it must be.

It takes no lock, for it may take hours: what a sync or a prune changes meanwhile is looked at as it is then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store, disk_errors
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_fault import DAMAGED, Fault
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_images import check_images
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_links import check_links, used_trees
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_objects import Objects, read_objects
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_record import TreeName
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verify_trees import check_tree


@dataclass(frozen=True)
class Verified:
    """What a store came to; `objects` knows which files are good, `keys` are those that manifests need."""

    objects: Objects
    trees: int
    faults: tuple[Fault, ...]
    keys: tuple[Path, ...]


def verify(store: Store, runner: Runner, tell: Callable[[str], None], keys: Sequence[Path]) -> Verified:
    """Find all faults of a store; `tell` gets a line for a person now and then.

    With `keys` (files), every manifest must be signed by one of them.
    """
    with disk_errors(store):
        objects = read_objects(store, tell)
        names = sorted(_trees(store) | used_trees(store).keys())
        faults = [*check_trees(store, runner, objects, names), *check_images(store, runner, objects, keys)]
        links = check_links(store, runner, keys)
        found = (*merge(store, [*objects.faults, *faults]), *links)
        return Verified(objects, len(names), found, tuple(keys))


def check_trees(store: Store, runner: Runner, objects: Objects, names: Iterable[TreeName]) -> Iterator[Fault]:
    """All faults of these trees. One that goes meanwhile, and that nothing points at, has none."""
    for name in names:
        faults = check_tree(store, runner, objects, name)
        if faults and (store.tree(*name).is_dir() or name in used_trees(store)):
            yield from faults


def merge(store: Store, faults: Iterable[Fault]) -> list[Fault]:
    """One fault for each file, with all its places, and the releases that it hits."""
    merged: dict[tuple[str, str], Fault] = {}
    for fault in faults:
        # A file is what it must be, by whatever name; anything else is its path.
        key = (fault.file.algorithm, fault.file.digest) if fault.file else (fault.what, fault.path)
        first = merged.get(key)
        merged[key] = _both(first, fault) if first else fault
    used = used_trees(store)
    return [replace(merged[key], snapshots=_snapshots(merged[key], used)) for key in sorted(merged)]


def _both(one: Fault, other: Fault) -> Fault:
    """Damage is worse than absence; upstream's name of the file is needed to fetch it."""
    worse = other if other.what == DAMAGED and one.what != DAMAGED else one
    file = one.file if one.file and one.file.href else other.file
    return replace(
        worse,
        why=worse.why or one.why or other.why,
        bytes=max(one.bytes, other.bytes),
        places=tuple(sorted({*one.places, *other.places})),
        repositories=tuple(sorted({*one.repositories, *other.repositories})),
        images=tuple(sorted({*one.images, *other.images})),
        file=file,
    )


def trees_of(fault: Fault) -> set[TreeName]:
    """The trees that its places are in."""
    return {TreeName(*place.split("/")[1:3]) for place in fault.places if place.startswith("trees/")}


def _snapshots(fault: Fault, used: dict[TreeName, set[str]]) -> tuple[str, ...]:
    hit = {snapshot for tree in trees_of(fault) for snapshot in used.get(tree, ())}
    return tuple(sorted({*fault.snapshots, *hit}))


def _trees(store: Store) -> set[TreeName]:
    found = store.root.glob("trees/*/[!.]*")
    return {TreeName(path.parent.name, path.name) for path in found if path.is_dir()}
