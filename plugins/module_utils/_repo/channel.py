# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Channels: named pointers to releases, moved in one step, with a history of who moved them and why.

The history is written before the link is swapped. A last entry that the link does not bear out was never
carried out (a kill came in between); readers and the next move leave it out.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._files import link_atomic, read_json, write_json
from ansible_collections.osaas.fleet.plugins.module_utils._names import IMAGE_ID, check_name, is_release_id
from ansible_collections.osaas.fleet.plugins.module_utils._repo.published import (
    Published,
    published,
    read_image,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.release import place, read_release
from ansible_collections.osaas.fleet.plugins.module_utils._repo.snapshot import Manifest, read_snapshot
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import (
    Store,
    disk_errors,
    make_directory,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.verdict import Verdict, read_verdict


@dataclass(frozen=True)
class Channel:
    """Where a channel points, and where it pointed before this move (None: it is new)."""

    name: str
    release: str
    previous: str | None

    @property
    def changed(self) -> bool:
        """Whether it moved."""
        return self.release != self.previous

    def to_dict(self) -> dict[str, t.Any]:
        """As the module returns it."""
        return asdict(self)


def channels(store: Store) -> dict[str, str]:
    """Channel names and the ids of the releases they point at."""
    return _pointers(store.channels)


def channels_before(store: Store) -> dict[str, str]:
    """The same, before their last move."""
    return _pointers(store.superseded / "channels")


def _pointers(directory: Path) -> dict[str, str]:
    links = [link for link in directory.glob("*") if link.is_symlink()]
    return {link.name: link.readlink().name for link in sorted(links)}


def history(store: Store, name: str) -> list[dict[str, t.Any]]:
    """The moves of a channel, oldest first: time, from, to, who, reason."""
    entries: list[dict[str, t.Any]] = read_json(store.channels / f"{name}.json") or []
    if entries and entries[-1]["to"] != channels(store).get(name):
        del entries[-1]
    return entries


def preview_move(store: Store, name: str, release: str, *, require_check: bool = False) -> Channel:
    """What move() would do.

    Raises InputError for a bad name, or a release that does not exist, failed its checks, or was never
    checked though it has to be.
    """
    check_name(name, where="name")
    if is_release_id(name) or name.endswith(".json"):
        raise InputError(
            f"{name!r} is taken: ids of releases and names that end in .json are no channels", where="name"
        )
    read_release(store, release)
    _check_verdict(read_verdict(store, release), release, require_check)
    return Channel(name, release, channels(store).get(name))


def move(
    store: Store, name: str, release: str, *, who: str, reason: str, require_check: bool = False
) -> Channel:
    """Point the channel at `release` and record who moved it and why."""
    with disk_errors(store), store.lock():
        channel = preview_move(store, name, release, require_check=require_check)
        if channel.changed:
            entry = {
                "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "from": channel.previous,
                "to": release,
                "who": who,
                "reason": reason,
            }
            make_directory(store.channels)
            if channel.previous:
                before = store.superseded / "channels"
                make_directory(before)
                link_atomic(before / name, f"../../{place(channel.previous)}")
            write_json(store.channels / f"{name}.json", [*history(store, name), entry])
            link_atomic(store.channels / name, f"../{place(release)}")
    return channel


def _check_verdict(verdict: Verdict | None, release: str, require_check: bool) -> None:
    if verdict is None:
        if require_check:
            way_out = "Check it with snapshot_check"
            if IMAGE_ID.fullmatch(release):
                way_out = "Give its definition tests, run image_test, and publish it again"
            raise InputError("it was never checked", where=release, way_out=way_out)
    elif not verdict.passed:
        raise InputError(
            f"it failed its checks of {verdict.time}: {verdict.reasons[0]}",
            where=release,
            way_out="Mend it in a new release; a check that passes lifts this",
        )


def resolve(store: Store, name: str) -> Manifest:
    """The snapshot with this id, or the one that the channel of this name points at. Raises InputError."""
    release = resolve_id(store, name)
    if IMAGE_ID.fullmatch(release):
        raise InputError(f"it is no snapshot, but the image {release}", where=name)
    return read_snapshot(store, release)


def find_images(store: Store, name: str | None) -> list[Published]:
    """The image with this id, or that the channel of this name points at, or all of this name, newest first.

    All that there are if no name is given. Raises InputError if there is none of this name.
    """
    images = published(store)
    named = [image for image in images if name in (None, image.name)]
    if name is None or named:
        return named
    release = resolve_id(store, name)
    if not IMAGE_ID.fullmatch(release):
        raise InputError(f"it is no image, but the snapshot {release}", where=name)
    return [read_image(store, release)]


def resolve_id(store: Store, name: str) -> str:
    """The id itself, or that of the release that the channel of this name points at. Raises InputError."""
    if is_release_id(name):
        return name
    target = channels(store).get(name)
    if target is None:
        raise InputError(
            "there is no release or channel of this name",
            where=name,
            way_out=f"Known channels: {', '.join(channels(store)) or 'none'}",
        )
    return target
