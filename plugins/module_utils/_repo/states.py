# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""States of repos out of their trees: what the mirrors have, and what snapshots had."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._repo.advisories import advised
from ansible_collections.osaas.fleet.plugins.module_utils._repo.holding import Row
from ansible_collections.osaas.fleet.plugins.module_utils._repo.metadata import read_packages, unpack_record
from ansible_collections.osaas.fleet.plugins.module_utils._repo.modules import read_modules, streams
from ansible_collections.osaas.fleet.plugins.module_utils._repo.source_builds import State


def read_state(runner: Runner, tree: Path, advisories: Collection[str]) -> State:
    """The state that a tree is, with the NEVRAs that these advisories name."""
    where = tree.parent.name
    with tempfile.TemporaryDirectory() as scratch:
        packages = read_packages(runner, tree, Path(scratch))
        modules = unpack_record(runner, tree, "modules", Path(scratch))
        known = streams(read_modules(modules, where=f"{where}: modules")) if modules else {}
        updates = unpack_record(runner, tree, "updateinfo", Path(scratch)) if advisories else None
        named = advised(updates, advisories, where=f"{where}: updateinfo") if updates else {}
    return State(tree, packages, known, named)


class Rows:
    """One state of each repo, row by row: of the mirrors, and of snapshots, newest first.

    A row is read when it is asked for, and each tree once.
    """

    def __init__(
        self, runner: Runner, rows: Sequence[Mapping[str, Path]], advisories: Collection[str]
    ) -> None:
        self._runner = runner
        self._trees = rows
        self._advisories = advisories
        self._states: dict[Path, State] = {}

    def __iter__(self) -> Iterator[Row]:
        for row in self._trees:
            yield {name: self._read(tree) for name, tree in row.items()}

    def _read(self, tree: Path) -> State:
        if tree not in self._states:
            self._states[tree] = read_state(self._runner, tree, self._advisories)
        return self._states[tree]
