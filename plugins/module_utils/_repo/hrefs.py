# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Where a repo may say that its files are: below itself, in plain words. Nothing remote is trusted."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urljoin

from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError

COMPONENT_BYTES = 255  # NAME_MAX of every Linux file system
HREF_BYTES = 1024


def broken_rule(href: str, base: str | None = None) -> str:
    """The rule that `href` breaks as a place inside a repo, or "" if it is a good one.

    `base` is its xml:base. A percent sign is refused because clients disagree on whether it is decoded.
    """
    parts = href.split("/")
    rules = (
        (bool(base), f"xml:base {base!r} would take it from elsewhere"),
        (not href, "it is empty"),
        (href.startswith("/"), "it is absolute"),
        (".." in parts, "'..' would leave the repo"),
        ("" in parts or "." in parts, "it has an empty or '.' component"),
        ("\\" in href, "it has a backslash"),
        ("%" in href, "it has a percent sign, which clients decode differently"),
        (any(ord(char) < 0x20 or ord(char) == 0x7F for char in href), "it has a control character"),
        (
            any(len(_octets(part)) > COMPONENT_BYTES for part in parts),
            f"a component is over {COMPONENT_BYTES} bytes",
        ),
        (len(_octets(href)) > HREF_BYTES, f"it is over {HREF_BYTES} bytes"),
        (":" in parts[0], "it begins like a URL"),
    )
    return next((rule for broken, rule in rules if broken), "")


def check_href(href: str, base: str | None, *, where: str) -> str:
    """Return `href` if it is a good place inside a repo. Raises UpstreamError naming the rule."""
    rule = broken_rule(href, base)
    if rule:
        raise UpstreamError(f"location {_shown(href)} is refused: {rule}", where=where)
    return href


def foreign(baseurl: str, origin: tuple[str, str], allowed: Iterable[str]) -> str:
    """The URL of a location (xml:base, href) that leaves the repo for one of the `allowed` bases, or ""."""
    base, href = origin
    if not base and ".." not in href.split("/"):
        return ""
    below = base or baseurl
    address = urljoin(below if below.endswith("/") else f"{below}/", href)
    for prefix in allowed:
        start = prefix if prefix.endswith("/") else f"{prefix}/"
        if address.startswith(start) and not broken_rule(address[len(start) :]):
            return url(start, address[len(start) :])
    return ""


def clash(hrefs: Iterable[str]) -> str:
    """A path that is wanted both as a file and as a directory, or ""."""
    files = set(hrefs)
    directories = {href[:end] for href in files for end in _slashes(href)}
    return min(files & directories, default="")


def url(base: str, href: str) -> str:
    """The URL of `href` below `base`. '+' is quoted too, for some object stores read it as a space."""
    return f"{base.rstrip('/')}/{quote(href, safe='/~')}"


def _slashes(href: str) -> list[int]:
    return [position for position, char in enumerate(href) if char == "/"]


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _shown(href: str) -> str:
    return repr(href if len(href) <= 120 else f"{href[:117]}...")
