# Copyright (c) osaas.fleet contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is PRIVATE to the osaas.fleet collection: it may change at any time.
"""A difference as one page for a person: no scripts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ansible_collections.osaas.fleet.plugins.module_utils._repo.diff import Advisory, Change, Difference

STYLE = """
:root { color-scheme: light dark; --line: #d8dee4; --soft: #f4f6f8; --dim: #57606a }
@media (prefers-color-scheme: dark) {
  :root { --line: #30363d; --soft: #161b22; --dim: #9aa4af }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2.2rem }
.dim { color: var(--dim) }
.cards { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1.5rem 0 }
.cards a { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem; min-width: 6.5rem;
  text-decoration: none; color: inherit; background: var(--soft) }
.cards b { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top }
th { position: sticky; top: 0; background: var(--soft); font-weight: 600 }
tbody tr:hover { background: var(--soft) }
td.v { font-family: ui-monospace, monospace; font-size: .85rem; overflow-wrap: anywhere }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
"""


def page(before: str, after: str, found: Difference, downloads: Sequence[tuple[str, int]]) -> str:
    """The page; `downloads` are names of package sets and the bytes that each has to download."""
    kinds = {
        "Advisories": len(found.advisories),
        "CVEs": len(found.cves),
        "Upgraded": len(found.upgraded),
        "Downgraded": len(found.downgraded),
        "Added": len(found.added),
        "Removed": len(found.removed),
    }
    targets = {"CVEs": "advisories"}
    cards = "".join(
        f'<a href="#{targets.get(name, name.lower())}"><b>{count}</b>{name}</a>'
        for name, count in kinds.items()
    )
    sections = [
        _section("Advisories", ("Advisory", "Kind", "Title", "CVEs"), map(_advisory, found.advisories)),
        _section("Downloads", ("Package set", "#Size"), [(name, _size(size)) for name, size in downloads]),
        _packages("Removed", found.removed),
        _packages("Downgraded", found.downgraded),
        _packages("Upgraded", found.upgraded),
        _packages("Added", found.added),
    ]
    title = f"{escape(before)} → {escape(after)}"
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n"
        f'<h1>{title}</h1>\n<p class="dim">What hosts get on the way from the first to the second.</p>\n'
        f'<nav class="cards">{cards}</nav>\n{"".join(sections)}</html>\n'
    )


def _packages(title: str, changes: Iterable[Change]) -> str:
    rows = [[one.name, one.arch, one.old or "-", one.new or "-", _size(one.bytes)] for one in changes]
    return _section(title, ("Package", "Arch", "=From", "=To", "#Size"), rows)


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a head that begins with # is of numbers, one with = of versions. Nothing, without rows."""
    classes = {"#": ' class="n"', "=": ' class="v"'}
    marks = [classes.get(head[0], "") for head in heads]
    body = [
        "<tr>" + "".join(f"<td{mark}>{escape(cell)}</td>" for mark, cell in zip(marks, row)) + "</tr>\n"
        for row in rows
    ]
    if not body:
        return ""
    top = "".join(f"<th{mark}>{head.lstrip('#=')}</th>" for mark, head in zip(marks, heads))
    return (
        f'<h2 id="{title.lower()}">{title} <span class="dim">{len(body)}</span></h2>\n'
        f"<table><thead><tr>{top}</tr></thead><tbody>\n{''.join(body)}</tbody></table>\n"
    )


def _advisory(one: Advisory) -> list[str]:
    kind = f"{one.kind} ({one.severity})" if one.severity and one.severity != "None" else one.kind
    return [one.id, kind, one.title, ", ".join(one.cves)]


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
