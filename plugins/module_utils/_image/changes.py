# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What is different between two listings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import Entry


@dataclass(frozen=True)
class Change:
    """One path. `what` names the properties of an entry that differ; it is empty if the path came or went."""

    path: str
    kind: Literal["added", "removed", "changed"]
    what: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path} ({', '.join(self.what) or self.kind})"


def changes(before: Mapping[str, Entry], after: Mapping[str, Entry]) -> Iterator[Change]:
    """All differences, by path."""
    for path in sorted(before.keys() | after.keys()):
        if path not in before:
            yield Change(path, "added")
        elif path not in after:
            yield Change(path, "removed")
        else:
            old, new = before[path], after[path]
            differing = tuple(name for name in Entry._fields if getattr(old, name) != getattr(new, name))
            if differing:
                yield Change(path, "changed", differing)
