# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""comps.xml: what is cut, and what must stay."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.comps import cut_comps

TEXT = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps>
  <group><id>one</id><name>One</name><name xml:lang="de">Eins</name>
    <packagelist><packagereq type="mandatory">a</packagereq></packagelist></group>
  <group><id>two</id><name>Two</name>
    <packagelist><packagereq type="mandatory"> a </packagereq>
    <packagereq type="conditional" requires="x">b</packagereq></packagelist></group>
  <group><id>empty</id><name>Empty from the start</name><packagelist/></group>
  <category><id>all</id><grouplist><groupid>one</groupid><groupid>two</groupid></grouplist></category>
  <environment><id>env</id><grouplist><groupid>two</groupid></grouplist>
    <optionlist><groupid>one</groupid><groupid default="true">empty</groupid></optionlist></environment>
  <langpacks><match install="a-%s" name="a"/></langpacks>
</comps>
"""


def cut(tmp_path: Path, gone: set[str], text: str = TEXT) -> ElementTree.Element:
    (tmp_path / "comps.xml").write_text(text)
    return ElementTree.fromstring(cut_comps(tmp_path / "comps.xml", gone, where="os: comps"))


def said(root: ElementTree.Element, path: str) -> list[str]:
    return [(element.text or "").strip() for element in root.findall(path)]


def test_nothing_gone_is_nothing_cut(tmp_path: Path) -> None:
    root = cut(tmp_path, {"elsewhere"})

    assert said(root, "group/id") == ["one", "two", "empty"]
    assert said(root, ".//packagereq") == ["a", "a", "b"]
    assert said(root, ".//groupid") == ["one", "two", "two", "one", "empty"]
    assert root.find("langpacks/match") is not None


def test_packages_go_and_with_them_the_groups_that_this_empties(tmp_path: Path) -> None:
    root = cut(tmp_path, {"a"})

    assert said(root, "group/id") == ["two", "empty"], "what was empty before is nobody's doing"
    assert said(root, ".//packagereq") == ["b"]
    assert root.findall(".//packagereq")[0].attrib == {"type": "conditional", "requires": "x"}
    assert said(root, "category/grouplist/groupid") == ["two"]
    assert said(root, "environment/*/groupid") == ["two", "empty"]


def test_the_document_type_stays(tmp_path: Path) -> None:
    (tmp_path / "comps.xml").write_text(TEXT)
    text = cut_comps(tmp_path / "comps.xml", {"a"}, where="os: comps")
    assert text.startswith("".join(TEXT.splitlines(keepends=True)[:2]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no XML", "os: comps: this is not XML: "),
        ('<!DOCTYPE x [<!ENTITY a "b">]><comps/>', "os: comps: it declares XML entities, which are refused"),
    ],
)
def test_not_comps(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UpstreamError, match=f"^{message}"):
        cut(tmp_path, set(), text)
