# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done in a mount namespace of its own; mounts themselves are seen by the tests of streams."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import FleetError, InputError
from ansible_collections.osaas.fleet.plugins.module_utils._image.own_mounts import in_own_mounts

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_it_is_done_elsewhere(tmp_path: Path) -> None:
    def work() -> None:
        told = f"{os.getppid()} {Path('/proc/self/ns/mnt').readlink()}"
        (tmp_path / "told").write_text(told)

    in_own_mounts(work)

    parent, namespace = (tmp_path / "told").read_text().split()
    assert int(parent) == os.getpid()
    assert namespace != str(Path("/proc/self/ns/mnt").readlink())


def test_what_it_says_of_a_failure_is_told() -> None:
    def work() -> None:
        raise InputError("there is no room", where="/srv", way_out="Make room")

    with pytest.raises(FleetError) as caught:
        in_own_mounts(work)

    assert str(caught.value) == "/srv: there is no room. Make room"


def test_what_nobody_thought_of_is_told_too(tmp_path: Path) -> None:
    def unknown() -> None:
        raise ZeroDivisionError("by zero")

    for work, told in (
        (unknown, "ZeroDivisionError: by zero"),
        ((tmp_path / "nowhere").rmdir, f"{tmp_path}/nowhere: No such file or directory"),
        (lambda: os._exit(3), "it ended early"),
    ):
        with pytest.raises(FleetError) as caught:
            in_own_mounts(work)
        assert str(caught.value) == told
