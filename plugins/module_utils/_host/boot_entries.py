# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Boot loader entries of type 1 with boot counting, as systemd-boot reads, orders and renames them.

Sources: the UAPI group's Boot Loader Specification and Version Format Specification, systemd's "Automatic
Boot Assessment", and the order that systemd-boot itself follows.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cmp_to_key
from itertools import zip_longest

from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError

_FILE_NAME = re.compile(r"(?P<name>.+?)(?:\+(?P<left>\d+)(?:-(?P<done>\d+))?)?\.conf")
_TOKEN = re.compile(r"[0-9]+|[A-Za-z]+|[-~^.]")
_MANY = ("initrd", "options")  # keys that may stand in an entry more than once


@dataclass(frozen=True)
class BootEntry:
    """One way to boot. `tries_left` is None for an entry that is known to be good: nothing counts it.

    `linux` and `initrd` are paths on the partition of the entry, from its root.
    """

    name: str
    title: str = ""
    version: str = ""
    sort_key: str = ""
    machine_id: str = ""
    linux: str = ""
    initrd: tuple[str, ...] = field(default=())
    options: tuple[str, ...] = field(default=())
    tries_left: int | None = None
    tries_done: int = 0

    @property
    def file_name(self) -> str:
        """Its name below loader/entries, which holds the counters."""
        if self.tries_left is None:
            return f"{self.name}.conf"
        done = f"-{self.tries_done}" if self.tries_done else ""
        return f"{self.name}+{self.tries_left}{done}.conf"

    def text(self) -> str:
        """The content of the file."""
        pairs = [
            ("title", self.title),
            ("version", self.version),
            ("machine-id", self.machine_id),
            ("sort-key", self.sort_key),
            ("linux", self.linux),
            *(("initrd", one) for one in self.initrd),
            ("options", " ".join(self.options)),
        ]
        return "".join(f"{key} {value}\n" for key, value in pairs if value)

    @property
    def given_up(self) -> bool:
        """Whether it has failed as often as it may: it is booted only if nothing else is there."""
        return self.tries_left == 0

    def tried(self) -> BootEntry:
        """What the loader makes of it before it boots it."""
        if self.tries_left is None:
            return self
        return replace(self, tries_left=max(0, self.tries_left - 1), tries_done=self.tries_done + 1)

    def blessed(self) -> BootEntry:
        """What becomes of it when its boot has come to boot-complete.target."""
        return replace(self, tries_left=None, tries_done=0)


def parse_entry(file_name: str, text: str) -> BootEntry:
    """Read an entry. Raises HostError if its name is not that of one; unknown keys are passed over."""
    found = _FILE_NAME.fullmatch(file_name)
    if found is None:
        raise HostError("is not the name of a boot entry", where=file_name, way_out="Expected NAME.conf")
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _blank, value = line.strip().partition(" ")
        if value and not key.startswith("#"):
            values.setdefault(key, []).append(value.strip())
    single = {key: given[-1] for key, given in values.items() if key not in _MANY}
    left, done = found["left"], found["done"]
    return BootEntry(
        name=found["name"],
        title=single.get("title", ""),
        version=single.get("version", ""),
        sort_key=single.get("sort-key", ""),
        machine_id=single.get("machine-id", ""),
        linux=single.get("linux", ""),
        initrd=tuple(values.get("initrd", ())),
        options=tuple(word for line in values.get("options", ()) for word in line.split()),
        tries_left=None if left is None else int(left),
        tries_done=int(done or 0),
    )


def boot_order(entries: Collection[BootEntry]) -> tuple[BootEntry, ...]:
    """As the loader lists them; it boots the first, unless told otherwise for one boot."""
    return tuple(sorted(entries, key=cmp_to_key(_compare)))


def compare_versions(one: str, other: str) -> int:
    """-1, 0 or 1, as `systemd-analyze compare-versions` says (UAPI Version Format Specification)."""
    left, right = _TOKEN.findall(one), _TOKEN.findall(other)
    for mine, its in zip_longest(left, right, fillvalue=""):
        taken = _marks(mine, its, "~")
        if taken is None and not (mine and its):
            taken = _sign(bool(mine), bool(its))
        if taken is None:
            taken = _marks(mine, its, "-", "^", ".")
        if taken is None:
            taken = _sign(mine.isdigit(), its.isdigit())  # a number is newer than letters
            taken = taken or (_sign(int(mine), int(its)) if mine.isdigit() else _sign(mine, its))
        if taken:
            return taken
    return 0


def _marks(mine: str, its: str, *marks: str) -> int | None:
    """The one that stands at a mark is older; 0 if both do, None if neither does."""
    for mark in marks:
        if mark in (mine, its):
            return _sign(its == mark, mine == mark)
    return None


def _compare(one: BootEntry, other: BootEntry) -> int:
    """What has tries left, or needs none, comes first; the rest is by sort key, and newer versions first."""
    order = _sign(one.given_up, other.given_up) or _sign(not one.sort_key, not other.sort_key)
    if not order and one.sort_key:
        order = (
            _sign(one.sort_key, other.sort_key)
            or _sign(one.machine_id, other.machine_id)
            or -compare_versions(one.version, other.version)
        )
    order = order or -compare_versions(one.name.lower(), other.name.lower())
    if order or one.tries_left is None or other.tries_left is None:
        return order
    return _sign(other.tries_left, one.tries_left) or _sign(one.tries_done, other.tries_done)


def _sign(one: t.Any, other: t.Any) -> int:
    return int(one > other) - int(one < other)
