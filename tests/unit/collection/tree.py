# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of this checkout, as git sees them: tracked, and new ones that it would not ignore."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@cache
def files() -> tuple[Path, ...]:
    """Relative paths, sorted. Outside a git checkout there is nothing to test: git's error ends the run."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(sorted(Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()))


def plugins(kind: str) -> tuple[str, ...]:
    """Names of the plugins of one kind (`modules`, `action`, …)."""
    return tuple(
        path.stem for path in files() if path.parts[:2] == ("plugins", kind) and path.suffix == ".py"
    )
