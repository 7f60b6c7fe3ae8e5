# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which blocks are fetched, and that what comes in whatever pieces ends up in its place."""

from __future__ import annotations

import hashlib
import itertools
from io import BytesIO
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import VerificationError
from ansible_collections.osaas.fleet.plugins.module_utils._host.blocks import (
    Blocks,
    Local,
    missing_ranges,
)
from ansible_collections.osaas.fleet.plugins.module_utils._host.deployment import BLOCK
from ansible_collections.osaas.fleet.plugins.module_utils._host.hash_tree import HashTree
from hypothesis import given
from hypothesis import strategies as st

SALT = b"salt"


def tree_of(content: bytes, salt: bytes = SALT) -> HashTree:
    blocks = [content[start : start + BLOCK] for start in range(0, len(content), BLOCK)]
    leaves = b"".join(hashlib.sha256(salt + block).digest() for block in blocks)
    return HashTree(salt, len(blocks), leaves, "")


def image(letters: str) -> bytes:
    """A block of each letter; a dot is a block of zeros."""
    return b"".join((b"\0" if letter == "." else letter.encode()) * BLOCK for letter in letters)


@given(st.lists(st.booleans(), max_size=80), st.integers(0, 5))
def test_ranges_cover_what_is_missing_and_little_more(missing: list[bool], gap: int) -> None:
    ranges = list(missing_ranges(missing, gap))

    covered = {block for start, end in ranges for block in range(start, end)}
    assert {block for block, lacks in enumerate(missing) if lacks} <= covered
    for start, end in ranges:
        assert missing[start] and missing[end - 1]
        runs = "".join("x" if lacks else " " for lacks in missing[start:end]).split("x")
        assert max(map(len, runs)) <= gap
    assert all(ranges[place - 1][1] + gap < ranges[place][0] for place in range(1, len(ranges)))


@given(
    new=st.text("abc.", min_size=1, max_size=8),
    left=st.integers(0, 3 * BLOCK),
    sizes=st.lists(st.sampled_from([1, 1000, BLOCK, BLOCK + 1, 3 * BLOCK]), min_size=1, max_size=3),
)
def test_any_pieces_of_any_size_make_it_whole(new: str, left: int, sizes: list[int]) -> None:
    content = image(new)
    stream = BytesIO(content[:left])  # of an earlier try
    blocks = Blocks(stream, tree_of(content), "root")
    pieces = itertools.cycle(sizes)
    for start, end in iter(blocks.missing, None):
        place = start
        while place < end:
            size = next(pieces)
            blocks.take(place, content[place : min(end, place + size)])
            place += size

    assert stream.getvalue() == content


def test_only_what_is_not_at_hand_is_missing(tmp_path: Path) -> None:
    old, new = image("abc"), image("xb.ca")
    (tmp_path / "old").write_bytes(old)
    stream = BytesIO()
    blocks = Blocks(stream, tree_of(new), "root")

    blocks.copy([Local(tmp_path / "old", tree_of(old))])

    assert blocks.missing() == (0, BLOCK)
    assert blocks.copied == 4 * BLOCK
    blocks.take(0, new)
    assert stream.getvalue() == new


def test_what_is_damaged_at_hand_is_missing(tmp_path: Path) -> None:
    old = image("ab")
    (tmp_path / "old").write_bytes(image("aB"))
    blocks = Blocks(BytesIO(), tree_of(old), "root")

    blocks.copy([Local(tmp_path / "old", tree_of(old))])

    assert blocks.missing() == (BLOCK, 2 * BLOCK)


def test_another_salt_tells_nothing(tmp_path: Path) -> None:
    old = image("ab")
    (tmp_path / "old").write_bytes(old)
    blocks = Blocks(BytesIO(), tree_of(old), "root")

    blocks.copy([Local(tmp_path / "old", tree_of(old, b"other"))])

    assert blocks.missing() == (0, 2 * BLOCK)


def test_a_wrong_block_is_refused() -> None:
    blocks = Blocks(BytesIO(), tree_of(image("ab")), "images/web-1/web.root.erofs")

    with pytest.raises(VerificationError) as refused:
        blocks.take(0, image("aB"))

    assert str(refused.value) == (
        "images/web-1/web.root.erofs: block 1 that came is not the one in its hash tree."
        " Run it again; else repair the store"
    )
