# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which places inside a repo are accepted, and by which rule others are not."""

from __future__ import annotations

import pytest
from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo import hrefs

GOOD = [
    "a.rpm",
    "Packages/a/a-1-1.noarch.rpm",
    "x86_64/getPackage/libstdc++-13.2~rc1-1^git.el9.x86_64.rpm",
    "with space/ä.rpm",
    "..a/b..c/...",
    "p/" + "n" * 255,
]
PERCENT = "it has a percent sign that encodes nothing, or is encoded itself"
BAD = [
    ("", None, "it is empty"),
    ("/etc/passwd", None, "it is absolute"),
    ("//host/a.rpm", None, "it is absolute"),
    ("..", None, "'..' would leave the repo"),
    ("../a.rpm", None, "'..' would leave the repo"),
    ("a/../../b.rpm", None, "'..' would leave the repo"),
    ("a/..", None, "'..' would leave the repo"),
    ("a//b.rpm", None, "it has an empty or '.' component"),
    ("./a.rpm", None, "it has an empty or '.' component"),
    ("a/", None, "it has an empty or '.' component"),
    ("a\\..\\b.rpm", None, "it has a backslash"),
    ("100%.rpm", None, PERCENT),
    ("a%zz.rpm", None, PERCENT),
    ("a\0.rpm", None, "it has a control character"),
    ("a\n.rpm", None, "it has a control character"),
    ("p/" + "n" * 256, None, "a component is over 255 bytes"),
    ("ä" * 128, None, "a component is over 255 bytes"),
    ("/".join(["n" * 200] * 6), None, "it is over 1024 bytes"),
    ("http://host/a.rpm", None, "it has an empty or '.' component"),
    ("file:a.rpm", None, "it begins like a URL"),
    ("a.rpm", "http://host/", "xml:base 'http://host/' would take it from elsewhere"),
    ("etc/hostname", "file:///", "xml:base 'file:///' would take it from elsewhere"),
]
ENCODED = [
    ("%2e%2e/a.rpm", "'..' would leave the repo"),
    ("p/.%2E/.%2e/a.rpm", "'..' would leave the repo"),
    ("%252e%252e/a.rpm", PERCENT),
    ("%2Fetc/passwd", "it encodes a slash"),
    ("p%2f..%2fa.rpm", "it encodes a slash"),
    ("a%00.rpm", "it has a control character"),
    ("a%0d%0aHost:x.rpm", "it has a control character"),
    ("..%5ca.rpm", "it has a backslash"),
    ("p/%2e/a.rpm", "it has an empty or '.' component"),
    ("file%3aa.rpm", "it begins like a URL"),
    ("a%ff.rpm", "what it encodes is not UTF-8"),
    ("p/" + "%61" * 100, "a component is over 255 bytes"),
]


@pytest.mark.parametrize("href", GOOD)
def test_good(href: str) -> None:
    assert hrefs.check_href(href, None, where="repo") == href
    assert hrefs.check_href(href, "", where="repo") == href


@pytest.mark.parametrize(("href", "base", "rule"), BAD)
def test_bad(href: str, base: str | None, rule: str) -> None:
    assert hrefs.broken_rule(href, base) == rule
    with pytest.raises(UpstreamError) as caught:
        hrefs.check_href(href, base, where="repo: package")
    assert str(caught.value).startswith("repo: package: location '")
    assert str(caught.value).endswith(f" is refused: {rule}")
    assert len(str(caught.value)) < 250, "even an endless name makes one line that a person can read"


@pytest.mark.parametrize(("href", "rule"), ENCODED)
def test_bad_once_decoded(href: str, rule: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        hrefs.check_href(href, None, where="repo: package")
    assert str(caught.value).endswith(f"' is refused: {rule}")


@pytest.mark.parametrize(
    ("href", "place"),
    [
        ("p/libc%2B%2B-1.rpm", "p/libc++-1.rpm"),
        ("a%20b%23.rpm", "a b#.rpm"),
        ("%c3%a4.rpm", "ä.rpm"),
        ("libc++-1%7e.rpm", "libc++-1~.rpm"),
    ],
)
def test_decoded(href: str, place: str) -> None:
    assert hrefs.check_href(href, None, where="repo") == place


def test_url_quotes_the_path_alone() -> None:
    assert hrefs.url("http://host/os/", "p/lib++~1 ?#.rpm") == "http://host/os/p/lib%2B%2B~1%20%3F%23.rpm"
    assert hrefs.url("http://host/os", "a.rpm") == "http://host/os/a.rpm"


@pytest.mark.parametrize(
    ("places", "clash"),
    [
        (["a/b", "a/c", "ab"], ""),
        (["a", "a/b"], "a"),
        (["x/y/z/w", "x/y"], "x/y"),
        (["repodata/repomd.xml", "repodata/repomd.xml/evil"], "repodata/repomd.xml"),
    ],
)
def test_clash(places: list[str], clash: str) -> None:
    assert hrefs.clash(places) == clash
