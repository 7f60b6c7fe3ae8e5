# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""XML that no parser is let loose on."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.safexml import check_prolog, check_xml

ENTITY = '<!DOCTYPE x [<!ENTITY a "ha">]>'


class Check(Protocol):
    def __call__(self, path: Path, *, where: str) -> None: ...


CHECKS: list[Check] = [check_prolog, check_xml]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize("before", ["", "<!-- " + "x" * 200_000 + " -->"])
def test_entities(check: Check, encoding: str, before: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(f"{before}{ENTITY}<x>&a;</x>", encoding=encoding)

    with pytest.raises(UpstreamError, match=r"^os: it declares XML entities, which are refused$"):
        check(tmp_path / "x", where="os")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("text", ["", "no XML", "<", "\0<x/>"])
def test_no_xml(check: Check, text: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(text)

    with pytest.raises(UpstreamError, match=r"^os: this is not XML: "):
        check(tmp_path / "x", where="os")


def test_the_prolog_is_looked_at_alone(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("<x>" + " " * 200_000 + "</y>")

    check_prolog(tmp_path / "x", where="os")
    with pytest.raises(UpstreamError, match="this is not XML: mismatched tag"):
        check_xml(tmp_path / "x", where="os")
