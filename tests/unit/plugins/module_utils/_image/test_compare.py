# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from stat import S_IFREG

from ansible_collections.osaas.fleet.plugins.module_utils._image.compare import Comparison, compare
from ansible_collections.osaas.fleet.plugins.module_utils._image.compare_page import MOST_FILES, page
from ansible_collections.osaas.fleet.plugins.module_utils._image.listing import Entry

OLD = ["bash-0:5.2-1.x86_64", "curl-0:8.0-1.x86_64", "jq-0:1.7-1.x86_64", "less-0:600-1.x86_64"]
NEW = ["bash-0:5.3-1.x86_64", "curl-0:7.9-1.x86_64", "hello-0:2.10-1.x86_64", "less-0:600-1.x86_64"]


def entry(path: str, *, size: int = 1, time: int = 0, content: str = "x", mode: int = 0o644) -> Entry:
    return Entry(path, S_IFREG | mode, 0, 0, time, size, content, ())


def listed(*entries: Entry) -> dict[str, Entry]:
    return {one.path: one for one in entries}


def compared() -> Comparison:
    before = listed(entry("/gone", size=7), entry("/kept"), entry("/mode"), entry("/touched"))
    after = listed(
        entry("/come", size=10), entry("/kept"), entry("/mode", mode=0o600), entry("/touched", time=5)
    )
    return compare((OLD, NEW), (before, after))


def test_packages_are_told_by_what_became_of_them() -> None:
    found = compared()

    moved = {
        "added": found.added,
        "removed": found.removed,
        "upgraded": found.upgraded,
        "downgraded": found.downgraded,
    }
    assert {kind: [(one.name, one.old, one.new) for one in ones] for kind, ones in moved.items()} == {
        "added": [("hello", "", "0:2.10-1")],
        "removed": [("jq", "0:1.7-1", "")],
        "upgraded": [("bash", "0:5.2-1", "0:5.3-1")],
        "downgraded": [("curl", "0:8.0-1", "0:7.9-1")],
    }


def test_files_are_told_with_what_is_different_and_by_how_much() -> None:
    found = compared()

    assert [(one.path, one.kind, one.what, one.bytes) for one in found.files] == [
        ("/come", "added", (), 10),
        ("/gone", "removed", (), -7),
        ("/mode", "changed", ("mode",), 0),
    ]
    assert found.bytes == 3


def test_the_page_tells_all_of_it() -> None:
    told = page("base", "web", compared())

    for words in ("3 B larger", "<code>/gone</code>", "7 B smaller", "<code>0:5.3-1</code>", "hello"):
        assert words in told
    assert "<script" not in told
    assert "http" not in told


def test_the_page_of_equal_images_says_so() -> None:
    nothing = compare((OLD, OLD), ({}, {}))

    assert "Nothing changed: no one can tell these images apart." in page("a", "b", nothing)


def test_the_page_shows_what_a_browser_can_and_counts_the_rest() -> None:
    found = compared()
    many = replace(found, files=found.files[:1] * (MOST_FILES + 5))

    assert "<p>and 5 more</p>" in page("base", "web", many)
