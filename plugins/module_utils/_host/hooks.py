# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""What the owner of a host wants done before and after packages change: executables in two directories."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError

_log = logging.getLogger("osaas.hooks")
_TIMED_OUT = (124, 137)  # timeout(1): after TERM, after KILL
_GRACE = 10  # seconds between the two


def run_hooks(runner: Runner, directory: Path, arguments: Sequence[str], *, timeout: float) -> None:
    """Run every executable of `directory`, in the order of their names, each for `timeout` seconds at most.

    Raises HostError, with its last line of output, for the first that fails. The rest is not run.
    """
    for hook in hooks_of(directory):
        limit = ["timeout", f"--kill-after={_GRACE}", f"{timeout:g}"]
        done = runner.run([*limit, str(hook), *arguments], check=False)
        output = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
        for line in output:
            _log.info("%s: %s", hook.name, line)
        if done.status == 0:
            continue
        ended = f"ran longer than {timeout:g} s" if done.status in _TIMED_OUT else f"ended with {done.status}"
        raise HostError(f"{ended}: {output[-1] if output else 'no output'}", where=f"hook {hook}")


def hooks_of(directory: Path) -> list[Path]:
    """Its executables; hidden files, backups of editors and what a package manager put aside do not count."""
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if _counts(path))


def _counts(path: Path) -> bool:
    left_aside = path.name.startswith(".") or path.name.endswith(("~", ".rpmnew", ".rpmsave", ".rpmorig"))
    return not left_aside and path.is_file() and os.access(path, os.X_OK)
