# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which dnf a host has."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._host.backend import uses_dnf5


@pytest.mark.parametrize(
    ("files", "dnf", "expected"),
    [
        (("dnf5",), "dnf5", True),
        (("dnf5", "dnf-3"), "dnf5", True),
        (("dnf5", "dnf-3"), "dnf-3", False),
        (("dnf-3",), "dnf-3", False),
        (("dnf5",), None, True),
        ((), None, False),
    ],
)
def test_it_is_what_the_command_dnf_is(
    tmp_path: Path, files: tuple[str, ...], dnf: str | None, expected: bool
) -> None:
    for name in files:
        (tmp_path / name).touch()
    if dnf:
        (tmp_path / "dnf").symlink_to(dnf)
    assert uses_dnf5((tmp_path / "dnf", tmp_path / "dnf5")) is expected
