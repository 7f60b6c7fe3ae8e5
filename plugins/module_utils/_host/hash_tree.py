# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""The hash tree that dm-verity checks a file system with: it also tells which blocks two of them share.

On disk, version 1 (Linux: Documentation/admin-guide/device-mapper/verity.rst; cryptsetup: on-disk format): a
superblock, then the levels of the tree, the top one first; the last level has a hash for each block of data.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import BLOCK

DIGEST = 32  # bytes of a SHA-256
_FAN = BLOCK // DIGEST
_SUPERBLOCK = struct.Struct("<8sII16s32sIIQH6x256s")
_MAGIC = b"verity\0\0"


@dataclass(frozen=True)
class HashTree:
    """`leaves` are the hashes of all blocks of data, one after another."""

    salt: bytes
    data_blocks: int
    leaves: bytes
    root_hash: str

    def leaf(self, block: int) -> bytes:
        """What the hash of a block must be."""
        return self.leaves[block * DIGEST : (block + 1) * DIGEST]

    def hash_of(self, data: bytes) -> bytes:
        """The hash of a block."""
        return hashlib.sha256(self.salt + data).digest()


def read_tree(path: Path) -> HashTree:
    """Raises VerificationError unless it is a tree of SHA-256 over blocks of 4096 bytes."""
    with path.open("rb") as stream:
        head = stream.read(BLOCK)
        if len(head) < _SUPERBLOCK.size:
            raise _fault(path, "it is too short")
        magic, version, kind, _uuid, algorithm, data_size, hash_size, blocks, salt_size, salt = (
            _SUPERBLOCK.unpack_from(head)
        )
        if magic != _MAGIC or (version, kind) != (1, 1):
            raise _fault(path, "it has no superblock of version 1")
        if (algorithm.rstrip(b"\0"), data_size, hash_size) != (b"sha256", BLOCK, BLOCK) or salt_size > 256:
            raise _fault(path, "it is not of SHA-256 over blocks of 4096 bytes")
        top = stream.read(BLOCK)
        stream.seek(BLOCK * (1 + _above_leaves(blocks)))
        leaves = stream.read(blocks * DIGEST)
    if len(leaves) != blocks * DIGEST:
        raise _fault(path, "it is too short")
    salt = salt[:salt_size]
    if blocks == 1:
        return HashTree(salt, blocks, leaves, leaves.hex())
    return HashTree(salt, blocks, leaves, hashlib.sha256(salt + top).hexdigest())


def _above_leaves(data_blocks: int) -> int:
    """How many blocks the levels above the last one take."""
    level, total = -(-data_blocks // _FAN), 0
    while level > 1:
        level = -(-level // _FAN)
        total += level
    return total


def _fault(path: Path, what: str) -> VerificationError:
    return VerificationError(f"is no hash tree: {what}", where=str(path))
