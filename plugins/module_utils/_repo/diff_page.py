# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A difference as one page for a person: no scripts, nothing from elsewhere, readable in any light."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape

from ansible_collections.osaas.fleet.plugins.module_utils._names import SNAPSHOT_ID
from ansible_collections.osaas.fleet.plugins.module_utils._repo.diff import Advisory, Change, Difference
from ansible_collections.osaas.fleet.plugins.module_utils._repo.page_parts import (
    cards,
    document,
    section,
    told_size,
)

NOTHING = '<p class="empty">Nothing changed: hosts get the same packages from both.</p>\n'
SEVERITIES = ("critical", "important", "moderate", "low")


def page(before: str, after: str, found: Difference, downloads: Mapping[str, int | None]) -> str:
    """The page; `downloads` are bytes by package set, None if there is no way to update it."""
    advisories = sorted(found.advisories, key=_urgency)
    sections = [
        section("advisories", "Advisories", ADVISORY, map(_advisory, advisories)),
        section("downloads", "Downloads", DOWNLOAD, map(_download, downloads.items())),
        section("removed", "Removed packages", GONE, map(_gone, found.removed)),
        section("downgraded", "Downgraded packages", MOVED, map(_moved, found.downgraded)),
        section("upgraded", "Upgraded packages", MOVED, map(_moved, found.upgraded)),
        section("added", "Added packages", COME, map(_come, found.added)),
    ]
    body = "".join(sections) or NOTHING
    lead = (
        f"Compared with that of {_told(before)}: what a host gets that goes from"
        f" <code>{escape(before)}</code> to <code>{escape(after)}</code>."
    )
    heading = f"What the snapshot of {_told(after)} brings"
    return document(f"{before} → {after}", heading, lead, _cards(found), body)


ADVISORY = ("Advisory", "Kind", "What it is about", "CVEs")
DOWNLOAD = ("Package set", "#To download")
GONE = ("Package", "Architecture", "Was")
COME = ("Package", "Architecture", "Version", "#Size")
MOVED = ("Package", "Architecture", "From", "To", "#Size")


def _cards(found: Difference) -> str:
    kinds = (
        ("advisories", "security fixes", sum(one.kind == "security" for one in found.advisories)),
        ("advisories", "CVEs fixed", len(found.cves)),
        ("upgraded", "upgraded", len(found.upgraded)),
        ("downgraded", "downgraded", len(found.downgraded)),
        ("added", "added", len(found.added)),
        ("removed", "removed", len(found.removed)),
    )
    return cards(kinds)


def _urgency(one: Advisory) -> tuple[bool, int, str]:
    """Security first, the gravest first."""
    severity = one.severity.lower()
    rank = SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
    return one.kind != "security", rank, one.id


def _advisory(one: Advisory) -> list[str]:
    severity = one.severity.lower()
    graded = one.kind == "security" and severity in SEVERITIES
    look, word = (severity, severity) if graded else ("other", one.kind)
    badge = f'<span class="badge {look}">{escape(word)}</span>'
    cves = " ".join(f"<span>{escape(cve)}</span>" for cve in one.cves)
    return [escape(one.id), badge, escape(one.title), f'<span class="cves">{cves}</span>']


def _download(one: tuple[str, int | None]) -> list[str]:
    name, size = one
    return [escape(name), "there is no way to update it" if size is None else told_size(size)]


def _gone(one: Change) -> list[str]:
    return [escape(one.name), escape(one.arch), _version(one.old)]


def _come(one: Change) -> list[str]:
    return [escape(one.name), escape(one.arch), _version(one.new), told_size(one.bytes)]


def _moved(one: Change) -> list[str]:
    return [escape(one.name), escape(one.arch), _version(one.old), _version(one.new), told_size(one.bytes)]


def _version(evr: str | None) -> str:
    """Without an epoch of 0, which is only noise for a person."""
    return f"<code>{escape((evr or '').removeprefix('0:'))}</code>"


def _told(name: str) -> str:
    """The moment that a snapshot's id stands for, as it is said."""
    if not SNAPSHOT_ID.fullmatch(name):
        return escape(name)
    moment = datetime.strptime(name, "%Y%m%dT%H%M%SZ")
    return f'<time datetime="{moment.isoformat()}Z">{moment.day} {moment:%B %Y, %H:%M} UTC</time>'
