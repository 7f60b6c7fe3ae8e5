# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball holds what a user needs and nothing else, and installs into an empty directory."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from unit.collection.tree import ROOT, files

ALLOWED = {
    "CHANGELOG.md",
    "COPYING",
    "FILES.json",
    "MANIFEST.json",
    "README.md",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}


def galaxy(*argv: str | Path, cwd: Path) -> str:
    """Output of ansible-galaxy with everything it writes below `cwd`."""
    program = Path(sys.executable).with_name("ansible-galaxy")
    env = {**os.environ, "HOME": str(cwd), "ANSIBLE_HOME": str(cwd / "ansible"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [program, "collection", *argv], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what git sees, so that nobody's cache is read."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("build")
    for path in files():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes((ROOT / path).read_bytes())
    galaxy("build", source, "--output-path", target, cwd=target)
    (built,) = target.glob("osaas-fleet-*.tar.gz")
    return built


def test_only_what_a_user_needs_is_in_it(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = archive.getnames()

    assert {Path(name).parts[0] for name in names} <= ALLOWED
    assert not [name for name in names if "__pycache__" in name]


def test_every_plugin_playbook_and_role_is_in_it(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = set(archive.getnames())
    wanted = {str(path) for path in files() if path.parts[0] in {"meta", "playbooks", "plugins", "roles"}}

    assert wanted
    assert wanted <= names


def test_it_installs_into_an_empty_directory_and_is_listed(tarball: Path, tmp_path: Path) -> None:
    galaxy("install", tarball, "--collections-path", tmp_path / "here", "--offline", cwd=tmp_path)

    assert "osaas.fleet 0.1.0" in " ".join(
        galaxy("list", "--collections-path", tmp_path / "here", cwd=tmp_path).split()
    )
