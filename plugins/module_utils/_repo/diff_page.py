# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A difference as one page for a person: no scripts, nothing from elsewhere, readable in any light."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape

from ansible_collections.osaas.fleet.plugins.module_utils._names import SNAPSHOT_ID
from ansible_collections.osaas.fleet.plugins.module_utils._repo.diff import Advisory, Change, Difference
from ansible_collections.osaas.fleet.plugins.module_utils._repo.diff_style import STYLE

NOTHING = '<p class="empty">Nothing changed: hosts get the same packages from both.</p>\n'
SEVERITIES = ("critical", "important", "moderate", "low")


def page(before: str, after: str, found: Difference, downloads: Mapping[str, int | None]) -> str:
    """The page; `downloads` are bytes by package set, None if there is no way to update it."""
    advisories = sorted(found.advisories, key=_urgency)
    sections = [
        _section("advisories", "Advisories", ADVISORY, map(_advisory, advisories)),
        _section("downloads", "Downloads", DOWNLOAD, map(_download, downloads.items())),
        _section("removed", "Removed packages", GONE, map(_gone, found.removed)),
        _section("downgraded", "Downgraded packages", MOVED, map(_moved, found.downgraded)),
        _section("upgraded", "Upgraded packages", MOVED, map(_moved, found.upgraded)),
        _section("added", "Added packages", COME, map(_come, found.added)),
    ]
    body = "".join(sections) or NOTHING
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(before)} → {escape(after)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>What the snapshot of {_told(after)} brings</h1>\n"
        f"<p>Compared with that of {_told(before)}: what a host gets that goes from"
        f" <code>{escape(before)}</code> to <code>{escape(after)}</code>.</p>\n</header>\n"
        f"{_cards(found)}<main>\n{body}</main>\n</body>\n</html>\n"
    )


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
    # A section without rows is not on the page.
    cards = "".join(
        f'<li><a href="#{target}"><b>{count}</b> {name}</a></li>\n'
        if count
        else f"<li><span><b>0</b> {name}</span></li>\n"
        for target, name, count in kinds
    )
    return f'<nav aria-label="Summary">\n<ul>\n{cards}</ul>\n</nav>\n'


def _section(name: str, title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML; a head that begins with # is of numbers. Nothing, without rows."""
    marks = [' class="number"' if head.startswith("#") else "" for head in heads]
    body = "".join(
        "<tr>"
        + f'<th scope="row">{row[0]}</th>'
        + "".join(f"<td{mark}>{cell}</td>" for mark, cell in zip(marks[1:], row[1:]))
        + "</tr>\n"
        for row in rows
    )
    if not body:
        return ""
    top = "".join(f'<th scope="col"{mark}>{head.lstrip("#")}</th>' for mark, head in zip(marks, heads))
    count = body.count("<tr>")
    return (
        f'<section id="{name}" aria-labelledby="{name}-title">\n'
        f'<h2 id="{name}-title">{title} <small>{count}</small></h2>\n'
        f"<table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n</section>\n"
    )


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
    return [escape(name), "there is no way to update it" if size is None else _size(size)]


def _gone(one: Change) -> list[str]:
    return [escape(one.name), escape(one.arch), _version(one.old)]


def _come(one: Change) -> list[str]:
    return [escape(one.name), escape(one.arch), _version(one.new), _size(one.bytes)]


def _moved(one: Change) -> list[str]:
    return [escape(one.name), escape(one.arch), _version(one.old), _version(one.new), _size(one.bytes)]


def _version(evr: str | None) -> str:
    """Without an epoch of 0, which is only noise for a person."""
    return f"<code>{escape((evr or '').removeprefix('0:'))}</code>"


def _told(name: str) -> str:
    """The moment that a snapshot's id stands for, as it is said."""
    if not SNAPSHOT_ID.fullmatch(name):
        return escape(name)
    moment = datetime.strptime(name, "%Y%m%dT%H%M%SZ")
    return f'<time datetime="{moment.isoformat()}Z">{moment.day} {moment:%B %Y, %H:%M} UTC</time>'


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
