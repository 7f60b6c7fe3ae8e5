# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A stream of Btrfs, for btrfs-receive(8): a whole image, or what it has over another one."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Artifact, Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import LISTING
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import (
    listing,
    read_listing,
    summarise,
)
from ansible_collections.osaas.fleet.plugins.module_utils._image.options import IMAGE
from ansible_collections.osaas.fleet.plugins.module_utils._image.own_mounts import in_own_mounts
from ansible_collections.osaas.fleet.plugins.module_utils._image.subvolume import set_received
from ansible_collections.osaas.fleet.plugins.module_utils._image.transform import transform

INODE = 4096  # bytes that a path costs beside its content, at most
LEAST = 256 << 20  # bytes, of a file system with nothing in it


@dataclass(frozen=True)
class SendstreamArtifact(Artifact, kind="sendstream"):
    """The kernel writes the stream: out of a file system in a file, that only we have mounted.

    The ids of subvolumes come from the images: whoever has received the parent's stream, wherever it was
    made, has what this one goes upon.
    """

    parent: str | None = None
    compression_level: int = 10

    suffix: t.ClassVar = ".sendstream.zst"
    about: t.ClassVar = (
        "A stream for btrfs-receive(8), compressed with zstd. The subvolume is called after the image and the"
        " beginning of its digest."
    )
    options: t.ClassVar = {
        "parent": {
            **IMAGE,
            "description": "An image that those who receive it have already: the stream has what differs. The"
            " image itself stands for what it was before this build; its first stream is whole.",
        },
        "compression_level": {"type": "integer", "minimum": 1, "maximum": 19, "default": 10},
    }

    def images(self) -> Iterable[str]:
        if self.parent is not None:
            yield self.parent

    def room(self, image: Finished) -> int:
        other = image.others.get(self.parent or "")
        return 2 * image.bytes + (other.bytes if other else 0)

    def make(self, image: Finished, target: Path) -> None:
        plain = target.with_name(f"{target.name}.stream")
        with image.scratch(target) as scratch:
            in_own_mounts(lambda: _send(image, image.others.get(self.parent or ""), scratch, plain))
        packing = ["--quiet", "--rm", f"-{self.compression_level}", "-T0"]
        image.run(["zstd", *packing, str(plain), "-o", str(target)], target.parent)


def _send(image: Finished, parent: Finished | None, scratch: Path, stream: Path) -> None:
    disk, place = scratch / "disk", scratch / "mounted"
    place.mkdir()
    old = read_listing(parent.stack[-1] / LISTING) if parent else {}
    new = read_listing(image.stack[-1] / LISTING)
    with disk.open("xb") as file:
        file.truncate(
            sum(LEAST + sum(INODE + one.size for one in each.values()) * 5 // 4 for each in (old, new))
        )
    image.run(["mkfs.btrfs", "--quiet", str(disk)], scratch)
    image.tools.runner.run(["mount", "-t", "btrfs", "-o", "loop,noatime,nodev", str(disk), str(place)])
    if parent is None:
        made, above = _whole(image, place), []
    else:
        base = _whole(parent, place)
        made = place / subvolume_name(image)
        if made == base:
            made = place / f"{made.name}.again"
        image.run(["btrfs", "subvolume", "snapshot", str(base), str(made)], place)
        transform(image, made, old, new)
        _finish(image, made)
        above = ["-p", str(base)]
    image.run(["btrfs", "send", "--quiet", *above, "-f", str(stream), str(made)], stream.parent)
    image.tools.runner.run(["umount", str(place)])


def _whole(image: Finished, place: Path) -> Path:
    """A subvolume that is the image."""
    made = place / subvolume_name(image)
    image.run(["btrfs", "subvolume", "create", str(made)], place)
    image.run(["cp", "--archive", f"{image.root}/.", str(made)], place)
    _finish(image, made)
    return made


def _finish(image: Finished, made: Path) -> None:
    """Give it its id, and let nobody change it. Raises VerificationError unless it is what the image is."""
    digest = summarise(listing(made)).digest
    if digest != image.digest:
        what = f"the subvolume has the digest {digest}, the image {image.digest}"
        raise VerificationError(what, where=image.name)
    set_received(made, UUID(image.uuid("subvolume")))
    image.run(["btrfs", "property", "set", "-t", "subvol", str(made), "ro", "true"], made.parent)


def subvolume_name(image: Finished) -> str:
    """What the image is called where its stream is received."""
    return f"{image.name}-{image.digest[:16]}"
