# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Cutting a snapshot: of a set of mirrors as one unit, with holds applied."""

from __future__ import annotations

import tempfile
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import json_text, sync_directory
from ansible_collections.osaas.fleet.plugins.module_utils._names import snapshot_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.dated import write_at_map
from ansible_collections.osaas.fleet.plugins.module_utils._repo.held_tree import HeldTree, Workshop
from ansible_collections.osaas.fleet.plugins.module_utils._repo.hold import Effect, Hold
from ansible_collections.osaas.fleet.plugins.module_utils._repo.last_cut import (
    Ingredients,
    LastCut,
    recall,
    remember,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.manifest_files import (
    ManifestFiles,
    write_files,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.signing import SigningKey
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import (
    MANIFEST,
    Manifest,
    Part,
    snapshots,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import (
    Store,
    disk_errors,
    make_directory,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.tree import (
    existing_mirror,
    is_whole,
    mirror_names,
)


@dataclass(frozen=True)
class Order:
    """What to cut: mirrors by name (all, if there is none), for whom, with which holds, signed by whom."""

    repositories: tuple[str, ...] = ()
    creator: str | None = None
    holds: tuple[Hold, ...] = ()
    key: SigningKey | None = None


@dataclass(frozen=True)
class Cut:
    """The outcome of a cut. `before` is the newest snapshot when it began."""

    changed: bool
    manifest: Manifest
    before: Manifest | None


@dataclass(frozen=True)
class Prepared:
    """A cut that is planned: what the holds do, those that have `expired`, and trees to be built.

    They are all that the holds make of a new snapshot, and those of one that is there that lost something.
    `ingredients` are to be remembered, if it took holds to plan it.
    """

    cut: Cut
    effects: tuple[Effect, ...]
    expired: tuple[Hold, ...]
    trees: tuple[HeldTree, ...] = ()
    ingredients: Ingredients | None = None

    @property
    def changed(self) -> bool:
        """Whether anything was made."""
        return self.cut.changed or bool(self.trees)

    def holds(self) -> list[dict[str, t.Any]]:
        """What became of each hold, as the module returns it."""
        told = [{**effect.to_dict(), "outcome": effect.outcome} for effect in self.effects]
        return told + [{**Effect(hold).to_dict(), "outcome": "expired"} for hold in self.expired]

    def warnings(self) -> list[str]:
        """Holds that do nothing, and why."""
        lines = [
            f"{effect.hold}: nothing fits it that no hold before it took"
            for effect in self.effects
            if effect.outcome == "unmatched"
        ]
        return lines + [
            f"{hold}: it expired at {hold.until.isoformat()} and is ignored" for hold in self.expired
        ]


def plan_cut(
    existing: Sequence[Manifest],
    parts: Mapping[str, Part],
    holds: Iterable[Effect] = (),
    *,
    now: datetime,
    creator: str | None,
) -> Cut:
    """Decide which snapshot has `parts`: one of the `existing` (newest first), or a new one.

    A new one is later than all others, by a second at least, whatever the clock says: order is age. It names
    those of the `holds` that did something; to give one another reason or end alone makes no new snapshot.
    """
    before = existing[0] if existing else None
    for manifest in existing:
        if manifest.repositories == parts:
            return Cut(False, manifest, before)
    moment = now.replace(microsecond=0)
    if before is not None:
        moment = max(moment, datetime.fromisoformat(before.created) + timedelta(seconds=1))
    parent = before.id if before is not None else None
    applied = tuple(effect for effect in holds if effect.outcome == "applied")
    new = Manifest(snapshot_id(moment), moment.isoformat(), parent, creator, parts, applied)
    return Cut(True, new, before)


def preview_cut(store: Store, runner: Runner, order: Order) -> Prepared:
    """What cut() would do, and refuse. Raises InputError if a repo has no mirror, or there is none at all."""
    with tempfile.TemporaryDirectory() as scratch:
        return _prepare(store, runner, order, Path(scratch))


def cut(store: Store, runner: Runner, order: Order) -> Prepared:
    """Cut the mirrors as one unit; costs one link for each repo, and new trees for those that holds change.

    Raises InputError or AllErrors as preview_cut() does.
    """
    with disk_errors(store), store.lock():
        prepared = _prepare(store, runner, order, store.scratch)
        for tree in prepared.trees:
            tree.build(store)
        if prepared.trees:
            runner.run(["sync", "--file-system", str(store.root)])
        if prepared.cut.changed:
            _write(store, runner, prepared.cut.manifest, order.key)
        write_at_map(store)  # also where a killed run cut and came no further
        if prepared.ingredients:
            last = LastCut(prepared.cut.manifest, prepared.effects)
            remember(store, prepared.ingredients, snapshots(store), last)
    return prepared


def _prepare(store: Store, runner: Runner, order: Order, scratch: Path) -> Prepared:
    mirrors = {
        name: existing_mirror(store, name) for name in sorted(set(order.repositories or mirror_names(store)))
    }
    if not mirrors:
        raise InputError(
            "there is no mirror to cut", where=str(store.root), way_out="Sync a repository first"
        )
    now = datetime.now(timezone.utc)
    existing = snapshots(store)
    expired = tuple(hold for hold in order.holds if hold.until <= now)
    held: dict[str, HeldTree] = {}
    effects: list[Effect] = []
    holds = [hold for hold in order.holds if hold not in expired]
    ingredients = None
    if holds:
        parts = {name: Part.of(record) for name, record in mirrors.items()}
        ingredients = Ingredients.of(runner, parts, holds, order.key)
        last = recall(store, ingredients, existing)
        if last is not None:
            return Prepared(Cut(False, last.snapshot, existing[0]), last.effects, expired)
        held, effects = Workshop(store, runner, order.key, scratch).apply(holds, mirrors, existing)
    records = {name: held[name].record if name in held else record for name, record in mirrors.items()}
    parts = {name: Part.of(record) for name, record in records.items()}
    planned = plan_cut(existing, parts, effects, now=now, creator=order.creator)
    trees = tuple(
        tree for name, tree in held.items() if planned.changed or not is_whole(store, name, tree.record.tree)
    )
    return Prepared(planned, tuple(effects), expired, trees, ingredients)


def _write(store: Store, runner: Runner, manifest: Manifest, key: SigningKey | None) -> None:
    make_directory(store.snapshots)
    half = Path(tempfile.mkdtemp(prefix=f".{manifest.id}.", dir=store.snapshots))
    for name, part in manifest.repositories.items():
        (half / name).symlink_to(f"../../trees/{name}/{part.tree}")
    text = store.scratch / MANIFEST
    text.write_text(json_text(manifest.to_dict()), encoding="utf-8")
    signature = key.sign(runner, text).decode() if key else ""
    write_files(half, ManifestFiles(text.read_text(encoding="utf-8"), signature))
    half.chmod(0o555)
    half.rename(store.snapshots / manifest.id)
    sync_directory(store.snapshots)
