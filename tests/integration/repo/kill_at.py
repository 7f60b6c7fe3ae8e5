# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module and kill this very process at its n-th change of the file system below a directory.

Called as: kill_at.py N DIRECTORY MODULE ARGUMENTS (JSON); N = 0 counts the changes and prints their number.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from pathlib import Path

CHANGES = ("os.rename", "os.link", "os.symlink", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "open")


def main() -> None:
    fatal, directory, module, arguments = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    count = 0

    def watch(event: str, args: tuple[object, ...]) -> None:
        nonlocal count
        if event not in CHANGES or not str(args[0]).startswith(directory):
            return
        if event == "open" and not int(str(args[2])) & (os.O_WRONLY | os.O_RDWR):
            return
        count += 1
        if count == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    sys.argv = [module, arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        if fatal == 0:
            Path(f"{directory}.count").write_text(str(count))


main()
