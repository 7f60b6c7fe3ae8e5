# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What an image has otherwise than its parent, compared with what was agreed upon."""

from __future__ import annotations

import difflib
import typing as t
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ansible_collections.osaas.fleet.plugins.module_utils._image.changes import changes
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import Entry
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import PATH, TEXT
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject, Trial
from ansible_collections.osaas.fleet.plugins.module_utils._image.world import below


@dataclass(frozen=True)
class GoldenTrial(Trial, kind="golden"):
    """The file is reviewed as code is; image_test writes it with `accept`."""

    file: str
    exclude: tuple[str, ...] = ()

    about: t.ClassVar = "The difference between the image and its parent must be the one in a file."
    options: t.ClassVar = {
        "file": {**TEXT, "description": "The file, relative to the definition."},
        "exclude": {
            "type": "array",
            "items": PATH,
            "description": "Paths that are not compared, with all below them.",
        },
    }
    required: t.ClassVar = ("file",)

    def inputs(self) -> Iterable[str]:
        return [self.file]

    def difference(self, subject: Subject) -> str:
        """As it stands in the file: packages, then paths, one a line."""
        lines = [*_packages(subject), *self._paths(subject)]
        return "".join(f"{line}\n" for line in lines)

    def faults(self, subject: Subject) -> Iterator[str]:
        path = subject.sources / self.file
        if not path.is_file():
            yield f"there is no {self.file}: write it with accept of image_test, and review it"
            return
        old = path.read_text(encoding="utf-8").splitlines()
        for line in difflib.unified_diff(old, self.difference(subject).splitlines(), n=0, lineterm=""):
            if not line.startswith(("---", "+++", "@@")):
                yield line

    def _paths(self, subject: Subject) -> Iterator[str]:
        for change in changes(subject.before, subject.entries):
            if change.what == ("time",) or any(
                change.path == one or below(change.path, one) for one in self.exclude
            ):
                continue
            entry = subject.entries.get(change.path)
            yield f"{change} {_told(entry)}" if entry else str(change)


def _packages(subject: Subject) -> Iterable[str]:
    old, new = set(subject.packages_before), set(subject.packages)
    gone = [f"package {one} (removed)" for one in sorted(old - new)]
    return gone + [f"package {one} (added)" for one in sorted(new - old)]


def _told(entry: Entry) -> str:
    return f"{entry.mode:o} {entry.uid}:{entry.gid} {entry.content}".rstrip()
