# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renew the locks: requirements/<name>.in to <name>.txt, hashed, for every Python that may run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.cores import CORES, Core
from tools.venv import ROOT

MAIN = Core("main", (3, 11), (3, 13))


def main() -> int:
    """`python -m tools.lock`: the newest versions that the .in files allow."""
    uv = str(Path(sys.executable).with_name("uv"))
    for core in (MAIN, *CORES.values()):
        first = ".".join(map(str, core.first))
        lock = f"requirements/{core.name}.txt"
        print(f"lock: {lock}", flush=True)
        options = [
            "--quiet",
            "--upgrade",
            "--universal",
            "--generate-hashes",
            "--no-header",
            "--no-strip-extras",
        ]
        argv = [uv, "pip", "compile", *options, f"--python-version={first}", f"--output-file={lock}"]
        subprocess.run([*argv, f"requirements/{core.name}.in"], cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
