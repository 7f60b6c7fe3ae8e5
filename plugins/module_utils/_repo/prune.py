# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Prune: forget old releases, then the trees and files that nothing needs any more.

The order makes a killed run harmless: what is named goes before what it names, and the next run, or any
other writer, takes up what is left over.
"""

from __future__ import annotations

import typing as t
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import sync_directory
from ansible_collections.osaas.fleet.plugins.module_utils._names import SNAPSHOT_ID, check_release_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.channel import channels, channels_before
from ansible_collections.osaas.fleet.plugins.module_utils._repo.dated import write_at_map
from ansible_collections.osaas.fleet.plugins.module_utils._repo.published import Published, published
from ansible_collections.osaas.fleet.plugins.module_utils._repo.release import place
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest, snapshots
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store, disk_errors, remove


@dataclass(frozen=True)
class Policy:
    """What to keep: the newest `newest` snapshots, and images of each name; what is not older than `days`.

    And all of `releases`, which are ids.
    """

    newest: int
    days: int
    releases: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.newest < 1:
            raise InputError(f"{self.newest} is too small", where="keep_newest", way_out="Give 1 or more")
        if self.days < 0:
            raise InputError(f"{self.days} is too small", where="keep_days", way_out="Give 0 or more")
        for release in self.releases:
            check_release_id(release, where="keep")


@dataclass(frozen=True)
class Pruned:
    """What goes: ids of snapshots and images, trees (repo/digest), how many objects and downloads.

    `freed` is in bytes.
    """

    snapshots: tuple[str, ...]
    images: tuple[str, ...]
    trees: tuple[str, ...]
    objects: int
    partials: int
    freed: int
    kept: Mapping[str, str]

    @property
    def changed(self) -> bool:
        """Whether there is anything to remove."""
        return bool(self.snapshots or self.images or self.trees or self.objects or self.partials)

    def to_dict(self) -> dict[str, t.Any]:
        """As the module returns it."""
        return asdict(self)


def keep(
    existing: Sequence[Manifest | Published],
    pointers: Mapping[str, str],
    before: Mapping[str, str],
    policy: Policy,
    *,
    now: datetime,
) -> dict[str, str]:
    """Which of the `existing` snapshots, or images of one name, (newest first) stay, each with the reason.

    `pointers` are the channels, `before` where they pointed before their last move: they may be moved back,
    and clients may be half way in it.
    """
    kept: dict[str, str] = {}
    since = now - timedelta(days=policy.days)
    for rank, manifest in enumerate(existing):
        named = [name for name, target in pointers.items() if target == manifest.id]
        left = [name for name, target in before.items() if target == manifest.id]
        if named:
            kept[manifest.id] = f"channel {', '.join(named)}"
        elif manifest.id in policy.releases:
            kept[manifest.id] = "hosts run it or may go back to it"
        elif left:
            kept[manifest.id] = f"channel {', '.join(left)} before its last move"
        elif rank < policy.newest:
            kept[manifest.id] = f"one of the newest {policy.newest}"
        elif policy.days and datetime.fromisoformat(manifest.created) >= since:
            kept[manifest.id] = f"not older than {policy.days} days"
    return kept


def preview_prune(store: Store, policy: Policy) -> Pruned:
    """What prune() would remove, and exactly how many bytes that frees."""
    pointers, before, now = channels(store), channels_before(store), datetime.now(timezone.utc)
    cut, images = snapshots(store), published(store)
    kept = keep(cut, pointers, before, policy, now=now)
    for name in _names(images):
        kept.update(keep([one for one in images if one.name == name], pointers, before, policy, now=now))
    gone = [manifest.id for manifest in cut if manifest.id not in kept]
    gone += [image.id for image in images if image.id not in kept]
    trees = _unneeded_trees(store, kept)
    unlinked = _links([*trees, *(store.images / one.id for one in images if one.id not in kept)])
    objects = list(_unneeded_objects(store, unlinked))
    partials = list(store.root.glob("partial/*/*"))
    beside = [path for tree in trees for path in _beside(tree)]
    beside += [path for name in gone for path in (store.root / place(name)).glob("manifest.json*")]
    beside += [path for name in gone for path in [store.checks / f"{name}.json"] if path.exists()]
    return Pruned(
        snapshots=tuple(one.id for one in cut if one.id in gone),
        images=tuple(one.id for one in images if one.id in gone),
        trees=tuple(f"{tree.parent.name}/{tree.name}" for tree in trees),
        objects=len(objects),
        partials=len(partials),
        freed=sum(path.stat().st_size for path in [*objects, *partials, *beside]),
        kept=kept,
    )


def prune(store: Store, policy: Policy) -> Pruned:
    """Remove what `policy` does not keep."""
    with disk_errors(store), store.lock():
        planned = preview_prune(store, policy)
        for name in (*planned.snapshots, *planned.images):
            _hide(store.root / place(name))
            (store.checks / f"{name}.json").unlink(missing_ok=True)
        write_at_map(store)
        for name in planned.trees:
            tree = store.root / "trees" / name
            for path in _beside(tree):
                path.unlink()
            if tree.is_dir():
                _hide(tree)
        for path in _unneeded_objects(store, Counter()):
            path.unlink()
        for path in store.root.glob("partial/*/*"):
            path.unlink()
    return planned


def _unneeded_trees(store: Store, kept: Collection[str]) -> list[Path]:
    """Trees that neither a mirror, now or just before, nor a kept snapshot points at; lone records too."""
    mirrors = [*store.mirrors.iterdir(), *store.superseded.glob("mirrors/*")]
    links = [link for link in mirrors if link.is_symlink()]
    for path in store.snapshots.glob("*"):
        if SNAPSHOT_ID.fullmatch(path.name) and path.name in kept:
            links += [link for link in path.iterdir() if link.is_symlink()]
    needed = {(link.name, link.readlink().name) for link in links}
    found = {path.with_name(path.name.partition(".")[0]) for path in store.root.glob("trees/*/[!.]*")}
    return sorted(tree for tree in found if (tree.parent.name, tree.name) not in needed)


def _names(images: Iterable[Published]) -> list[str]:
    return sorted({one.name for one in images})


def _links(trees: Iterable[Path]) -> Counter[int]:
    """How many links of each inode go with these trees and images."""
    return Counter(path.stat().st_ino for tree in trees for path in tree.rglob("*") if path.is_file())


def _unneeded_objects(store: Store, unlinked: Mapping[int, int]) -> Iterable[Path]:
    """Objects that no tree or image has a link to, once those links are gone."""
    for path in store.root.glob("objects/sha256/*/*"):
        status = path.stat()
        if status.st_nlink - unlinked.get(status.st_ino, 0) == 1:
            yield path


def _beside(tree: Path) -> list[Path]:
    """What is known of a tree: its record and caches."""
    return sorted(tree.parent.glob(f"{tree.name}.*"))


def _hide(directory: Path) -> None:
    """Take it away in one step, then remove it; a dead run's are removed by the next writer."""
    directory.chmod(0o755)
    hidden = directory.with_name(f".{directory.name}.pruned")
    directory.rename(hidden)
    sync_directory(directory.parent)
    remove(hidden)
