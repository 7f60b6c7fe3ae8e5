# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksums: which are accepted, and that one pass serves both algorithms."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import Hasher, check_digest


@pytest.mark.parametrize("algorithm", ["sha224", "sha256", "sha384", "sha512"])
def test_hasher(algorithm: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"first ")
    hasher = Hasher(algorithm)
    hasher.feed_file(file)
    hasher.feed(b"second")

    assert hasher.size == 12
    assert hasher.digest == hashlib.new(algorithm, b"first second").hexdigest()
    assert hasher.sha256 == hashlib.sha256(b"first second").hexdigest()


@pytest.mark.parametrize(
    ("algorithm", "digest", "what"),
    [
        (None, "0" * 64, "the metadata gives no checksum"),
        ("sha256", None, "the metadata gives no checksum"),
        ("md5", "0" * 32, "checksum type 'md5' is refused: it is weak or unknown"),
        ("sha", "0" * 40, "checksum type 'sha' is refused: it is weak or unknown"),
        ("sha1", "0" * 40, "checksum type 'sha1' is refused: it is weak or unknown"),
        ("SHA256", "0" * 64, "checksum type 'SHA256' is refused: it is weak or unknown"),
        ("sha256", "0" * 63, f"'{'0' * 63}' is not a sha256 checksum"),
        ("sha256", "../" + "0" * 61, f"'../{'0' * 61}' is not a sha256 checksum"),
        ("sha256", "A" * 64, f"'{'A' * 64}' is not a sha256 checksum"),
    ],
)
def test_refused(algorithm: str | None, digest: str | None, what: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        check_digest(algorithm, digest, where="repo: file")
    assert caught.value.what == what
    assert caught.value.where == "repo: file"


def test_accepted() -> None:
    assert check_digest("sha512", "0" * 128, where="") == ("sha512", "0" * 128)
