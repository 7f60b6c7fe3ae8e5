# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A root file system, put together from blocks that are here already and blocks that must be fetched."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import BLOCK
from ansible_collections.osaas.fleet.plugins.module_utils._host.hash_tree import DIGEST, HashTree

GAP = 16  # blocks at hand that are fetched again rather than asking twice
_ZEROS = bytes(BLOCK)


@dataclass(frozen=True)
class Local:
    """A root file system on this host, with its tree."""

    path: Path
    tree: HashTree


def missing_ranges(missing: Sequence[bool], gap: int = GAP, after: int = 0) -> Iterator[tuple[int, int]]:
    """Runs of blocks to ask for, from and to (not included), from the block `after` on.

    Those that are parted by no more than `gap` blocks are one.
    """
    start = end = -1
    for block in range(after, len(missing)):
        if not missing[block]:
            continue
        if start < 0:
            start = block
        elif block - end > gap:
            yield start, end
            start = block
        end = block + 1
    if start >= 0:
        yield start, end


def at_hand(tree: HashTree, locals_: Sequence[Local]) -> dict[bytes, tuple[int, int]]:
    """Where to copy blocks from, by their hashes: which file, which block. Salts must be the same."""
    wanted = {tree.leaf(block) for block in range(tree.data_blocks)}
    found: dict[bytes, tuple[int, int]] = {}
    for number, local in enumerate(locals_):
        if local.tree.salt != tree.salt:
            continue
        leaves = local.tree.leaves
        for block in range(local.tree.data_blocks):
            leaf = leaves[block * DIGEST : (block + 1) * DIGEST]
            if leaf in wanted and leaf not in found:
                found[leaf] = (number, block)
    return found


@dataclass
class Blocks:
    """A file being put together, see fetch.Wanted. Every block in it is checked: those of an earlier try too.

    `name` is for messages; `lacks` says for each block whether it is still missing.
    """

    stream: t.BinaryIO
    tree: HashTree
    name: str
    lacks: list[bool] = field(init=False)
    copied: int = field(default=0, init=False)
    _rest: bytes = field(default=b"", init=False)  # of a block that came in part
    _at: int = field(default=0, init=False)
    _done: int = field(default=0, init=False)  # no block before this one is missing

    def __post_init__(self) -> None:
        """Look what an earlier try left; the file gets its size."""
        end = self.stream.seek(0, 2)
        self.stream.truncate(self.tree.data_blocks * BLOCK)
        self.lacks = [True] * self.tree.data_blocks
        if not end:
            return
        self.stream.seek(0)
        for block in range(self.tree.data_blocks):
            self.lacks[block] = self.tree.hash_of(self.stream.read(BLOCK)) != self.tree.leaf(block)

    def copy(self, locals_: Sequence[Local]) -> None:
        """Take what other deployments have; a block that is damaged there is fetched instead."""
        sources = at_hand(self.tree, locals_) if any(self.lacks) else {}
        zeros = self.tree.hash_of(_ZEROS)
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(local.path.open("rb")) for local in locals_]
            for block, lacks in enumerate(self.lacks):
                leaf = self.tree.leaf(block)
                if not lacks or not (leaf in sources or leaf == zeros):
                    continue
                data = _ZEROS
                if leaf != zeros:
                    number, place = sources[leaf]
                    files[number].seek(place * BLOCK)
                    data = files[number].read(BLOCK)
                if self.tree.hash_of(data) == leaf:
                    self._put(block, data)
                    self.copied += BLOCK

    def missing(self) -> tuple[int, int] | None:
        """See Wanted.missing."""
        self._rest = b""
        found = next(missing_ranges(self.lacks, after=self._done), None)
        if found is None:
            return None
        self._done = found[0]
        return found[0] * BLOCK, found[1] * BLOCK

    def take(self, offset: int, data: bytes) -> int:
        """See Wanted.take; every block is checked as it comes."""
        if offset != self._at + len(self._rest):
            self._rest = b""
        if not self._rest:
            skip = -offset % BLOCK
            self._at, data = offset + skip, data[skip:]
        data = self._rest + data
        whole = len(data) - len(data) % BLOCK
        useful = 0
        for start in range(0, whole, BLOCK):
            useful += self._check(self._at // BLOCK, data[start : start + BLOCK])
            self._at += BLOCK
        self._rest = data[whole:]
        return useful

    def _check(self, block: int, data: bytes) -> int:
        if block >= len(self.lacks) or not self.lacks[block]:
            return 0
        if self.tree.hash_of(data) != self.tree.leaf(block):
            what = f"block {block} that came is not the one in its hash tree"
            raise VerificationError(what, where=self.name, way_out="Run it again; else repair the store")
        self._put(block, data)
        return BLOCK

    def _put(self, block: int, data: bytes) -> None:
        self.stream.seek(block * BLOCK)
        self.stream.write(data)
        self.lacks[block] = False
