# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the initrd of an image host does with the data partition, for a root that systemd-nspawn boots.

Vouching is done once, for the whole root, in place of dm-verity, which vouches for each block that is read.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NO_IDENTITY = ("identity.json", "root-password")


class NoRoot(Exception):
    """The root cannot be put together; a real host starts anew."""


def put_together(place: Path, esp: Path, data: Path, told: dict[str, str]) -> list[str]:
    """Mount all below `place`, which is empty; returns how nspawn is told of it. Raises NoRoot.

    `told` are the kernel arguments that begin with "osaas.", without that.
    """
    run, root = place / "run", place / "root"
    root.mkdir()
    run.mkdir()
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(run))
    for name in ("data", "root", "overlay/upper", "overlay/work"):
        (run / name).mkdir(parents=True)
    (run / "upper").symlink_to("overlay/upper")
    _mount("--bind", str(data), str(run / "data"))
    deployment = data / "deployments" / told["digest"]
    _vouch(deployment, told["roothash"])
    _mount("-t", "erofs", "-o", "loop,ro", str(deployment / "root.erofs"), str(run / "root"))
    parts = {"lowerdir": run / "root", "upperdir": run / "overlay/upper", "workdir": run / "overlay/work"}
    layers = ",".join(f"{name}={path}" for name, path in parts.items())
    _mount("-t", "overlay", "-o", layers, "osaas", str(root))
    _identify(root, data / "identity")
    booted = {"digest": told["digest"], "root_hash": told["roothash"], "entry": told["entry"]}
    (run / "booted.json").write_text(json.dumps(booted))
    kept = {"/var": data / "var", **{path: data / f"persistent{path}" for path in _persistent(root)}}
    for path, keep in kept.items():
        if not keep.is_dir():
            keep.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", f"{root}{path}", str(keep)], check=True)
    binds = {str(run): "/run/osaas", str(esp): "/efi", **{str(keep): path for path, keep in kept.items()}}
    return [f"--directory={root}", *(f"--bind={source}:{target}" for source, target in binds.items())]


@contextmanager
def mounts(place: Path) -> Iterator[None]:
    """A directory for the mounts of several hosts; they all go with it, once nothing holds them."""
    place.mkdir()
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(place))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def take_down(place: Path) -> None:
    """Unmount all that was mounted below `place`, whatever still holds it."""
    for name in ("root", "run"):
        subprocess.run(["umount", "--lazy", str(place / name)], check=False, capture_output=True)
        shutil.rmtree(place / name, ignore_errors=True)


def _vouch(deployment: Path, root_hash: str) -> None:
    verify = [
        "veritysetup",
        "verify",
        str(deployment / "root.erofs"),
        str(deployment / "root.verity"),
        root_hash,
    ]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoRoot(f"the root is not what {root_hash} vouches for")


def _identify(root: Path, identity: Path) -> None:
    for one in sorted(identity.glob("*")):
        if one.name not in NO_IDENTITY:
            subprocess.run(["cp", "-a", str(one), str(root / "etc")], check=True)


def _persistent(root: Path) -> Sequence[str]:
    paths = root / "usr/lib/osaas/persistent"
    return paths.read_text().split() if paths.exists() else ()


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoRoot(f"mount {' '.join(arguments)}: {done.stderr.strip()}")
