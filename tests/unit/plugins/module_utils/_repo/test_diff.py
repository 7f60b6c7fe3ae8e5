# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two states differ in, and the page about it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._evr import parse_nevra
from ansible_collections.osaas.fleet.plugins.module_utils._repo.diff import Advisory, Difference, difference
from ansible_collections.osaas.fleet.plugins.module_utils._repo.diff_page import page
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import Package, RemoteFile

BEFORE, AFTER = "20261108T020000Z", "20261122T174400Z"
NASTY = '"><script>alert(1)</script>&amp;'
VOID = {"meta", "link", "img", "br"}


def package(name: str, size: int = 7) -> Package:
    build = parse_nevra(name, where="test")
    file = RemoteFile(f"{name}.rpm", "sha256", "0" * 64, size)
    return Package(str(build), file, build, f"{build.name}.src.rpm", ("", file.href))


def told(found: Difference) -> dict[str, list[tuple[str, str, str | None, str | None]]]:
    kinds = {name: getattr(found, name) for name in ("added", "removed", "upgraded", "downgraded")}
    return {
        kind: [(one.name, one.arch, one.old, one.new) for one in changes]
        for kind, changes in kinds.items()
        if changes
    }


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("a-1.9-1.x", "a-1.10-1.x", "upgraded"),
        ("a-1.0-1.x", "a-1.0-1.1.x", "upgraded"),
        ("a-9-1.x", "a-1:1-1.x", "upgraded"),
        ("a-1-1.x", "a-1~rc1-1.x", "downgraded"),
        ("a-1-1.x", "a-1^git-1.x", "upgraded"),
        ("a-2-1.x", "a-1-9.x", "downgraded"),
    ],
)
def test_versions_compare_as_in_rpm(old: str, new: str, kind: str) -> None:
    assert list(told(difference([package(old)], [package(new)], [], []))) == [kind]


def test_the_newest_build_of_each_architecture_counts() -> None:
    old = [
        package("a-1-1.x86_64"),
        package("a-3-1.x86_64"),
        package("a-1-1.i686"),
        package("gone-1-1.noarch"),
    ]
    new = [package("a-3-1.x86_64"), package("a-2-1.x86_64"), package("a-2-1.i686"), package("new-1-1.noarch")]

    found = difference(old, new, [], [])

    assert told(found) == {
        "added": [("new", "noarch", None, "0:1-1")],
        "removed": [("gone", "noarch", "0:1-1", None)],
        "upgraded": [("a", "i686", "0:1-1", "0:2-1")],
    }
    assert [one.bytes for one in (*found.added, *found.removed)] == [7, 0]


def test_an_advisory_about_several_repos_counts_once() -> None:
    os, apps = (Advisory("A-1", "security", "Low", "t", cves) for cves in (("CVE-2",), ("CVE-1", "CVE-2")))
    found = difference([], [], [], [os, apps])
    assert found.advisories == (Advisory("A-1", "security", "Low", "t", ("CVE-1", "CVE-2")),)


def test_advisories_gained_name_their_cves_once() -> None:
    known = Advisory("A-1", "security", "Low", "", ("CVE-1",))
    fresh = [Advisory(f"A-{number}", "security", "", "", ("CVE-2", "CVE-3")) for number in (3, 2)]

    found = difference([], [], [known], [known, *fresh])

    assert [one.id for one in found.advisories] == ["A-2", "A-3"]
    assert found.to_dict()["cves"] == ("CVE-2", "CVE-3")


class Checker(HTMLParser):
    """Fails on tags that are not closed; gathers what a page refers to, its ids, and the text of its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.foreign: list[str] = []
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.targets += [value for name, value in attrs if name == "href" and value]
        self.foreign += [tag] if tag in ("script", "link", "img", "iframe") or "src" in given else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "tr" in self.open and data.strip():
            self.rows[-1].append(data)


def read(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    checker.close()
    assert not checker.open
    return checker


def test_the_page_is_whole_and_leans_on_nothing_else() -> None:
    found = difference(
        [package("up-1-1.x"), package("down-2-1.x"), package("gone-1-1.x")],
        [package("up-2-1.x", 3 * 1024**2), package("down-1:1-1.x"), package("new-1-1.x")],
        [],
        [
            Advisory("A-1", "security", "Important", NASTY, ("CVE-2026-1",)),
            Advisory(NASTY, NASTY, "", "", ()),
        ],
    )

    text = page(BEFORE, AFTER, found, {NASTY: 2048, "stuck": None})
    checked = read(text)

    assert checked.foreign == []
    assert all(target.removeprefix("#") in checked.ids for target in checked.targets)
    assert len(checked.ids) == len(set(checked.ids))
    assert "http" not in text and "url(" not in text and "<script" not in text
    assert ["up", "x", "1-1", "2-1", "3.0 MiB"] in checked.rows
    assert ["down", "x", "2-1", "1:1-1", "7 B"] in checked.rows
    assert [NASTY, "2.0 KiB"] in checked.rows
    assert ["stuck", "there is no way to update it"] in checked.rows
    assert ["A-1", "important", NASTY, "CVE-2026-1"] in checked.rows
    assert "22 November 2026, 17:44 UTC" in text


def test_the_gravest_comes_first() -> None:
    kinds = [("bugfix", "Critical"), ("security", "None"), ("security", "Low"), ("security", "critical")]
    advisories = [Advisory(f"A-{kind}-{grade}", kind, grade, "t", ()) for kind, grade in kinds]

    rows = read(page(BEFORE, AFTER, difference([], [], [], advisories), {})).rows

    assert [row[0] for row in rows[1:]] == [
        "A-security-critical",
        "A-security-Low",
        "A-security-None",
        "A-bugfix-Critical",
    ]
    assert [row[1] for row in rows[1:]] == ["critical", "low", "security", "bugfix"]


def test_no_difference_is_said_in_words() -> None:
    text = page(BEFORE, AFTER, difference([], [], [], []), {})

    assert "Nothing changed" in text
    assert read(text).targets == []
