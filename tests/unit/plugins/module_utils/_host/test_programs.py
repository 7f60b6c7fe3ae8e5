# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of image hosts is whole, small, and the same wherever it is made."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host.programs import host_program


def test_it_runs_without_ansible_and_without_the_collection(tmp_path: Path) -> None:
    program = tmp_path / "host.pyz"
    program.write_bytes(host_program())

    done = subprocess.run(
        [sys.executable, "-S", str(program), "fly"],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == "Usage: host.pyz health|bless|unhealthy\n"
    assert done.returncode == 1


def test_it_has_what_it_needs_and_no_more() -> None:
    names = zipfile.ZipFile(BytesIO(host_program())).namelist()

    assert not [name for name in names if "dnf" in name or "_image/" in name or name.endswith("_module.py")]
    assert host_program() == host_program()
