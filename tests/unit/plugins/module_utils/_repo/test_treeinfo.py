# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a .treeinfo says."""

from __future__ import annotations

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.treeinfo import parse_treeinfo

A, B = "a" * 64, "b" * 40


def test_images() -> None:
    content = (
        f"[general]\nrepository = ../../x\n[checksums]\nimages/Boot.iso = sha256:{A}\na%2Bb=sha256: {A}\n"
    )

    assert parse_treeinfo(content.encode(), where="os") == {
        "images/Boot.iso": ("sha256", A),
        "a+b": ("sha256", A),
    }


def test_what_repomd_says_is_left_to_it() -> None:
    assert parse_treeinfo(b"[checksums]\nrepodata/repomd.xml = md5:0\n", where="os") == {}


def test_weak_checksums_if_allowed() -> None:
    content = f"[checksums]\nx = sha1:{B}\n".encode()

    assert parse_treeinfo(content, where="os", weak=True) == {"x": ("sha1", B)}
    with pytest.raises(FleetError, match="os: x: checksum type 'sha1' is refused: it is weak or unknown"):
        parse_treeinfo(content, where="os")


def test_all_faults_are_told() -> None:
    with pytest.raises(FleetError) as caught:
        parse_treeinfo(f"[checksums]\n../x = sha256:{A}\ny = sha256:0\n".encode(), where="os")

    assert str(caught.value) == (
        "os: ../x: location '../x' is refused: '..' would leave the repo; os: y: '0' is not a sha256 checksum"
    )
