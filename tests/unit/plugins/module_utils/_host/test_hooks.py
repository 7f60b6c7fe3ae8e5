# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks are real programs, run by the worker's own runner."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import CommandError, HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.hooks import hooks_of, run_hooks
from ansible_collections.osaas.fleet.plugins.module_utils._host.spawn import WorkerRunner


def add(directory: Path, name: str, script: str) -> None:
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)


def test_in_order_with_the_releases(tmp_path: Path) -> None:
    for name in ("20-second", "10-first"):
        add(tmp_path, name, f'echo "{name} $1 $2" >> {tmp_path}/seen')
    add(tmp_path, "30-old.rpmsave", "exit 1")
    add(tmp_path, ".hidden", "exit 1")
    (tmp_path / "README").write_text("not executable")
    run_hooks(WorkerRunner(), tmp_path, ("old", "new"), timeout=5)
    assert (tmp_path / "seen").read_text() == "10-first old new\n20-second old new\n"
    assert hooks_of(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo busy >&2; exit 3", "ended with 3: busy"),
        ("exit 1", "ended with 1: no output"),
        ("exec sleep 9", "ran longer than 0.2 s: no output"),
    ],
)
def test_the_first_that_fails_stops(tmp_path: Path, script: str, message: str) -> None:
    add(tmp_path, "10-bad", script)
    add(tmp_path, "20-next", f"touch {tmp_path}/ran")
    with pytest.raises(HostError) as caught:
        run_hooks(WorkerRunner(), tmp_path, (), timeout=0.2)
    assert str(caught.value) == f"hook {tmp_path}/10-bad: {message}"
    assert not (tmp_path / "ran").exists()


def test_the_runner(tmp_path: Path) -> None:
    runner = WorkerRunner()
    assert runner.run(["cat"], stdin="text").stdout == "text"
    assert runner.run(["sh", "-c", "echo $LC_ALL $X"], env={"X": "1"}).stdout == "C 1\n"
    with pytest.raises(CommandError, match="sh: exit status 4: gone"):
        runner.run(["sh", "-c", "echo gone; exit 4"])
    assert runner.run([f"{tmp_path}/none"], check=False).status == 127
