# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's zip runs by itself, under another interpreter, without Ansible and without the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._host.bundle import worker_module, worker_zip


def test_the_zip_is_complete(tmp_path: Path) -> None:
    code = tmp_path / "worker.zip"
    code.write_bytes(worker_zip())
    program = (
        "import sys, importlib\n"
        f"worker = importlib.import_module({worker_module()!r})\n"
        "for adapter in ('dnf4', 'dnf5'):\n"
        "    importlib.import_module(worker.__name__.replace('worker', adapter))\n"
        "assert 'worker.zip' in worker.__file__, worker.__file__\n"
        "assert not [name for name in sys.modules if name.split('.')[0] == 'ansible']\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
