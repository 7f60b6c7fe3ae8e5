# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""dm-verity: a tree of hashes over a file system; its root vouches for every block that is read."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact import Finished


def format_verity(image: Finished, data: Path, tree: Path) -> str:
    """Write the hash tree of the file system `data` to `tree`; returns the root hash, in hexadecimal.

    Salt and id come from the image: equal images have equal trees. Raises CommandError.
    """
    root_hash = tree.with_name(f"{tree.name}.roothash")
    settings = [f"--salt={image.digest}", f"--uuid={image.uuid('verity')}", f"--root-hash-file={root_hash}"]
    image.run(["veritysetup", "format", *settings, str(data), str(tree)], tree.parent)
    found = root_hash.read_text(encoding="ascii")
    root_hash.unlink()
    return found
