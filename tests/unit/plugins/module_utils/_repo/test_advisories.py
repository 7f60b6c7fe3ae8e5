# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""updateinfo.xml: which advisories stay, with which packages, and what they name."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.advisories import Advisories, advised

PACKAGE = '<package name="{0}" epoch="1" version="{1}" release="1" arch="x"><filename>f</filename></package>'


def collection(*packages: str) -> str:
    texts = (PACKAGE.format(*package.split("-")) for package in packages)
    return f"<collection><name>c</name>{''.join(texts)}</collection>"


def update(name: str, *collections: str) -> str:
    lists = "".join(f"<pkglist>{one}</pkglist>" for one in collections)
    return f"<update><id>{name}</id><title>&lt;{name}&gt;</title>{lists}</update>"


UPDATES = {
    "words.xml": update("WORDS"),
    "one.xml": update("ONE", collection("a-1")) + update("TWO", collection("a-1", "b-1"), collection("c-1")),
    "other.xml": update("TWO", collection("d-1")) + update("OLD", collection("a-0", "z-0")),
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name, text in UPDATES.items():
        (tmp_path / name).write_text(f"<updates>{text}</updates>")
    return tmp_path


def told(out: StringIO) -> dict[str, list[str]]:
    """The packages of each advisory, by id; ids are unique."""
    root = ElementTree.fromstring(out.getvalue())
    updates = [
        (str(one.findtext("id")), [str(package.get("name")) for package in one.iter("package")])
        for one in root
    ]
    assert len(dict(updates)) == len(updates)
    return dict(updates)


def test_packages_go_and_with_them_the_advisories_that_this_empties(sources: Path) -> None:
    out = StringIO()
    advisories = Advisories(out)
    advisories.add(sources / "one.xml", {"a-1:1-1.x", "c-1:1-1.x"}, where="os: updateinfo")
    advisories.add(sources / "words.xml", {"a-1:1-1.x"}, where="os: updateinfo")
    advisories.close()

    assert told(out) == {"TWO": ["b"], "WORDS": []}
    assert len(ElementTree.fromstring(out.getvalue()).findall(".//collection")) == 1
    assert "<title>&lt;TWO&gt;</title>" in out.getvalue()


def test_carried_packages_bring_their_advisories_and_no_others(sources: Path) -> None:
    out = StringIO()
    advisories = Advisories(out)
    advisories.add(sources / "one.xml", set(), where="os: updateinfo")
    advisories.carry(sources / "other.xml", {"a-1:0-1.x", "d-1:1-1.x"}, where="os: updateinfo")
    advisories.close()

    assert told(out) == {"ONE": ["a"], "TWO": ["a", "b", "c"], "OLD": ["a"]}, (
        "the repo's own word comes first"
    )


def test_what_advisories_name(sources: Path) -> None:
    module = '<module name="m" stream="1.10" version="1" context="c" arch="x"/><package'
    text = (sources / "one.xml").read_text()
    (sources / "one.xml").write_text(module.join(text.rsplit("<package", 1)))

    named = advised(sources / "one.xml", {"TWO", "UNKNOWN"}, where="os: updateinfo")

    assert named == {"TWO": {"a-1:1-1.x": "", "b-1:1-1.x": "", "c-1:1-1.x": "m:1.10"}}


def test_not_advisories(tmp_path: Path) -> None:
    (tmp_path / "updateinfo.xml").write_text("<updates>")
    with pytest.raises(UpstreamError, match=r"^os: updateinfo: this is not XML: no element found"):
        advised(tmp_path / "updateinfo.xml", {"ONE"}, where="os: updateinfo")
