# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Where a repo may say that its files are: below itself, in plain words. Nothing remote is trusted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote, unquote_to_bytes, urljoin

from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError

COMPONENT_BYTES = 255  # NAME_MAX of every Linux file system
HREF_BYTES = 1024
FOREIGN = "foreign"  # the directory of files that upstream keeps outside the repo

# What nearly all places look like: no rule is broken, and none needs to be looked at.
PLAIN = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.+~^-]*/)*[A-Za-z0-9_][A-Za-z0-9_.+~^-]*")


def broken_rule(href: str, base: str | None = None) -> str:
    """The rule that `href` (decoded) breaks as a place inside a repo, or "" if it is a good one.

    `base` is its xml:base.
    """
    if not base and len(href) <= COMPONENT_BYTES and PLAIN.fullmatch(href):
        return ""
    parts = href.split("/")
    rules = (
        (bool(base), f"xml:base {base!r} would take it from elsewhere"),
        (not href, "it is empty"),
        (href.startswith("/"), "it is absolute"),
        (".." in parts, "'..' would leave the repo"),
        ("" in parts or "." in parts, "it has an empty or '.' component"),
        ("\\" in href, "it has a backslash"),
        ("%" in href, "it has a percent sign that encodes nothing, or is encoded itself"),
        (any(ord(char) < 0x20 or ord(char) == 0x7F for char in href), "it has a control character"),
        (
            any(len(_octets(part)) > COMPONENT_BYTES for part in parts),
            f"a component is over {COMPONENT_BYTES} bytes",
        ),
        (len(_octets(href)) > HREF_BYTES, f"it is over {HREF_BYTES} bytes"),
        (":" in parts[0], "it begins like a URL"),
    )
    return next((rule for broken, rule in rules if broken), "")


def decoded(href: str, base: str | None = None) -> tuple[str, str]:
    """What `href` says when it is percent-decoded, once, and the rule that it breaks, if any.

    Its spelling, a name for clients that do not decode, is under the same rules but for the percent signs.
    """
    if "%" not in href:
        return href, broken_rule(href, base)
    if "%2f" in href.lower():
        return href, "it encodes a slash"
    try:
        place = unquote_to_bytes(href).decode()
    except UnicodeDecodeError:
        return href, "what it encodes is not UTF-8"
    return place, broken_rule(place, base) or broken_rule(href.replace("%", "_"))


def check_href(href: str, base: str | None, *, where: str) -> str:
    """Return the place inside a repo that `href` names. Raises UpstreamError naming the rule it breaks."""
    place, rule = decoded(href, base)
    if rule:
        raise UpstreamError(f"location {_shown(href)} is refused: {rule}", where=where)
    return place


def spelled(place: str, origin: tuple[str, str]) -> str:
    """How a location (xml:base, href) spells its `place` in the repo, or "" if that is the place itself."""
    base, href = origin
    return href if "%" in href and href != place and not base and ".." not in href.split("/") else ""


def foreign(baseurl: str, origin: tuple[str, str], allowed: Iterable[str]) -> str:
    """The URL of a location (xml:base, href) that leaves the repo for one of the `allowed` bases, or ""."""
    base, href = origin
    if not base and ".." not in href.split("/"):
        return ""
    below = base or baseurl
    address = urljoin(below if below.endswith("/") else f"{below}/", href)
    for prefix in allowed:
        start = prefix if prefix.endswith("/") else f"{prefix}/"
        place, rule = decoded(address[len(start) :])
        if address.startswith(start) and not rule:
            return url(start, place)
    return ""


def brought(address: str, digest: str) -> str:
    """The place inside the repo of a file with this digest that foreign() let come from elsewhere."""
    return f"{FOREIGN}/{digest}/{unquote(address.rpartition('/')[2])}"


def clash(hrefs: Iterable[str]) -> str:
    """A path that is wanted both as a file and as a directory, or ""."""
    files = set(hrefs)
    directories = {href.rpartition("/")[0] for href in files}
    above = {directory[:end] for directory in directories for end in _slashes(directory)}
    return min(files & (directories | above), default="")


def url(base: str, href: str) -> str:
    """The URL of `href` below `base`. '+' is quoted too, for some object stores read it as a space."""
    return f"{base.rstrip('/')}/{quote(href, safe='/~')}"


def _slashes(href: str) -> list[int]:
    return [position for position, char in enumerate(href) if char == "/"]


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _shown(href: str) -> str:
    return repr(href if len(href) <= 120 else f"{href[:117]}...")
