# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tools of the build machine: argument lists only, one clear line when one fails."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from .cache import DistroError


def run(arguments: Sequence[str], *, env: Mapping[str, str] | None = None) -> str:
    """Run a command with `env` added to the environment and return its standard output.

    Raises DistroError with the command's last words if it fails or is not installed.
    """
    try:
        done = subprocess.run(
            arguments,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise DistroError(f"{arguments[0]}: not found; install the testbed's packages first") from None
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()
        raise DistroError(f"{arguments[0]} failed with status {done.returncode}: {words[-1]}")
    return done.stdout
