# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The btrfs file system that holds the roots of a fleet: made once per release, copied for each fleet."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..distro import Distro, install_root
from . import base
from .command import run
from .errors import FleetError
from .spec import Spec

SIZE = 64 << 30  # apparent; the file is sparse
BASE_BYTES = 600 << 20
# A discard in here is a slow one on the disk below. A flush is too, and proves nothing: a power cut here
# ends a host, never this machine, so what a host has flushed need not reach the disk.
MOUNT = "loop,compress=zstd:1,noatime,nodiscard,nobarrier"
HOST_BYTES = 200 << 20  # a host's own share after a few updates


def need_space(directory: Path, hosts: int) -> None:
    """Raises FleetError unless `directory` has room for a base and the changes of so many hosts."""
    needed, free = BASE_BYTES + hosts * HOST_BYTES, shutil.disk_usage(directory).free
    if free < needed:
        raise FleetError(
            f"{directory}: {free >> 20} MiB free, {hosts} hosts need {needed >> 20} MiB; make room"
        )


def fill(spec: Spec, progress: Callable[[str], None]) -> None:
    """Give a fleet its own pool: a copy of the cached one of its release, which is made first if need be."""
    need_space(spec.instance.directory, len(spec.hosts))
    folder = spec.cache / spec.distro.flavour / "pool"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        image = _ensure_base(folder, spec.distro, spec.release, progress)
        # holes stay holes, and blocks are shared where the file system can
        run(["cp", "--sparse=always", "--reflink=auto", str(image), str(spec.instance.pool_image)])
    # before 6.7 the kernel refuses to mount two copies at once unless their ids differ
    run(["btrfstune", "-f", "-m", str(spec.instance.pool_image)])


def _ensure_base(folder: Path, distro: Distro, release: str, progress: Callable[[str], None]) -> Path:
    """A pool image whose subvolume `base` is a prepared root of `release`.

    Its name carries a digest of everything that shapes it, so it is never out of date.
    """
    image = folder / f"{release}-{_digest(distro, release)}.img"
    if not image.exists():
        progress(f"base root of {release}: installing it (once)")
        for old in folder.glob(f"{release}-*.img"):
            old.unlink()
        _make_base(image, distro, release, progress)
    return image


def _make_base(image: Path, distro: Distro, release: str, progress: Callable[[str], None]) -> None:
    new = image.with_name("new.img")
    with new.open("wb") as file:
        file.truncate(SIZE)
    run(["mkfs.btrfs", "--quiet", "--nodiscard", "--metadata=single", str(new)])
    with mounted(new, image.with_name("mnt")) as pool:
        root = pool / "base"
        run(["btrfs", "subvolume", "create", str(root)])
        install_root(distro, release, root, progress=progress)
        base.prepare(root)
    new.rename(image)


def _digest(distro: Distro, release: str) -> str:
    total = hashlib.sha256(Path(base.__file__).read_bytes())
    for repomd in sorted(distro.release(release).glob("*/repodata/repomd.xml")):
        total.update(repomd.read_bytes())
    return total.hexdigest()[:12]


@contextmanager
def mounted(image: Path, mount_point: Path) -> Iterator[Path]:
    """Mount an image by a loop device that goes away with the mount."""
    mount_point.mkdir(exist_ok=True)
    run(["mount", "-o", MOUNT, str(image), str(mount_point)])
    try:
        yield mount_point
    finally:
        run(["umount", str(mount_point)])
        mount_point.rmdir()


@contextmanager
def mounted_lazily(image: Path, mount_point: Path) -> Iterator[None]:
    """The same for a pool that processes still hold at the end: it goes when the last of them has."""
    mount_point.mkdir()
    run(["mount", "-o", MOUNT, str(image), str(mount_point)])
    try:
        yield
    finally:
        run(["umount", "--lazy", str(mount_point)])


def device(mount_point: Path) -> str:
    """The block device behind a mounted pool."""
    return run(["findmnt", "--noheadings", "--output=SOURCE", str(mount_point)]).strip()


def make_root(pool: Path, name: str) -> Path:
    """A host's root: a snapshot of the base."""
    root = pool / name
    run(["btrfs", "subvolume", "snapshot", str(pool / "base"), str(root)])
    return root
