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
MERGED = ("bin", "sbin", "lib", "lib64")  # of the file system hierarchy, links into /usr
PROGRAMS = ("usr", "bin", "sbin", "lib", "lib64", "etc")  # what a tool needs of its root
APART = ("--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "image")


def sandboxed(root: Path, epoch: int, argv: Sequence[str], *, writable: bool = True) -> list[str]:
    """The command that runs a program of an image, with the image as its whole file system."""
    bind = "--bind" if writable else "--ro-bind"
    places = [bind, str(root), "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run"]
    places += ["--perms", "1777", "--tmpfs", "/tmp", "--chdir", "/"]  # noqa: S108
    return _apart(places, epoch, argv)


@dataclass(frozen=True)
class Sandbox:
    """Runs commands for one root. `epoch` is the time of the image, in seconds since 1970."""

    runner: Runner
    root: Path
    epoch: int

    def run_inside(self, argv: Sequence[str]) -> Completed:
        """Run a program of the image, with the image as its whole file system. Raises CommandError."""
        return self.runner.run(sandboxed(self.root, self.epoch, argv))

    def run_around(self, argv: Sequence[str]) -> Completed:
        """Run a program of the builder, which sees everything but can write to the image alone."""
        root = str(self.root)
        places = ["--ro-bind", "/", "/", "--dev", "/dev", "--bind", root, root]
        places += ["--proc", f"{root}/proc", "--dev", f"{root}/dev", "--chdir", "/"]
        return self.runner.run(_apart(places, self.epoch, argv))

    def look_around(self, argv: Sequence[str]) -> Completed:
        """The same, but it can write nowhere; a status other than 0 is no error."""
        root = str(self.root)
        places = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        places += ["--proc", f"{root}/proc", "--dev", f"{root}/dev", "--chdir", "/"]
        return self.runner.run(_apart(places, self.epoch, argv), check=False)

    def run_tool(
        self,
        argv: Sequence[str],
        *,
        reads: Sequence[Path],
        writes: Path,
        devices: Sequence[str] = (),
        stdin: str | None = None,
    ) -> Completed:
        """Run a program of this root on directories of the builder: it sees these, and can write to one.

        Nothing else of the builder is there but the usual devices, and those given. Raises CommandError.
        """
        places = ["--dev", "/dev", "--proc", "/proc", "--perms", "1777", "--tmpfs", "/tmp"]  # noqa: S108
        for name in PROGRAMS:
            place = self.root / name
            if place.is_symlink():
                places += ["--symlink", str(place.readlink()), f"/{name}"]
            elif place.is_dir():
                places += ["--ro-bind", str(place), f"/{name}"]
        for directory in reads:
            places += ["--ro-bind", str(directory), str(directory)]
        for device in devices:
            places += ["--dev-bind", device, device]
        places += ["--bind", str(writes), str(writes), "--chdir", str(writes)]
        return self.runner.run(_apart(places, self.epoch, argv), stdin=stdin)


def _apart(places: Sequence[str], epoch: int, argv: Sequence[str]) -> list[str]:
    environment = {
        "PATH": PATH,
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "SOURCE_DATE_EPOCH": str(epoch),
        "SQLITE_TMPDIR": "/dev/shm",  # noqa: S108  # of rpm's database; all else is part of the image
    }
    settings = [part for name, value in environment.items() for part in ("--setenv", name, value)]
    wrapped = ["bwrap", *APART, "--die-with-parent", "--new-session", "--clearenv", *settings, *places]
    return [*wrapped, "--", *argv]
