# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The root as it was before a release, as a btrfs subvolume beside it; the way back is to change places.

Both change places in one step: whenever the power goes, the next boot finds a whole root, the old or the new.
Where the root is mounted by name (rootflags=subvol=…) that is all; where it is the default subvolume, the
default is set too. The release that was left stays where the restore point was, until the next is taken.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._command import Runner
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.root_volume import (
    RootVolume,
    need_root_volume,
    root_volume,
    top_level,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.rpmdb import database_directory, files_of

_MARK = ".osaas-"
_LEFT = re.compile(r".+\.osaas-(?P<release>\d{8}T\d{6}Z)")
_VOLATILE = ("/dev/", "/proc/", "/run/", "/sys/", "/var/run/")
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of renameat2(2)


def take(runner: Runner, release: str) -> None:
    """Keep the root as it is now, before `release` is entered; an older restore point goes.

    Raises HostError where a copy of the root would not be all that an update changes.
    """
    root = need_root_volume()
    _need_whole(runner)
    with top_level(runner, root) as top:
        for old in top.glob(f"{root.subvolume}{_MARK}*"):
            _delete(runner, top, old)
        snapshot = ["btrfs", "subvolume", "snapshot"]
        runner.run([*snapshot, str(top / root.subvolume), str(_point(top, root, release))])


def left() -> str:
    """The release that the next boot leaves, empty if none: a root that gave its place away is named so."""
    root = root_volume()
    found = _LEFT.fullmatch(root.subvolume) if root else None
    return found["release"] if found else ""


def refuse_if_left() -> None:
    """Raises HostError where the next boot leaves all behind that is changed until then."""
    release = left()
    if release:
        raise HostError(
            f"leaves {release} at the next boot, with all that changes until then",
            where="this host",
            way_out="Reboot it first",
        )


def change_places(runner: Runner, release: str, carried: Collection[Path]) -> bool:
    """Have the next boot find the root as it was before `release`; false if that was not kept.

    What this host knows since then of itself, the files and directories `carried`, goes with it.
    """
    root = need_root_volume()
    with top_level(runner, root) as top:
        point = _point(top, root, release)
        if not point.exists():
            return False
        for path in carried:
            _carry(runner, path, point / path.relative_to("/"))
        os.sync()
        _exchange(top / root.subvolume, point)
        if _default(runner) == _identity(runner, Path("/")):
            new = top / root.subvolume
            runner.run(["btrfs", "subvolume", "set-default", str(_identity(runner, new)), str(top)])
    return True


def outside(names: Collection[str]) -> str | None:
    """A file of installed packages of these `names` that lies on another file system, so stays."""
    return next((path for path in _lasting(files_of(names)) if not _on_root(Path(path))), None)


def _lasting(files: Iterable[str]) -> list[str]:
    return [path for path in files if not path.startswith(_VOLATILE) and not Path(path).is_dir()]


def _on_root(path: Path) -> bool:
    """Where `path` itself lies, or would; a link to elsewhere lies where it is."""
    place = next(each for each in (path, *path.parents) if os.path.lexists(each))
    return place.lstat().st_dev == Path("/").stat().st_dev


def _point(top: Path, root: RootVolume, release: str) -> Path:
    return top / f"{root.subvolume}{_MARK}{release}"


def _need_whole(runner: Runner) -> None:
    database = database_directory()
    if not _on_root(database):
        raise HostError(
            "is on another file system than /, so a restore point would not take it back",
            where=str(database),
            way_out="Leave restore_point out",
        )
    for path in _inside(runner, Path("/")):
        here = Path("/") / path
        if here.is_dir() and any(here.iterdir()):
            raise HostError(
                "is a subvolume inside of /, which a restore point leaves out",
                where=str(here),
                way_out="Mount it there from beside the root, or leave restore_point out",
            )


def _inside(runner: Runner, volume: Path) -> list[str]:
    """Subvolumes right below `volume`, relative to it."""
    rows = runner.run(["btrfs", "subvolume", "list", "-o", str(volume)]).stdout.splitlines()
    found = [row.split(" path ", 1)[1] for row in rows]
    own = runner.run(["btrfs", "subvolume", "show", str(volume)]).stdout.splitlines()[0].strip().strip("/")
    return [path[len(own) + 1 :] if path.startswith(f"{own}/") else path for path in found]


def _delete(runner: Runner, top: Path, volume: Path) -> None:
    for path in _inside(runner, volume):
        _delete(runner, top, volume / path)
    runner.run(["btrfs", "subvolume", "delete", str(volume)])


def _carry(runner: Runner, path: Path, target: Path) -> None:
    """Make `target` like `path`, unless both lie on a file system of their own, which keeps its place."""
    if not _on_root(path):
        return
    if path.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        runner.run(["cp", "-a", "-T", str(path), str(target)])
    else:
        target.unlink(missing_ok=True)


def _exchange(one: Path, other: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    names = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    if libc.renameat2(*names, _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise HostError(f"cannot change places: {os.strerror(number)}", where=f"{one.name} and {other.name}")


def _default(runner: Runner) -> int:
    """The id of the subvolume that is mounted if none is named; btrfs says `ID 256 gen …`."""
    return int(runner.run(["btrfs", "subvolume", "get-default", "/"]).stdout.split()[1])


def _identity(runner: Runner, volume: Path) -> int:
    return int(runner.run(["btrfs", "inspect-internal", "rootid", str(volume)]).stdout)
