# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the commands of a section; they leave nothing outside of .cache, and end when they are told to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from tools.sections import Section
from tools.venv import CACHE, ROOT

PATIENCE = 60.0  # seconds that a command has to clear up when it is told to end


async def run_commands(section: Section, log: IO[bytes], report: Path) -> int:
    """The exit status of the first command that fails, or 0. What pytest counts goes to the file `report`.

    When this is cancelled, the command and all it has started get Ctrl-C, and are waited for.
    """
    for command in section.commands:
        log.write(f"==> {section.name}: {command}\n".encode())
        process = await asyncio.create_subprocess_exec(
            *command.split(),
            cwd=ROOT,
            env=_environment(report),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a terminal's Ctrl-C is for us: we end them in order
        )
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        if status:
            return status
    return 0


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ctrl-C for it, time to clear up for it and all that it began, and an end of what is left then.

    What it began may outlive it to clear up, as fleets do, or have left its session, as Ansible's workers do.
    """
    family = _family(process.pid)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    deadline = time.monotonic() + PATIENCE
    while any(map(_lives, family)) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    for pid in filter(_lives, family):
        os.kill(pid, signal.SIGKILL)
    await process.wait()


def _family(pid: int) -> list[int]:
    """The process, its children, and theirs."""
    try:
        tasks = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:  # it has ended
        return []
    return [pid, *(found for task in tasks for word in task.split() for found in _family(int(word)))]


def _lives(pid: int) -> bool:
    """Not so one that has ended and waits for its parent to take note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def _environment(report: Path) -> dict[str, str]:
    """Caches and Ansible's home lie under .cache, not in the user's; output comes line by line."""
    programs = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTEST_ADDOPTS": f"--junitxml={report}",
        "PYTHONUNBUFFERED": "1",
        "MYPYPATH": f"{CACHE / 'collections'}:{ROOT / 'tests'}",
        "ANSIBLE_HOME": os.fspath(CACHE / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": os.fspath(CACHE / "collections"),
        "XDG_CACHE_HOME": os.fspath(CACHE / "xdg"),
    }
