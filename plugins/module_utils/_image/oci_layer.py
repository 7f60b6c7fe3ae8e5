# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""One layer of an OCI image: what changed in a layer of the build, and marks for what is gone.

OCI Image Format Specification 1.0, "Image Layer Filesystem Changeset".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifacts.tar import REPRODUCIBLE
from ansible_collections.osaas.fleet.plugins.module_utils._image.changes import changes
from ansible_collections.osaas.fleet.plugins.module_utils._image.layers import LISTING
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import Entry, read_listing
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher

GONE = ".wh."


@dataclass(frozen=True)
class Blob:
    """A file of the layout, called by its digest."""

    sha256: str
    size: int


@dataclass(frozen=True)
class LayerBlob:
    """A layer as it is stored; `diff_id` is the SHA-256 of what it is when unpacked, an archive."""

    blob: Blob
    diff_id: str


def add_blob(layout: Path, path: Path) -> Blob:
    """Move a file to its place in the layout."""
    hasher = Hasher("sha256")
    hasher.feed_file(path)
    path.replace(layout / "blobs/sha256" / hasher.sha256)
    return Blob(hasher.sha256, hasher.size)


def make_layer(image: Finished, layout: Path, before: Path | None, layer: Path) -> LayerBlob:
    """Add the changes of a layer against the one before it, both as directories of the builder."""
    archive, marks = layout / "layer.tar", layout / "marks"
    old = read_listing(before / LISTING) if before else {}
    new = read_listing(layer / LISTING)
    changed = [change.path for change in changes(old, new) if change.kind != "removed"]
    names = "".join(f".{path}\0" for path in sorted({*changed, *_parents(changed)}))
    gone = list(_gone(old, new))
    for path in gone:
        mark = marks / path[1:]
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    listed = ["--null", "--no-recursion", "--verbatim-files-from", "--files-from=-"]
    settings = ["--xattrs", "--xattrs-include=*", f"--directory={layer / 'root'}", f"--file={archive}"]
    image.tools.run_tool(
        ["tar", "--create", *REPRODUCIBLE, *settings, *listed],
        reads=[layer / "root"],
        writes=layout,
        stdin=names,
    )
    if gone:
        ours = [f"--mtime=@{image.epoch}", "--owner=0", "--group=0", "--mode=u=rw", f"--directory={marks}"]
        marked = "".join(f".{path}\0" for path in gone)
        argv = ["tar", "--append", *REPRODUCIBLE, *ours, f"--file={archive}", *listed]
        image.run(argv, layout, stdin=marked)
    hasher = Hasher("sha256")
    hasher.feed_file(archive)
    image.run(["gzip", "--no-name", "-6", str(archive)], layout)
    return LayerBlob(add_blob(layout, layout / "layer.tar.gz"), hasher.sha256)


def _parents(paths: list[str]) -> Iterator[str]:
    """The directories that paths are in: their modes and owners are those of the archive that names them."""
    for path in paths:
        for parent in PurePosixPath(path).parents:
            if str(parent) != "/":
                yield str(parent)


def _gone(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Iterator[str]:
    """A mark for what is gone; of a directory with all that was in it, one."""
    for path in sorted(old.keys() - new.keys()):
        parent, _slash, name = path.rpartition("/")
        if not parent or parent in new:
            yield f"{parent}/{GONE}{name}"
