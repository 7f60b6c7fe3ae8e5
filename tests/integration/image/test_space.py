# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Too little room is told before anything is built; a disk that fills up leaves no half layer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.image.conftest import Workshop


@pytest.fixture
def disk(workshop: Workshop) -> Iterator[Path]:
    """A small file system where layers are kept, of the directories called "there"."""
    path = workshop.directory / "there/layers"
    path.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], check=True)
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_too_little_room_is_told_first(workshop: Workshop, disk: Path) -> None:
    refused = workshop.build("base", where="there")

    assert refused.msg.startswith(f"{disk}: the layers need about ")
    assert refused.msg.endswith(" MiB, 8 MiB are free. Make room there, or give another directory")
    assert [path.name for path in disk.iterdir()] == [".lock"]


def test_too_little_room_for_artifacts_is_told_before_they_are_made(workshop: Workshop, disk: Path) -> None:
    assert not workshop.build("base").failed
    workshop.define("web", "parent: base\nfeatures: []\nartifacts: [tar: {}, squashfs: {}]\n")

    refused = workshop.build("web", output=str(disk))

    assert refused.msg.startswith(f"{disk}: the artifacts need about ")
    assert refused.msg.endswith(" MiB, 8 MiB are free. Make room there, or give another directory")
    assert list(disk.iterdir()) == []


def test_a_disk_that_fills_up_leaves_no_layer(workshop: Workshop, disk: Path) -> None:
    (workshop.definitions / "one").write_bytes(bytes(7 << 20))
    (disk / "filler").write_bytes(bytes(900 << 10))
    text = "x" * (400 << 10)
    features = f"  - file: {{path: /one, source: one}}\n  - file: {{path: /two, content: {text}}}\n"
    workshop.define("big", f"SNAPSHOT\nfeatures:\n{features}")

    refused = workshop.build("big", where="there")

    assert refused.msg == f"{disk}: a layer cannot be built: No space left on device"
    assert list(disk.glob("*/layer.json")) == []
    (disk / "filler").unlink()
    assert not workshop.build("big", where="there").failed
    assert list(disk.glob(".building-*")) == []
