# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What makes file systems and disks: tools in a sandbox, and ids that are the same for the same thing."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed
from ansible_collections.osaas.fleet.plugins.module_utils._image.sandbox import Sandbox


class Workbench(t.Protocol):
    """Where tools run. A finished image is one, for what is made of it alone."""

    def uuid(self, of: str) -> str:
        """An id for a thing that is made here."""

    def run(self, argv: list[str], writes: Path, stdin: str | None = None) -> Completed:
        """Run a tool that writes to a directory. Raises CommandError."""


@dataclass(frozen=True)
class Bench:
    """A workbench for what is made of several things. `seed` is a digest of all of them, in hexadecimal."""

    tools: Sandbox
    reads: tuple[Path, ...]
    seed: str

    def uuid(self, of: str) -> str:
        """See Workbench."""
        return str(uuid5(UUID(self.seed[:32]), of))

    def run(self, argv: list[str], writes: Path, stdin: str | None = None) -> Completed:
        """See Workbench."""
        return self.tools.run_tool(argv, reads=self.reads, writes=writes, stdin=stdin)
