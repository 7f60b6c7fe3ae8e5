# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each ansible-core gets the newest Python that it supports."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from tools.cores import CORES, Version, python_for, pythons


@pytest.mark.parametrize(
    ("core", "available", "chosen"),
    [
        ("core-2.16", [(3, 9), (3, 11), (3, 13)], (3, 11)),
        ("core-2.16", [(3, 9), (3, 13)], None),
        ("core-newest", [(3, 11), (3, 13), (3, 15)], (3, 13)),
        ("core-newest", [(3, 11)], (3, 11)),
    ],
)
def test_the_newest_supported_python_is_chosen(
    core: str, available: list[Version], chosen: Version | None
) -> None:
    paths = {version: Path("python{}.{}".format(*version)) for version in available}

    assert python_for(CORES[core], paths) == (paths[chosen] if chosen else None)


def test_only_pythons_that_can_make_environments_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pyenv with one good Python; on the PATH a broken one, a config script, and pyenv's shims."""
    good = tmp_path / "pyenv/versions/3.98.0/bin/python3.98"
    programs = {
        good: f'exec {sys.executable} "$@"',
        tmp_path / "bin/python3.97": "exit 1",
        tmp_path / "bin/python3.98-config": "exit 0",
        tmp_path / "pyenv/shims/python3.99": "exit 0",
    }
    for path, line in programs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), str(tmp_path / "pyenv/shims")]))

    assert pythons() == {(3, 98): good}
