# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role image_builder, on this machine: directories and keys of its own, and packages that are here."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from integration.image.site import OWNER

PLAY = """- hosts: localhost
  gather_facts: false
  roles: [osaas.fleet.image_builder]
"""


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, Any]]:
    home = tmp_path / "etc/gnupg"
    yield {
        # apt's own bindings are in the distribution's Python.
        "ansible_python_interpreter": "/usr/bin/python3",
        "image_builder_packages": ["bubblewrap", "gpg", "rpm"],
        "image_builder_tools": ["erofs-utils"],
        "image_builder_venv": str(tmp_path / "venv"),
        "image_builder_libraries": ["tiny==1.0"],
        "osaas_definitions": str(tmp_path / "definitions"),
        "osaas_layers": str(tmp_path / "cache/layers"),
        "osaas_artifacts": str(tmp_path / "cache/images"),
        "image_builder_keys": str(tmp_path / "etc/keys"),
        "image_builder_gpgkeys": [{"name": "testbed", "content": "a key\n"}],
        "osaas_signing_key": OWNER,
        "osaas_gnupg_home": str(home),
    }
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)


def run(directory: Path, variables: dict[str, Any], *flags: str) -> str:
    """The last line of the recap."""
    (directory / "play.yml").write_text(PLAY)
    environment = {
        **os.environ,
        "ANSIBLE_HOME": str(directory / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(directory),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    argv = ["ansible-playbook", "play.yml", "-e", json.dumps(variables), *flags]
    done = subprocess.run(argv, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


def wheel(directory: Path) -> None:
    """A library, as pip takes it."""
    with zipfile.ZipFile(directory / "tiny-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny.py", "WORD = 'here'\n")
        about = "tiny-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")


def test_a_builder_is_set_up_once(tmp_path: Path, variables: dict[str, Any]) -> None:
    wheel(tmp_path)
    assert "changed=0" not in run(tmp_path, variables, "--check")
    assert not (tmp_path / "etc").exists()

    assert "changed=0" not in run(tmp_path, variables)
    assert "changed=0" in run(tmp_path, variables)

    layers, keys = tmp_path / "cache/layers", tmp_path / "etc/keys"
    assert stat.S_IMODE(layers.stat().st_mode) == 0o700
    assert (keys / "testbed.asc").read_text() == "a key\n"
    assert (keys / "site.asc").read_text().startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    python = tmp_path / "venv/bin/python3"
    told = subprocess.run([python, "-c", "import tiny; print(tiny.WORD)"], capture_output=True, check=True)
    assert told.stdout == b"here\n"
