# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Where a build runs: namespaces of its own, without network, in which nothing but the image can be written.

They are bubblewrap's, and end with the process that asked for them, whatever it dies of: no mount, process or
namespace is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Completed, Runner

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
APART = ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "image")


@dataclass(frozen=True)
class Sandbox:
    """Runs commands for one root. `epoch` is the time of the image, in seconds since 1970."""

    runner: Runner
    root: Path
    epoch: int

    def run_inside(self, argv: Sequence[str]) -> Completed:
        """Run a program of the image, with the image as its whole file system. Raises CommandError."""
        places = ["--bind", str(self.root), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run"]
        return self._run([*places, "--perms", "1777", "--tmpfs", "/tmp", "--chdir", "/"], argv)  # noqa: S108

    def run_around(self, argv: Sequence[str]) -> Completed:
        """Run a program of the builder, which sees everything but can write to the image alone."""
        root = str(self.root)
        places = ["--ro-bind", "/", "/", "--dev", "/dev", "--bind", root, root]
        return self._run([*places, "--proc", f"{root}/proc", "--dev", f"{root}/dev", "--chdir", "/"], argv)

    def _run(self, places: Sequence[str], argv: Sequence[str]) -> Completed:
        environment = {
            "PATH": PATH,
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "SOURCE_DATE_EPOCH": str(self.epoch),
            "SQLITE_TMPDIR": "/dev/shm",  # noqa: S108  # of rpm's database; all else is part of the image
        }
        settings = [part for name, value in environment.items() for part in ("--setenv", name, value)]
        wrapped = ["bwrap", *APART, "--die-with-parent", "--new-session", "--clearenv", *settings, *places]
        return self.runner.run([*wrapped, "--", *argv])
