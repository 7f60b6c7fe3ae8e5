# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A comparison of two images as one page for a person."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ansible_collections.osaas.fleet.plugins.module_utils._image.compare import (
    Comparison,
    FileChange,
    PackageChange,
)
from ansible_collections.osaas.fleet.plugins.module_utils._repo.page_parts import (
    cards,
    document,
    section,
    told_size,
)

NOTHING = '<p class="empty">Nothing changed: no one can tell these images apart.</p>\n'
PACKAGE = ("Package", "Architecture", "Version")
FILE = ("Path", "What changed", "#Size")
MOST_FILES = 2000  # rows that a browser shows at once without stuttering


def page(before: str, after: str, found: Comparison) -> str:
    """The page."""
    kinds = (
        ("removed", "removed", found.removed),
        ("downgraded", "downgraded", found.downgraded),
        ("upgraded", "upgraded", found.upgraded),
        ("added", "added", found.added),
    )
    sections = [
        section(target, f"Packages {name}", _heads(changes), map(_package, changes))
        for target, name, changes in kinds
    ]
    sections.append(section("files", "Files", FILE, map(_file, found.files[:MOST_FILES])))
    if len(found.files) > MOST_FILES:
        sections.append(f"<p>and {len(found.files) - MOST_FILES} more</p>\n")
    counted = [(target, f"packages {name}", len(changes)) for target, name, changes in kinds]
    lead = f"Against <code>{escape(before)}</code> it is {_difference(found.bytes)}."
    return document(
        f"{before} → {after}",
        f"What is new in the image <code>{escape(after)}</code>",
        lead,
        cards([*counted, ("files", "files", len(found.files))]),
        "".join(sections) or NOTHING,
    )


def _heads(changes: Sequence[PackageChange]) -> Sequence[str]:
    return (*PACKAGE[:2], "From", "To") if changes and changes[0].old and changes[0].new else PACKAGE


def _package(one: PackageChange) -> list[str]:
    versions = [f"<code>{escape(evr)}</code>" for evr in (one.old, one.new) if evr]
    return [escape(one.name), escape(one.arch), *versions]


def _file(one: FileChange) -> list[str]:
    what = ", ".join(one.what) or one.kind
    return [f"<code>{escape(one.path)}</code>", escape(what), _difference(one.bytes) if one.bytes else ""]


def _difference(count: int) -> str:
    if count == 0:
        return "of the same size"
    return f"{told_size(abs(count))} {'larger' if count > 0 else 'smaller'}"
