# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifact_options import read_artifacts
from ansible_collections.osaas.fleet.plugins.module_utils._image.artifacts.disk import DiskArtifact


def test_entries_are_as_in_a_definition() -> None:
    (made,) = read_artifacts([{"disk": {"root": "erofs", "boot": "unified"}}])

    assert made == DiskArtifact(root="erofs", boot="unified", free=512, esp=256)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"disc": {}},
            "artifacts[0]: an entry has one key, its kind. The kinds are cpio, deployment, directory, disk,"
            " erofs, esp, ext4, oci, sbom, sendstream, squashfs, tar",
        ),
        ({"disk": {"root": "xfs"}}, "artifacts[0].disk.root: 'xfs' is not one of ['ext4', 'btrfs', 'erofs']"),
        (
            {"erofs": {"verify": True}},
            "artifacts[0].erofs: Additional properties are not allowed ('verify' was unexpected)",
        ),
    ],
)
def test_what_breaks_a_rule_is_told_with_its_place(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_artifacts([entry])

    assert str(caught.value) == message
