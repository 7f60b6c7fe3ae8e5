# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""updateinfo.xml: advisories, cut to the packages that are left."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterator
from pathlib import Path
from xml.etree import ElementTree

from ansible_collections.osaas.fleet.plugins.module_utils._repo.safexml import check_xml


class Advisories:
    """Writes one updateinfo.xml out of one or more; each advisory once."""

    def __init__(self, out: t.TextIO) -> None:
        self._out = out
        self._seen: set[str] = set()
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<updates>\n')

    def add(self, source: Path, gone: Collection[str], *, where: str) -> None:
        """Add what is in `source`, without the NEVRAs in `gone` and advisories that this empties."""
        self._add(source, lambda nevra: nevra not in gone, where=where)

    def carry(self, source: Path, kept: Collection[str], *, where: str) -> None:
        """Add those advisories of `source` that fix packages in `kept`, with these packages alone."""
        self._add(source, lambda nevra: nevra in kept, where=where)

    def close(self) -> None:
        """Write the end."""
        self._out.write("</updates>\n")

    def _add(self, source: Path, wanted: t.Callable[[str], bool], *, where: str) -> None:
        for name, element in _updates(source, where=where):
            if name not in self._seen and _fits(element, wanted):
                self._seen.add(name)
                element.tail = "\n"
                self._out.write(ElementTree.tostring(element, encoding="unicode"))


def advised(source: Path, ids: Collection[str], *, where: str) -> dict[str, dict[str, str]]:
    """The NEVRAs that each of these advisories names, of those that `source` has, with their module streams.

    A stream is name:stream, "" where the advisory does not say it.
    """
    return {
        name: {
            _nevra(package): _stream(collection)
            for collection in element.iter("collection")
            for package in collection.iter("package")
        }
        for name, element in _updates(source, where=where)
        if name in ids
    }


def _stream(collection: ElementTree.Element) -> str:
    module = collection.find("module")
    return "" if module is None else f"{module.get('name')}:{module.get('stream')}"


def _updates(source: Path, *, where: str) -> Iterator[tuple[str, ElementTree.Element]]:
    """Id and element of each advisory; one in memory at a time. Raises UpstreamError."""
    check_xml(source, where=where)
    root: ElementTree.Element | None = None
    for event, element in ElementTree.iterparse(source, events=("start", "end")):
        root = element if root is None else root
        if event == "end" and element.tag == "update":
            yield element.findtext("id") or "", element
            root.clear()


def _fits(update: ElementTree.Element, wanted: t.Callable[[str], bool]) -> bool:
    """Cut an advisory; whether anything is left of it. One without packages stays as it is."""
    lists = update.findall("pkglist")
    total = left = 0
    for listing in lists:
        for collection in listing.findall("collection"):
            packages = collection.findall("package")
            dropped = [package for package in packages if not wanted(_nevra(package))]
            for package in dropped:
                collection.remove(package)
            if packages and len(dropped) == len(packages):
                listing.remove(collection)
            total, left = total + len(packages), left + len(packages) - len(dropped)
    return left > 0 or total == 0


def _nevra(package: ElementTree.Element) -> str:
    get = package.get
    return f"{get('name')}-{get('epoch') or 0}:{get('version')}-{get('release')}.{get('arch')}"
