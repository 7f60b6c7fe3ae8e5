# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""dm-verity: a tree of hashes over a file system; its root vouches for every block that is read."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished

BLOCK = 4096  # bytes, of data and of hashes


def format_verity(image: Finished, data: Path, tree: Path, salt: str | None = None) -> str:
    """Write the hash tree of the file system `data` to `tree`; returns the root hash, in hexadecimal.

    The id comes from the image, and the salt unless it is given: equal images have equal trees.
    Raises CommandError.
    """
    root_hash = tree.with_name(f"{tree.name}.roothash")
    settings = [f"--salt={salt or image.digest}", f"--uuid={image.uuid('verity')}", "--hash=sha256"]
    settings += [f"--data-block-size={BLOCK}", f"--hash-block-size={BLOCK}", f"--root-hash-file={root_hash}"]
    image.run(["veritysetup", "format", *settings, str(data), str(tree)], tree.parent)
    found = root_hash.read_text(encoding="ascii")
    root_hash.unlink()
    return found.strip()
