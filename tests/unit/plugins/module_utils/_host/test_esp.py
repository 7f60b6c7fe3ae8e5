# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of an ESP that Linux lets nobody write to; tests/vm has a real one."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import HostError
from ansible_collections.osaas.fleet.plugins.module_utils._host.esp import writable
from ansible_collections.osaas.fleet.plugins.module_utils._host.image_paths import ImagePaths


@pytest.fixture
def paths(tmp_path: Path) -> ImagePaths:
    made = ImagePaths(tmp_path)
    for place in (made.esp, made.data):
        place.mkdir(parents=True)
    return made


def read_only(monkeypatch: pytest.MonkeyPatch, closed: Path) -> None:
    """Let that directory be on a file system that is mounted read-only."""

    def statvfs(path: Path) -> Any:
        return SimpleNamespace(f_flag=os.ST_RDONLY if path == closed else 0)

    monkeypatch.setattr(os, "statvfs", statvfs)


def told(place: Path, program: str) -> str:
    """The whole message."""
    return (
        f"{place}: is mounted read-only, as Linux does with a file system that it finds damaged."
        f" Unmount it, repair it ({program}), mount it again, and run this again"
    )


@pytest.mark.parametrize(("name", "program"), [("esp", "fsck.vfat -a"), ("data", "fsck.ext4 -p")])
def test_nothing_is_begun_on_what_is_read_only(
    paths: ImagePaths, monkeypatch: pytest.MonkeyPatch, name: str, program: str
) -> None:
    place: Path = getattr(paths, name)
    read_only(monkeypatch, place)

    with pytest.raises(HostError) as refused, writable(paths):
        pytest.fail("was begun")

    assert str(refused.value) == told(place, program)


def test_what_is_made_read_only_meanwhile_is_told(paths: ImagePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostError) as refused, writable(paths):
        read_only(monkeypatch, paths.esp)
        raise OSError(errno.EROFS, "Read-only file system")

    assert str(refused.value) == told(paths.esp, "fsck.vfat -a")


def test_other_faults_stay_what_they_are(paths: ImagePaths) -> None:
    with pytest.raises(OSError, match="No space left"), writable(paths):
        raise OSError(errno.ENOSPC, "No space left on device")
