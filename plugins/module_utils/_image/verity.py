# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""dm-verity: a tree of hashes over a file system; its root vouches for every block that is read."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished
from ansible_collections.osaas.fleet.plugins.module_utils._image.feature import Schema

BLOCK = 4096  # bytes, of data and of hashes
VERITY: t.Final[Schema] = {
    "type": "boolean",
    "default": False,
    "description": "Write a dm-verity hash tree (.verity) and its root hash (.roothash) as well.",
}


def with_verity(target: Path) -> Sequence[Path]:
    """A file system, its hash tree, and a file that has the root hash."""
    return [target, *(target.with_name(f"{target.name}{suffix}") for suffix in (".verity", ".roothash"))]


def write_verity(image: Finished, target: Path) -> None:
    """Write both beside the file system. Raises CommandError."""
    _data, tree, root_hash = with_verity(target)
    found = format_verity(image, target, tree)
    root_hash.write_text(f"{found}\n", encoding="ascii")


def format_verity(image: Finished, data: Path, tree: Path, salt: str | None = None) -> str:
    """Write the hash tree of the file system `data` to `tree`; returns the root hash, in hexadecimal.

    The id comes from the image, and the salt unless it is given: equal images have equal trees.
    Raises CommandError.
    """
    root_hash = tree.with_name(f"{tree.name}.hash")
    settings = [f"--salt={salt or image.digest}", f"--uuid={image.uuid('verity')}", "--hash=sha256"]
    settings += [f"--data-block-size={BLOCK}", f"--hash-block-size={BLOCK}", f"--root-hash-file={root_hash}"]
    image.run(["veritysetup", "format", *settings, str(data), str(tree)], tree.parent)
    found = root_hash.read_text(encoding="ascii")
    root_hash.unlink()
    return found.strip()
