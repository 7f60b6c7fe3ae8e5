# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Numbers of users and groups. They stand in definitions: the builder never chooses one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Feature
from ansible_collections.osaas.fleet.plugins.module_utils._image.item import GroupItem, UserItem
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place


@dataclass(frozen=True)
class Ids:
    """Numbers by name, and where they stand."""

    place: Place
    users: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, int] = field(default_factory=dict)

    def over(self, parent: Ids) -> Ids:
        """These, and those of the parent."""
        return Ids(self.place, {**parent.users, **self.users}, {**parent.groups, **self.groups})


def check_ids(ids: Ids, features: Sequence[Feature], parent: Ids | None = None) -> Iterator[InputError]:
    """What is wrong with the numbers that `features` need: missing, given twice, other than the parent's."""
    inherited = parent or Ids(ids.place)
    for kind, own, theirs in (
        ("user", ids.users, inherited.users),
        ("group", ids.groups, inherited.groups),
    ):
        for name in sorted(set(own) & set(theirs)):
            if own[name] != theirs[name]:
                what = f"{kind} {name} has the number {own[name]}, in the parent {theirs[name]}"
                yield InputError(what, where=str(ids.place), way_out="Keep it: files carry it")
        names: dict[int, str] = {}
        for name, number in sorted({**theirs, **own}.items()):
            other = names.setdefault(number, name)
            if other != name:
                what = f"{kind}s {other} and {name} have one number, {number}"
                yield InputError(what, where=str(ids.place), way_out="Give each its own")
    numbers = ids.over(inherited)
    for feature in features:
        for item in feature.provides():
            if isinstance(item, UserItem) and item.name not in numbers.users:
                yield _missing(feature, "user", item.name)
            if isinstance(item, GroupItem) and item.name not in numbers.groups:
                yield _missing(feature, "group", item.name)


def _missing(feature: Feature, kind: str, name: str) -> InputError:
    what = f"{kind} {name} has no number"
    return InputError(what, where=str(feature.place), way_out=f"Add it to ids: {kind}s: {name}: NUMBER")
