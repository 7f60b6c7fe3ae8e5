# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a Python program under another ansible-core than the one of the main environment."""

from __future__ import annotations

import os
import subprocess
import sys

from tools.cores import CORES, environment, pythons
from tools.venv import ROOT


def main() -> int:
    """`python -m tools.under CORE MODULE [its arguments …]`; modules of tests/ are found too."""
    venv = environment(CORES[sys.argv[1]], pythons())
    argv = [f"{venv}/bin/python", "-m", *sys.argv[2:]]
    environ = {**os.environ, "PYTHONPATH": os.fspath(ROOT / "tests")}
    return subprocess.run(argv, cwd=ROOT, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
