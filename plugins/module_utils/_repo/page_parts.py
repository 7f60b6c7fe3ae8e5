# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""Parts of pages for a person: no scripts, nothing from elsewhere, readable in any light. Cells are HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ansible_collections.osaas.fleet.plugins.module_utils._repo.diff_style import STYLE


def document(title: str, heading: str, lead: str, summary: str, body: str) -> str:
    """A page. All but the title is HTML."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{heading}</h1>\n<p>{lead}</p>\n</header>\n"
        f"{summary}<main>\n{body}</main>\n</body>\n</html>\n"
    )


def cards(kinds: Iterable[tuple[str, str, int]]) -> str:
    """Counts to begin with: the section that each leads to, what is counted, and how many."""
    # A section without rows is not on the page.
    told = "".join(
        f'<li><a href="#{target}"><b>{count}</b> {name}</a></li>\n'
        if count
        else f"<li><span><b>0</b> {name}</span></li>\n"
        for target, name, count in kinds
    )
    return f'<nav aria-label="Summary">\n<ul>\n{told}</ul>\n</nav>\n'


def section(name: str, title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
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


def told_size(count: int) -> str:
    """Bytes, as a person reads them."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
