# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a tool, and say what it said if it fails."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from .errors import FleetError


def run(argv: Sequence[str]) -> str:
    """Standard output of `argv`; raises FleetError with the command and the last line it wrote."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["(it said nothing)"]
        raise FleetError(f"{' '.join(argv)}: exit {done.returncode}: {said[-1]}")
    return done.stdout
