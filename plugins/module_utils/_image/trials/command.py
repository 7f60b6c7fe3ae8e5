# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A command that must succeed in the image."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.text import Place
from ansible_collections.osaas.fleet.plugins.module_utils._image.trial import Subject, Trial


@dataclass(frozen=True)
class CommandTrial(Trial, kind="command"):
    """It runs without network and without a shell, and cannot change the image."""

    argv: tuple[str, ...]
    status: int = 0
    output: str | None = None

    about: t.ClassVar = "A command that is run in the image, which it cannot change, without network."
    options: t.ClassVar = {
        "argv": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "description": "The program, an absolute path in the image, and its arguments.",
        },
        "status": {"type": "integer", "minimum": 0, "maximum": 255, "default": 0},
        "output": {
            "type": "string",
            "description": "A regular expression that must be found in what it writes to standard output.",
        },
    }
    required: t.ClassVar = ("argv",)

    @classmethod
    def read(cls, options: Mapping[str, t.Any], place: Place, sources: Path) -> Trial:
        try:
            re.compile(options.get("output", ""))
        except re.error as error:
            raise InputError(f"output is no regular expression: {error}", where=str(place)) from error
        return super().read(options, place, sources)

    def faults(self, subject: Subject) -> Iterator[str]:
        done = subject.run(self.argv)
        if done.status != self.status:
            last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
            yield f"{self.argv[0]} ended with status {done.status}, not {self.status}: {last}"
        elif self.output is not None and not re.search(self.output, done.stdout, re.MULTILINE):
            first = (done.stdout.strip() or "nothing").splitlines()[0]
            yield f"{self.argv[0]} wrote no {self.output!r}, but {first!r}"
