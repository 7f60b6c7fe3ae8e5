# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run all scenarios of molecule, and end their hosts however that ends: interrupted, molecule leaves them."""

from __future__ import annotations

import os
import subprocess
import sys

from tools.venv import ROOT


def main() -> int:
    """`python -m tools.molecule`."""
    testbed = [sys.executable, "-m", "testbed", "down", "--name", "molecule"]
    try:
        molecule = ["molecule", "test", "--all", "--shared-state", "--report"]
        return subprocess.run(molecule, cwd=ROOT, check=False).returncode
    finally:
        subprocess.run(testbed, env={**os.environ, "PYTHONPATH": os.fspath(ROOT / "tests")}, check=True)


if __name__ == "__main__":
    sys.exit(main())
