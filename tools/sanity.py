# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run `ansible-test sanity` of one ansible-core, without containers and without a trace outside .cache.

ansible-test wants the collection in …/ansible_collections/osaas/fleet inside a git tree, and makes a virtual
environment per test under $HOME/.ansible: both are given to it under .cache/sanity/<core>.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools.cores import CORES, Core, Version, environment, pythons
from tools.venv import ROOT

# What ansible-test would download to get pip into an environment of its own; Python has it aboard.
GET_PIP = """\
import subprocess, sys
sys.exit(subprocess.call([sys.executable, "-m", "ensurepip", "--default-pip"]))
"""

# These see files of ours alone; what they say under the newest core is not asked again under an older one.
ONCE = ("pep8", "pylint", "yamllint")


def main() -> int:
    """`python -m tools.sanity CORE [ansible-test's arguments …]`."""
    core = CORES[sys.argv[1]]
    available = pythons()
    venv = environment(core, available)
    work = ROOT / ".cache" / "sanity" / core.name
    env = {
        "HOME": os.fspath(_home(work / "home", venv)),
        "PATH": f"{_interpreters(work / 'bin', available)}:{venv / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
    }
    argv = ["ansible-test", "sanity", "--local", "--color", "no", *_spared(core, venv), *sys.argv[2:]]
    return subprocess.run(
        argv, cwd=_checkout(work / "ansible_collections/osaas/fleet"), env=env, check=False
    ).returncode


def _checkout(target: Path) -> Path:
    """The collection without its tests and tools (ruff and mypy judge those), as a git tree of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    shutil.rmtree(target, ignore_errors=True)
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if name.startswith(("tests/", "tools/")) and name != "tests/config.yml":
            continue
        if source.is_file():  # a deleted file is still listed until it is committed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=target, check=True)
    return target


def _home(home: Path, venv: Path) -> Path:
    """A home with the user's pip configuration (a mirror may be named there) and the shim for pip."""
    config = home / ".config"
    config.mkdir(parents=True, exist_ok=True)
    mine = Path.home() / ".config" / "pip"
    if mine.is_dir() and not (config / "pip").exists():
        (config / "pip").symlink_to(mine)
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for pins in venv.glob("lib/python*/site-packages/ansible_test/_internal/python_requirements.py"):
        for version in re.findall(r"pip='([0-9.]+)'", pins.read_text()):
            (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)
    return home


def _spared(core: Core, venv: Path) -> list[str]:
    """Changelogs have a section of `make test`; other Pythons than the core's are tried under the newest."""
    spared = ["--skip-test=changelog"]
    if core is not CORES["core-newest"]:
        version = next(venv.glob("bin/python3.*")).name.removeprefix("python")
        spared += [f"--python={version}", *(f"--skip-test={name}" for name in ONCE)]
    return spared


def _interpreters(directory: Path, available: dict[Version, Path]) -> Path:
    """A directory with every Python of this machine by its name: ansible-test looks for them on the PATH."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for python in available.values():
        (directory / python.name).symlink_to(python)
    return directory


if __name__ == "__main__":
    sys.exit(main())
