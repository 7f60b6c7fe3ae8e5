# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Dated addresses: at/<moment>/ is the newest snapshot at or before that moment.

The moments are without number, so they cannot be links: the store has a file of patterns, newest snapshot
first, for nginx's `map`, which takes the first one that fits and needs a reload to see a new one.
A moment is written like a snapshot id, with or without its seconds: 20261122T174400Z or 20261122T1744Z.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.osaas.fleet.plugins.module_utils._files import write_atomic
from ansible_collections.osaas.fleet.plugins.module_utils._names import SNAPSHOT_ID
from ansible_collections.osaas.fleet.plugins.module_utils._repo.store import Store

SECONDS = slice(13, 15)  # of an id


def at_map(snapshots: Iterable[str]) -> str:
    """The lines of a map from moments to snapshot ids, in nginx's language."""
    return "".join(f'"~^(?:{_not_before(one)})$" {one};\n' for one in sorted(snapshots, reverse=True))


def write_at_map(store: Store) -> bool:
    """Bring the map up to date with the snapshots that there are; returns whether it changed."""
    ids = (path.name for path in store.snapshots.glob("*") if SNAPSHOT_ID.fullmatch(path.name))
    return write_atomic(store.root / "at.map", at_map(ids).encode())


def _not_before(snapshot: str) -> str:
    """A pattern of all moments from this one on: at some digit they are greater, and equal before it."""
    minute = snapshot[: SECONDS.start]
    later = [
        f"{minute[:place]}[{int(digit) + 1}-9]{_rest(minute[place + 1 :])}(?:[0-9]{{2}})?Z"
        for place, digit in enumerate(minute)
        if digit in "012345678"
    ]
    seconds = snapshot[SECONDS]
    same = [f"{minute}{seconds}Z"]
    same += [f"{minute}[{int(seconds[0]) + 1}-9][0-9]Z"] if seconds[0] != "9" else []
    same += [f"{minute}{seconds[0]}[{int(seconds[1]) + 1}-9]Z"] if seconds[1] != "9" else []
    same += [f"{minute}Z"] if seconds == "00" else []
    return "|".join([*later, *same])


def _rest(text: str) -> str:
    return "".join("T" if one == "T" else "[0-9]" for one in text)
