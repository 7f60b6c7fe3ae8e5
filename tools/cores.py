# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection is tested with, and the Python that each gets on this machine.

Versions of ansible-core, and the oldest Python of hosts, with no ansible-core at all.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.venv import ensure

Version = tuple[int, int]


@dataclass(frozen=True)
class Core:
    """A lock in requirements/ and the Pythons, first to last, that what is in it supports."""

    name: str
    first: Version
    last: Version


CORES = {
    core.name: core
    for core in (
        Core("core-2.16", (3, 11), (3, 12)),  # 3.10 too, but the newest createrepo_c has no wheel for it
        Core("core-newest", (3, 11), (3, 14)),
        Core("host", (3, 9), (3, 9)),
    )
}


def pythons() -> dict[Version, Path]:
    """Every Python of this machine that can make environments: those on the PATH, then pyenv's versions."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    path = [entry for entry in path if entry != pyenv / "shims"]  # a shim is there for Pythons that are not
    found: dict[Version, Path] = {}
    for directory in [*path, *sorted(pyenv.glob("versions/*/bin"))]:
        for candidate in sorted(directory.glob("python3.*")):
            version = _version(candidate.name)
            if version and version not in found and _makes_environments(candidate):
                found[version] = candidate
    return found


def _version(name: str) -> Version | None:
    """(3, 12) of python3.12; None of python3.12-config."""
    minor = name.removeprefix("python3.")
    return (3, int(minor)) if minor.isdecimal() else None


def _makes_environments(python: Path) -> bool:
    """Debian's Python comes without ensurepip until python3-venv is installed."""
    argv = [os.fspath(python), "-c", "import ensurepip, venv"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def python_for(core: Core, available: dict[Version, Path]) -> Path | None:
    """The newest of the available Pythons that `core` supports."""
    fitting = [version for version in available if core.first <= version <= core.last]
    return available[max(fitting)] if fitting else None


def environment(core: Core, available: dict[Version, Path]) -> Path:
    """The virtual environment of `core`. Ends the program with status 77 (skipped) where no Python fits."""
    python = python_for(core, available)
    if python is None:
        first, last = (".".join(map(str, version)) for version in (core.first, core.last))
        print(f"{core.name}: skipped, this machine has no Python {first} to {last}")
        sys.exit(77)
    return ensure(core.name, python)
