# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module in a child that is killed (SIGKILL) at its n-th change of the store."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from integration.repo.conftest import Upstream
from unit.harness import ModuleResult

CHANGES = ("os.rename", "os.link", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "open")
WRITES = os.O_WRONLY | os.O_RDWR


def run_and_die(upstream: Upstream, fatal: int, module: str, /, **options: Any) -> None:
    """Run a module whose process is killed at its change number `fatal` of the store."""
    die_at(upstream.store, fatal, lambda: upstream.module(module, **options))


def changes(upstream: Upstream, module: str, /, **options: Any) -> int:
    """How many changes of the store a whole run makes."""
    return count_changes(upstream.store, lambda: upstream.module(module, **options))


def die_at(directory: Path, fatal: int, work: Callable[[], ModuleResult]) -> None:
    """Run `work` in a process that is killed at its change number `fatal` of a directory."""
    status = _in_child(directory, fatal, work)
    assert os.WIFSIGNALED(status), f"it made less than {fatal} changes"
    assert os.WTERMSIG(status) == signal.SIGKILL


def count_changes(directory: Path, work: Callable[[], ModuleResult]) -> int:
    """How many changes of a directory `work` makes, run to its end in a process of its own."""
    status = _in_child(directory, 0, work)
    assert os.waitstatus_to_exitcode(status) == 0
    return int(_counted(directory).read_text())


def _counted(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.count")


def _in_child(directory: Path, fatal: int, work: Callable[[], ModuleResult]) -> int:
    """Fork, for that is ten times faster than another interpreter; returns the status of the child."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status = 1
    try:
        count = _watch(directory, fatal)
        print(work().msg, file=sys.stderr)
        _counted(directory).write_text(str(count[0]))
        status = 0
    except BaseException:  # a child that goes on would run the other tests
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _watch(directory: Path, fatal: int) -> list[int]:
    """Count changes from here on, and die at number `fatal`."""
    count = [0]

    def watch(event: str, args: tuple[object, ...]) -> None:
        if event not in CHANGES or not str(args[0]).startswith(f"{directory}/"):
            return
        if event == "open" and not int(str(args[2])) & WRITES:
            return
        count[0] += 1
        if count[0] == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    return count
