# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What boot loaders decided, one line of JSON each; read by programs that have no collection at hand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Boot:
    """One decision: names of all entries before, the one that was chosen, names after, what came of it."""

    before: tuple[str, ...]
    entry: str
    after: tuple[str, ...]
    outcome: str


def note(record: Path, boot: Boot) -> None:
    """Add a decision."""
    with record.open("a") as stream:
        stream.write(json.dumps(asdict(boot)) + "\n")


def boots(record: Path) -> list[Boot]:
    """All decisions so far, oldest first."""
    lines = record.read_text().splitlines() if record.exists() else []
    found = [json.loads(line) for line in lines]
    return [Boot(tuple(one["before"]), one["entry"], tuple(one["after"]), one["outcome"]) for one in found]
