# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Lists of mirrors: a metalink, which also says which repomd.xml is right, or a plain mirrorlist."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree import ElementTree

from ansible_collections.osaas.fleet.plugins.module_utils._errors import UpstreamError
from ansible_collections.osaas.fleet.plugins.module_utils._repo.digests import ALGORITHMS, Hasher
from ansible_collections.osaas.fleet.plugins.module_utils._repo.model import REPOMD
from ansible_collections.osaas.fleet.plugins.module_utils._repo.safexml import check_xml_bytes

METALINK = "{http://www.metalinker.org/}"
ALTERNATES = "{http://fedorahosted.org/mirrormanager}"
STRONGEST = ("sha512", "sha384", "sha256", "sha224")


@dataclass(frozen=True)
class Mirrors:
    """Base URLs, best first, and the digests (algorithm, hex) of a right repomd.xml; none: any is."""

    bases: tuple[str, ...]
    digests: frozenset[tuple[str, str]] = frozenset()

    def check_repomd(self, content: bytes) -> None:
        """Raises UpstreamError if this repomd.xml is none that the metalink vouches for."""
        if not self.digests:
            return
        for algorithm in {algorithm for algorithm, _digest in self.digests}:
            hasher = Hasher(algorithm)
            hasher.feed(content)
            if (algorithm, hasher.digest) in self.digests:
                return
        raise UpstreamError("its repomd.xml is none that the metalink names: the mirror is stale, or worse")


def parse_metalink(content: bytes, *, where: str) -> Mirrors:
    """Raises UpstreamError if it is no metalink for a repomd.xml, or names no usable mirror or digest."""
    check_xml_bytes(content, where=where)
    root = ElementTree.fromstring(content)
    file = next((one for one in root.iter(f"{METALINK}file") if one.get("name") == "repomd.xml"), None)
    if file is None:
        raise UpstreamError("this is not a metalink for a repomd.xml", where=where)
    entries = [file, *file.iter(f"{ALTERNATES}alternate")]
    digests = frozenset(found for entry in entries for found in _strongest(entry))
    if not digests:
        raise UpstreamError("the metalink gives no checksum that can be relied on", where=where)
    urls = [(_preference(one), (one.text or "").strip()) for one in file.iter(f"{METALINK}url")]
    ordered = [
        url for _order, url in sorted(urls, key=lambda pair: (not pair[1].startswith("https:"), -pair[0]))
    ]
    tail = f"/{REPOMD}"
    bases = [url[: -len(tail)] + "/" for url in ordered if url.endswith(tail)]
    return Mirrors(_usable(bases, where=where), digests)


def parse_mirrorlist(content: bytes, *, where: str) -> Mirrors:
    """One URL in a line; those with https first. Raises UpstreamError if there is none."""
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    return Mirrors(_usable(sorted(lines, key=lambda line: not line.startswith("https:")), where=where))


def _usable(urls: list[str], *, where: str) -> tuple[str, ...]:
    """Only http and https: a list from elsewhere has no say over this machine's files."""
    good = tuple(dict.fromkeys(url for url in urls if _is_base(url)))
    if not good:
        raise UpstreamError("it names no http or https mirror", where=where)
    return good


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        )
    except ValueError:
        return False


def _strongest(entry: ElementTree.Element) -> list[tuple[str, str]]:
    """The best checksum of one version of the file; weak ones prove nothing."""
    hashes = {one.get("type", ""): (one.text or "").strip().lower() for one in _hashes(entry)}
    for algorithm in STRONGEST:
        if len(hashes.get(algorithm, "")) == ALGORITHMS[algorithm]:
            return [(algorithm, hashes[algorithm])]
    return []


def _hashes(entry: ElementTree.Element) -> list[ElementTree.Element]:
    namespaced = entry.findall(f"{METALINK}verification/{METALINK}hash")
    return namespaced or entry.findall(f"{ALTERNATES}verification/{ALTERNATES}hash")


def _preference(entry: ElementTree.Element) -> int:
    given = entry.get("preference", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0
